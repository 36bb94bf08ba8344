// Text that a person names on the command line.
#pragma once

#include <string>

namespace bantam::cli {

// The bytes of a file; of standard input for "-"; of a pipe or a device until its end. Throws Error
// when they cannot be read or are more than 1 GiB.
std::string read_text(const std::string& name);

}  // namespace bantam::cli
