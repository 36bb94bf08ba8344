// The verbs of the program: one file each, one row in the table of verbs.cpp.
#pragma once

#include <functional>
#include <span>
#include <string_view>

#include "cli/options.h"

namespace bantam::cli {

struct Verb {
  std::string_view name;
  std::string_view summary;  // one line, for the list of verbs
  std::string_view details;  // for --help: what a newcomer should know; lines under 80 characters
  std::string_view example;  // command lines that work, one a line
  // Declares the options and returns what to do once they are parsed. It throws Error when it
  // fails.
  std::function<void()> (*declare)(Options& options);
};

std::span<const Verb* const> verbs();
const Verb* find_verb(std::string_view name);

// What the program does, and what its exit status says.
inline constexpr std::string_view kAbout =
    "trains, runs, converts and looks into small language models, on this machine alone";
inline constexpr std::string_view kExitStatus = "0 done, 1 failed, 2 the command line is wrong";

// "bantam generate MODEL [options]", and "-t, --threads N".
std::string usage_of(const Verb& verb, const Options& options);
std::string spelling_of(const Option& option);
// What `bantam VERB --help` prints, and `bantam --help`.
std::string help_of(const Verb& verb, const Options& options);
std::string overview();

}  // namespace bantam::cli
