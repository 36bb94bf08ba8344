// What can be told of a ladder to go wrong before its first model is raised: hours may lie between the two.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "judge/ladder.h"
#include "train/recipe.h"
#include "train/run_text.h"

namespace bantam::cli {

// The recipe of a size on an amount of tokens.
using RecipeOfRun = std::function<Recipe(std::int64_t size, std::int64_t tokens)>;

// Throws Error, with the ladder's file and key: two sizes that come to the same shape, or two amounts of tokens to
// the same steps (both are named, and numbers that do not), a size that there is no shape of or that does not fit
// into memory, text of which nothing would be kept back to judge by.
void look_first(const judge::LadderRecipe& ladder, const RecipeOfRun& recipe_of, const RunText& text);

}  // namespace bantam::cli
