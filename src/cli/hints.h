// Hints that a model has seen a task's test set, for `bantam eval --contamination-hint`.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "cli/judging.h"

namespace bantam::cli {

// By task; asks the model further texts, with `how` (its journal gets a name of its own).
Json contamination_hints(const std::shared_ptr<const ModelFile>& file, const std::string& path,
                         const std::vector<judge::TaskRun>& runs, const std::string& data,
                         const judge::Asking& asking, Judging how);
std::string hint_text(const Json& hints);

}  // namespace bantam::cli
