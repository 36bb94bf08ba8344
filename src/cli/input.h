// Text that a person names on the command line.
#pragma once

#include <string>

namespace bantam::cli {

// The text of a file; of standard input for "-"; of a pipe or a device until its end. A byte order mark
// and UTF-16 are recognised (data/text_encoding.h), other bytes are as they are. Throws Error when it
// cannot be read, is UTF-32 or more than 1 GiB.
std::string read_text(const std::string& name);

}  // namespace bantam::cli
