// Standard output that is not trusted to work: a full disk or a reader that went away is an error.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace bantam::cli {

// Standard output cannot be written to: nothing that is said goes anywhere any more.
class OutputError : public Error {
 public:
  using Error::Error;
};

// Whoever read standard output has gone, as `head` does: no fault, the program ends without a word.
class PipeClosed : public OutputError {
 public:
  PipeClosed() : OutputError("nobody reads standard output any more") {}
};

// Puts text on standard output (buffered by the system's library). Throws OutputError with the
// system's reason.
void print(std::string_view text);
// The same for what a model wrote: on a terminal its control characters are not obeyed.
void print_answer(std::string_view text);
// Hands on what is buffered: after each piece of an answer, and at the end of the program.
void flush();
// One line on standard error, "bantam: TEXT".
void note(std::string_view text);

// Throws Error when no file can be written there: before the work whose result it is for.
void require_place(const std::string& file);
// The same, and where something stands there that is no older result of the kind, so that a model or
// a person's data is never taken away by a name given twice: what begins with `beginning`; a list of
// numbers, a line each.
void require_place_for(const std::string& file, std::string_view beginning);
void require_place_for_numbers(const std::string& file);

// The same of a folder, which is made where there is none: throws Error when something else is of that name.
void require_place_for_folder(const std::string& folder);
// Makes it, and those above it. Throws Error as that does, and with the system's reason.
void make_folder(const std::string& folder);

// True when standard output is a terminal and nobody has set NO_COLOR (https://no-color.org).
bool colour();
bool output_is_terminal();

// Before anything is opened: a descriptor among 0, 1, 2 that the caller has closed would otherwise
// be given to the next file, and output would end up in a model.
void hold_standard_descriptors();

}  // namespace bantam::cli
