// The program: finds the verb, runs it, turns whatever it throws into one line and an exit status.
#pragma once

#include <span>
#include <string>

namespace bantam::cli {

// `words`: the command line without the program's name. Returns the exit status: 0 done, 1 failed,
// 2 wrong command line.
int run_program(std::span<const std::string> words) noexcept;

}  // namespace bantam::cli
