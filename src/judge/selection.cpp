#include "judge/selection.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "judge/compare.h"
#include "judge/toml_keys.h"

namespace bantam::judge {

double SelectionRecipe::weight(const std::string& task) const {
  const auto at = weights.find(task);
  return at == weights.end() ? 1 : at->second;
}

std::uint64_t parse_bytes(std::string_view text) {
  static constexpr std::pair<std::string_view, double> kUnits[] = {
      {"", 1}, {"B", 1}, {"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"KiB", 1024.0}, {"MiB", 1048576.0}, {"GiB", 1073741824.0}};
  double value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  if (failed == std::errc() && value >= 0)
    for (const auto& [name, scale] : kUnits)
      if (unit == name && value * scale < 1e18) return static_cast<std::uint64_t>(value * scale);
  throw Error("a size such as \"2 GB\" was expected, not \"" + printable(text, 40) + "\"");
}

namespace {

constexpr TomlKey<SelectionRecipe> kSelectionKeys[] = {
    {"models", [](SelectionRecipe& r, const toml::node& n) { r.models = words_of(n); }},
    {"tasks", [](SelectionRecipe& r, const toml::node& n) { r.tasks = words_of(n); }},
    {"task_files", [](SelectionRecipe& r, const toml::node& n) { r.task_files = words_of(n); }},
    {"text", [](SelectionRecipe& r, const toml::node& n) { r.text = word_of(n); }},
    {"data", [](SelectionRecipe& r, const toml::node& n) { r.data = word_of(n); }},
    {"limit", [](SelectionRecipe& r, const toml::node& n) { r.limit = amount_of(n); }},
    {"few_shot", [](SelectionRecipe& r, const toml::node& n) { r.shots = whole_number_of(n, 0); }},
    {"device.memory", [](SelectionRecipe& r, const toml::node& n) {
       r.memory = parse_bytes(word_of(n));
       if (r.memory == 0) throw Error("a size over 0 was expected; without it models of any size are tried");
     }},
    {"device.tokens_per_second", [](SelectionRecipe& r, const toml::node& n) { r.tokens_per_second = amount_of(n); }},
    {"device.licences", [](SelectionRecipe& r, const toml::node& n) { r.licences = words_of(n); }},
    {"weights", [](SelectionRecipe& r, const toml::node& n) {
       if (!n.is_table()) throw Error("a table of tasks and their weights was expected");
       for (const auto& [task, weight] : *n.as_table()) r.weights[std::string(task.str())] = amount_of(weight);
     }},
    {"probe.data", [](SelectionRecipe& r, const toml::node& n) { r.probe.data = word_of(n); }},
    {"probe.steps", [](SelectionRecipe& r, const toml::node& n) { r.probe.steps = whole_number_of(n); }},
    {"probe.examples", [](SelectionRecipe& r, const toml::node& n) { r.probe.examples = whole_number_of(n); }},
    {"probe.minutes", [](SelectionRecipe& r, const toml::node& n) {
       r.probe.minutes = amount_of(n);
       if (!(r.probe.minutes > 0)) throw Error("a number over 0 was expected; without it a probe may take as long as it takes");
     }},
    {"probe.held_out", [](SelectionRecipe& r, const toml::node& n) {
       r.probe.held_out = amount_of(n);
       if (!(r.probe.held_out > 0 && r.probe.held_out < 1)) throw Error("a share between 0 and 1 was expected, such as 0.2");
     }},
};

}  // namespace

SelectionRecipe read_selection(const std::string& file) {
  SelectionRecipe recipe;
  read_keys(recipe, file, std::span<const TomlKey<SelectionRecipe>>(kSelectionKeys));
  if (recipe.models.empty()) throw Error("the models to choose from were expected").in(file).field("models");
  const ProbeRecipe usual, &probe = recipe.probe;
  if (probe.data.empty() && (probe.steps || probe.examples != usual.examples || probe.minutes > 0 || probe.held_out != usual.held_out))
    throw Error("the file of examples that the models are to learn was expected").in(file).field("probe.data");
  if (!recipe.asks() && probe.data.empty())
    throw Error("questions to choose by were expected, or a [probe]").in(file).field("tasks");
  const Path folder = Path(file).parent_path();
  const auto beside = [&](std::string& path) {
    if (!path.empty()) path = (folder / path).string();
  };
  for (std::string& path : recipe.models) beside(path);
  for (std::string& path : recipe.task_files) beside(path);
  beside(recipe.text);
  beside(recipe.data);
  beside(recipe.probe.data);
  return recipe;
}

namespace {

// The first score of each task that is a mean, with its weight; perplexities are left out.
struct Weighted {
  double score = 0, error = 0, weight = 0;
};

bool is_perplexity(const std::string& metric) {
  return metric.find("perplexity") != std::string::npos || metric == "bits_per_byte";
}

Weighted weighted_score(const SelectionRecipe& recipe, const Json& report) {
  Weighted out;
  for (const auto& [name, task] : report.at("tasks").items())
    for (const auto& [metric, value] : task.at("metrics").items()) {
      if (is_perplexity(metric)) continue;
      const double w = recipe.weight(name);
      const double e = value.at("stderr").is_number() ? value.at("stderr").get<double>() : 0;
      out.score += w * value.at("value").get<double>();
      out.error += w * w * e * e;
      out.weight += w;
      break;
    }
  if (out.weight > 0) {
    out.score /= out.weight;
    out.error = std::sqrt(out.error) / out.weight;
  }
  return out;
}

// Whether the weighted difference of two reports of the same questions may be chance.
bool may_be_chance(const SelectionRecipe& recipe, const Json& a, const Json& b) {
  double difference = 0, variance = 0;
  std::string done;
  for (const Difference& d : compare(a, b, "the best", "another")) {
    if (d.task == done || is_perplexity(d.metric)) continue;
    done = d.task;
    const double w = recipe.weight(d.task), deviation = (d.high - d.low) / (2 * 1.96);
    difference += w * (d.b - d.a);
    variance += w * w * deviation * deviation;
  }
  return std::abs(difference) <= 1.96 * std::sqrt(variance);
}

}  // namespace

std::vector<Rank> rank(const SelectionRecipe& recipe, const std::vector<Candidate>& candidates) {
  std::vector<Rank> out;
  if (!recipe.asks()) return out;  // a report may be of a text alone
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (candidates[i].report.is_null()) continue;
    const Weighted w = weighted_score(recipe, candidates[i].report);
    out.push_back({i, w.score, w.error, false});
  }
  std::stable_sort(out.begin(), out.end(), [](const Rank& a, const Rank& b) { return a.score > b.score; });
  for (std::size_t i = 1; i < out.size(); ++i)
    out[i].tie = may_be_chance(recipe, candidates[out[0].candidate].report,
                               candidates[out[i].candidate].report);
  return out;
}

}  // namespace bantam::judge
