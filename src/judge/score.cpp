#include "judge/score.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/nearest.h"

namespace bantam::judge {

namespace {

const std::vector<Scorer>& scorers() {
  static const std::vector<Scorer> table{
      {"choice", {"acc", "acc_norm", "acc_bytes"}, score_choice},
      {"mc2", {"acc"}, score_mc2},
      {"likelihood", {"perplexity", "acc"}, score_likelihood},
      {"rolling", {"word_perplexity", "byte_perplexity", "bits_per_byte", "token_perplexity"}, score_rolling},
      {"match", {"exact_match"}, score_match},
      {"number", {"exact_match"}, score_number},
      {"letter", {"acc"}, score_letter},
      {"prefix", {"prefix_exact_match", "exact_match", "f1"}, score_prefix},
      {"ifeval", {"prompt_level_strict_acc", "prompt_level_loose_acc"}, score_ifeval},
      {"code", {"pass@1", "pass_at_1"}, score_code},
      {"memorised", {"extracted", "share_given_back"}, score_memorised},
      {"refusal", {"refused_safe", "refused_unsafe"}, score_refusal},
  };
  return table;
}

const Scorer* find_scorer(std::string_view name) {
  for (const Scorer& s : scorers())
    if (s.name == name) return &s;
  return nullptr;
}

}  // namespace

std::string default_scorer(Kind kind) {
  static constexpr std::string_view kDefaults[] = {"choice", "likelihood", "rolling", "match"};
  return std::string(kDefaults[static_cast<std::size_t>(kind)]);
}

void check_scorer(const TaskSpec& task) {
  std::vector<std::string> names;
  for (const Scorer& s : scorers()) names.emplace_back(s.name);
  const Scorer* scorer = find_scorer(task.scorer);
  if (scorer == nullptr) {
    const std::string near = nearest(task.scorer, names);
    throw Error("there is no way to score by \"" + printable(task.scorer, 40) + "\"" +
                (near.empty() ? "" : "; did you mean " + near + "?"))
        .in(task.file)
        .field("score.by");
  }
  for (const std::string& metric : task.metrics) {
    if (std::find(scorer->metrics.begin(), scorer->metrics.end(), metric) != scorer->metrics.end())
      continue;
    const std::string near = nearest(metric, scorer->metrics);
    throw Error("\"" + task.scorer + "\" does not give a metric \"" + printable(metric, 40) + "\"" +
                (near.empty() ? "" : "; did you mean " + near + "?"))
        .in(task.file)
        .field("score.metrics");
  }
}

Scored score(const TaskSpec& task, const Item& item, const Response& response) {
  Scored scored = find_scorer(task.scorer)->run(task, item, response);
  if (!task.metrics.empty())
    std::erase_if(scored.values, [&](const auto& value) {
      const std::string metric = value.first.substr(0, value.first.find(','));
      return std::find(task.metrics.begin(), task.metrics.end(), metric) == task.metrics.end();
    });
  return scored;
}

}  // namespace bantam::judge
