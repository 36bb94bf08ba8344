// Text that a person names on the command line.
#pragma once

#include <string>

namespace bantam::cli {

// The text of a file; of standard input for "-"; of a pipe or a device until its end. A byte order mark
// and UTF-16 are recognised (data/text_encoding.h), other bytes are as they are. Throws Error when it
// cannot be read, is UTF-32 or more than 1 GiB.
std::string read_text(const std::string& name);

// read_text() of a prompt: without the newline that ends a file's last line, which is not meant.
std::string read_prompt(const std::string& name);

// Standard input is a pipe or a file: somebody's text, not a person at a keyboard.
bool input_is_piped();
// Whether this is what standard input reads: "-", or a name of that very pipe (/dev/stdin).
bool is_standard_input(const std::string& name);
// Says so where text waits in a pipe of which nobody will read a word; `instead`: "--prompt says the
// prompt". A pipe into which nothing has been written is none: a program that started this one may hold
// the other end for other reasons.
void note_unread_pipe(const std::string& instead, const std::string& remedy = "--file - reads what is piped in");

}  // namespace bantam::cli
