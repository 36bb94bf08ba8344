// A recipe in a command line's place: what its keys say, as words of a command line.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "cli/options.h"

namespace bantam::cli {

// Of a verb that takes recipes (Options::recipes), where the first argument is the name of a .toml file: the words with
// the recipe's `model` in its place and its other keys as options, `batch = 8` as --batch 8. What the command line says
// itself holds, and the recipe's is left out. Paths are taken from the recipe's folder. Throws Error with the file and
// the line: no TOML, a key that is no option (with the nearest), a value of the wrong kind.
std::vector<std::string> with_recipe(const Options& options, std::span<const std::string> words);

}  // namespace bantam::cli
