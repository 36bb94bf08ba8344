// Scores of log-likelihoods (EleutherAI/lm-evaluation-harness, lm_eval/api/task.py, process_results).
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "judge/python_text.h"
#include "judge/score.h"
#include "kernels/math.h"

namespace bantam::judge {

namespace {

// The first largest of the sums, each divided by `length` of its choice.
template <class Length>
std::int64_t best_choice(const Item& item, const Response& response, const Length& length) {
  std::int64_t best = 0;
  double most = 0;
  for (std::size_t i = 0; i < response.likelihoods.size(); ++i) {
    // An empty choice has no length: as it stands.
    const double divisor = length(item.choices[item.choices.size() == 1 ? 0 : i]);
    const double value = response.likelihoods[i].sum / (divisor > 0 ? divisor : 1);
    if (i == 0 || value > most) {
      most = value;
      best = static_cast<std::int64_t>(i);
    }
  }
  return best;
}

}  // namespace

Scored score_choice(const TaskSpec&, const Item& item, const Response& response) {
  Scored out;
  const auto add = [&](const char* metric, std::int64_t chosen) {
    out.values.emplace_back(metric, chosen == item.gold ? 1.0 : 0.0);
  };
  const std::int64_t plain = best_choice(item, response, [](const std::string&) { return 1.0; });
  add("acc", plain);
  add("acc_norm", best_choice(item, response, [](const std::string& choice) {
        return static_cast<double>(code_points(choice));
      }));
  add("acc_bytes", best_choice(item, response, [](const std::string& choice) {
        return static_cast<double>(choice.size());
      }));
  out.correct = plain == item.gold;
  return out;
}

// The share of the probability that the true choices have (Lin et al. 2021). The largest sum is taken
// off first, so that improbable choices do not give 0 / 0.
Scored score_mc2(const TaskSpec& task, const Item& item, const Response& response) {
  const auto labels = item.record.find("mc2_labels");
  if (labels == item.record.end() || labels->size() != response.likelihoods.size())
    throw Error("a label for each choice was expected").in(task.file).field("mc2_labels");
  double most = response.likelihoods.front().sum;
  for (const Likelihood& l : response.likelihoods) most = std::max(most, l.sum);
  double all = 0, right = 0;
  for (std::size_t i = 0; i < response.likelihoods.size(); ++i) {
    const double p = bantam_exp(response.likelihoods[i].sum - most);
    all += p;
    if ((*labels)[i] == 1) right += p;
  }
  return {{{"acc", right / all}}, std::nullopt, {{"labels", *labels}}};
}

Scored score_likelihood(const TaskSpec&, const Item&, const Response& response) {
  const Likelihood& l = response.likelihoods.front();
  return {{{"perplexity", l.sum}, {"acc", l.greedy ? 1.0 : 0.0}}, l.greedy, nullptr};
}

// Words and bytes are counted on the page as it was published, where a record has one.
Scored score_rolling(const TaskSpec&, const Item& item, const Response& response) {
  const auto page = item.record.find("page");
  const std::string& text = page != item.record.end() && page->is_string()
                                ? page->get_ref<const std::string&>()
                                : item.contexts.front();
  const double sum = response.likelihoods.front().sum;
  return {{{"word_perplexity", sum},
           {"byte_perplexity", sum},
           {"bits_per_byte", sum},
           {"token_perplexity", sum}},
          std::nullopt,
          {{"words", split_count(text)}, {"bytes", text.size()}}};
}

}  // namespace bantam::judge
