#include "cli/ladder_first.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/counting.h"
#include "base/error.h"
#include "train/run_limits.h"

namespace bantam::cli {

namespace {

// What a number comes to; nothing: it comes to nothing that can be raised.
using ComesTo = std::function<std::optional<std::string>(std::int64_t)>;

// A little more, and no more digits than a person would write.
std::int64_t a_little_more(std::int64_t number) {
  const double more = 1.005 * static_cast<double>(number);
  const auto unit = static_cast<std::int64_t>(std::pow(10, std::max(0.0, std::floor(std::log10(more)) - 2)));
  return (std::max(static_cast<std::int64_t>(more), number) / unit + 1) * unit;
}

// The same numbers, those that come to what an earlier one comes to made larger until they do not. Nothing: they
// would have to be a hundred times as large.
std::optional<std::vector<std::int64_t>> set_apart(const std::vector<std::int64_t>& numbers, const ComesTo& comes_to) {
  std::vector<std::int64_t> out;
  std::vector<std::string> taken;
  for (const std::int64_t wanted : numbers) {
    std::int64_t number = wanted;
    auto what = comes_to(number);
    while (!what || std::ranges::count(taken, *what) > 0) {
      number = a_little_more(number);
      if (number > 100 * wanted) return std::nullopt;
      what = comes_to(number);
    }
    taken.push_back(*what);
    out.push_back(number);
  }
  std::ranges::sort(out);
  return out;
}

std::string numbers_text(const std::vector<std::int64_t>& numbers) {
  std::string out;
  for (const std::int64_t n : numbers) out += (out.empty() ? "" : ", ") + std::to_string(n);
  return out;
}

// Throws Error where two of `numbers`, which rise, come to the same.
void require_distinct(const std::vector<std::int64_t>& numbers, const ComesTo& comes_to, const judge::LadderRecipe& ladder,
                   const std::string& key) {
  std::map<std::string, std::int64_t> met;
  for (const std::int64_t number : numbers) {
    const auto [other, fresh] = met.try_emplace(comes_to(number).value_or(""), number);
    if (fresh) continue;
    const auto apart = set_apart(numbers, comes_to);
    throw Error(fmt::format("{} and {} come to the same, {}, of which the law would learn nothing: {}", other->second, number,
                            other->first,
                            apart ? fmt::format("{} = [{}] are apart", key, numbers_text(*apart)) : "choose numbers that lie further apart"))
        .in(ladder.file)
        .field(key);
  }
}

TrainSettings settings_of(const Recipe& recipe, const RunText& text) {
  return settle(recipe, text.tokenizer->size(), text.store.tokens());
}

void require_trainable(const Recipe& recipe, std::int64_t size, const judge::LadderRecipe& ladder, const RunText& text) {
  try {
    check_run(recipe, settings_of(recipe, text), text.store.tokens());
  } catch (const Error& error) {
    if (!error.file().empty()) throw;  // of the text
    throw Error(std::to_string(size) + ": " + error.message()).in(ladder.file).field("sizes");
  }
}

}  // namespace

void look_first(const judge::LadderRecipe& ladder, const RecipeOfRun& recipe_of, const RunText& text) {
  const std::int64_t least = ladder.tokens.front();
  for (const std::int64_t size : ladder.sizes) require_trainable(recipe_of(size, least), size, ladder, text);
  const ComesTo shape = [&](std::int64_t size) -> std::optional<std::string> {
    try {
      const Config c = settings_of(recipe_of(size, least), text).model;
      return fmt::format("{} of {} with a vocabulary of {}", number_of(c.layers, "layer"), c.width, c.vocabulary);
    } catch (const Error&) {
      return std::nullopt;
    }
  };
  require_distinct(ladder.sizes, shape, ladder, "sizes");
  const ComesTo steps = [&](std::int64_t tokens) -> std::optional<std::string> {
    const TrainSettings s = settings_of(recipe_of(ladder.sizes.front(), tokens), text);
    return fmt::format("{} of {} tokens", number_of(s.steps, "step"), s.tokens_per_step());
  };
  require_distinct(ladder.tokens, steps, ladder, "tokens");
  const Recipe recipe = recipe_of(ladder.sizes.front(), least);
  if (split_documents(text.store, recipe.validation).validation.empty())
    throw Error("nothing would be kept back to judge by: more documents are needed, or a larger data.validation").in(recipe.text.string());
}

}  // namespace bantam::cli
