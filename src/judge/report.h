// The report of a run: JSON that a second program can score again, and everything that decides the
// numbers.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "judge/aggregate.h"
#include "judge/contamination.h"
#include "judge/evaluate.h"

namespace bantam::judge {

inline constexpr std::string_view kReportFormat = "bantam eval 1";

// One task of a report: what was asked, every item with its answer, the scores. `overlaps`: what the
// ledger of training text says of each item; its scores are then split.
Json task_report(const TaskRun& run, const TaskResult& result, const TaskSpec& spec,
                 const std::vector<Overlap>* overlaps = nullptr);
// The text of an item that the ledger looks for: its question; of a short one the answer too.
std::string ledger_text(const Item& item);
// The scores of the items as they go into aggregate().
std::vector<ItemScore> item_scores(const TaskRun& run, const TaskResult& result);
Json metrics_json(const Metrics& metrics);

}  // namespace bantam::judge
