#include "judge/ladder.h"

#include <algorithm>

#include "judge/toml_keys.h"

namespace bantam::judge {

namespace {

constexpr TomlKey<LadderRecipe> kLadderKeys[] = {
    {"recipe", [](LadderRecipe& r, const toml::node& n) { r.recipe = word_of(n); }},
    {"text", [](LadderRecipe& r, const toml::node& n) { r.text = word_of(n); }},
    {"teacher", [](LadderRecipe& r, const toml::node& n) { r.teacher = word_of(n); }},
    {"sizes", [](LadderRecipe& r, const toml::node& n) { r.sizes = whole_numbers_of(n); }},
    {"tokens", [](LadderRecipe& r, const toml::node& n) { r.tokens = whole_numbers_of(n); }},
    {"seeds", [](LadderRecipe& r, const toml::node& n) { r.seeds = whole_number_of(n, 1, 100); }},
    {"layers", [](LadderRecipe& r, const toml::node& n) { r.layers = whole_number_of(n, 1, 4096); }},
    {"job.task", [](LadderRecipe& r, const toml::node& n) { r.task = word_of(n); }},
    {"job.data", [](LadderRecipe& r, const toml::node& n) { r.data = word_of(n); }},
    {"job.limit", [](LadderRecipe& r, const toml::node& n) { r.limit = amount_of(n); }},
    {"job.few_shot", [](LadderRecipe& r, const toml::node& n) { r.shots = whole_number_of(n, 0); }},
    {"job.chat", [](LadderRecipe& r, const toml::node& n) {
       const auto chat = n.value_exact<bool>();
       if (!chat) throw Error("true or false was expected");
       r.chat = *chat;
     }},
    {"job.target", [](LadderRecipe& r, const toml::node& n) { r.target = amount_of(n); }},
};

void sort_once(std::vector<std::int64_t>& numbers, const std::string& file, const char* field) {
  std::sort(numbers.begin(), numbers.end());
  if (std::adjacent_find(numbers.begin(), numbers.end()) != numbers.end())
    throw Error("a number stands twice").in(file).field(field);
}

}  // namespace

LadderRecipe read_ladder(const std::string& file) {
  LadderRecipe r;
  r.file = file;
  read_keys(r, file, std::span<const TomlKey<LadderRecipe>>(kLadderKeys));
  const auto expected = [&](const char* what, const char* field) { return Error(what).in(file).field(field); };
  if (r.recipe.empty() == r.text.empty())
    throw expected("either recipe (of bantam train) or text was expected", "text");
  sort_once(r.sizes, file, "sizes");
  sort_once(r.tokens, file, "tokens");
  if (r.sizes.size() < 3) throw expected("at least three sizes were expected", "sizes");
  // With two amounts what data do cannot be told from what they do by chance.
  if (r.tokens.empty() || r.tokens.size() == 2)
    throw expected("one amount of tokens was expected, or three and more (then the law knows of data too)", "tokens");
  if (r.sizes.size() * r.tokens.size() < 6)
    throw expected("at least six runs were expected: more sizes, or three amounts of tokens", "sizes");
  if (r.task.empty() && (r.target > 0 || r.limit > 0 || r.shots))
    throw expected("the task that the job is was expected", "job.task");
  if (!r.task.empty() && !(r.target > 0 && r.target < 1))
    throw expected("the share of answers that must be right was expected, such as 0.9", "job.target");
  const Path folder = Path(file).parent_path();
  const auto beside = [&](std::string& path) {
    if (!path.empty()) path = (folder / path).string();
  };
  beside(r.recipe);
  beside(r.text);
  beside(r.teacher);
  beside(r.data);
  if (r.task_is_file()) beside(r.task);
  return r;
}

}  // namespace bantam::judge
