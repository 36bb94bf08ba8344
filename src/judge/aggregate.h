// From the scores of items to those of a task, with standard errors.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"

namespace bantam::judge {

struct Metric {
  double value = 0;
  std::optional<double> error;  // standard error; none where the field gives none
  std::int64_t count = 0;       // items that it stands on
};

// One item's part: its scores in order, and for rolling scores what they are divided by.
struct ItemScore {
  std::string subject;
  std::vector<std::pair<std::string, double>> values;
  double words = 0, bytes = 0, tokens = 0;
};

using Metrics = std::vector<std::pair<std::string, Metric>>;

// Over all items; sums run in their order. Where they have subjects the error is pooled (EleutherAI/
// lm-evaluation-harness, lm_eval/api/metrics.py, pooled_sample_stderr).
Metrics aggregate(const std::vector<ItemScore>& items);
// The same for each subject.
std::map<std::string, Metrics> aggregate_subjects(const std::vector<ItemScore>& items);

// The deviation (n - 1) of `value` over 100,000 samples with replacement, drawn as the harness draws
// them: chunk i of 1,000 by Python's choices() seeded with i.
double bootstrap_error(const std::vector<double>& items, double (*value)(double mean),
                       std::size_t samples = 100'000);

}  // namespace bantam::judge
