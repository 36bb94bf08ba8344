// The recipe of a ladder: which models to raise on whose text, and the job that they are to do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/rooms.h"

namespace bantam::judge {

// TOML: recipe = "recipe.toml" (of bantam train) or text = "notes"; sizes = [100_000, ...], tokens =
// [1_000_000, ...]: every size is raised on every amount, seeds = 3 times (default once), layers = 3 deep
// (default: the larger the deeper); [job] task = "own.toml" or the name of a task,
// data = "sets", limit, few_shot, chat = true (by the chat template), target = 0.9 (of the answers right);
// teacher = "large.gguf": the ladder is raised with its tokenizer, once without and once with its answers.
struct LadderRecipe {
  std::string file;  // where all this was read
  std::string recipe, text, teacher;
  std::vector<std::int64_t> sizes, tokens;  // rising
  std::string task, data;
  double limit = 0, target = 0;
  std::int64_t seeds = 1;  // runs of each size and amount, with seeds one after the other
  std::optional<std::int64_t> layers;  // of every size: then sizes differ in width alone
  std::optional<std::int64_t> shots;
  bool chat = false;

  bool task_is_file() const { return task.ends_with(".toml"); }
};

// Paths in the file are relative to its folder. Throws Error with file and line.
LadderRecipe read_ladder(const std::string& file);

}  // namespace bantam::judge
