// Puts the questions of tasks to a model: encoding, batches, the journal, progress.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/rooms.h"
#include "infer/session.h"
#include "judge/choose.h"
#include "judge/journal.h"
#include "judge/score.h"
#include "judge/several.h"
#include "judge/tools.h"

namespace bantam::judge {

struct EvaluateOptions {
  std::int64_t batch = 64;  // sequences at a time, memory permitting
  std::uint64_t cache_bytes = std::uint64_t{1} << 30;  // for keys and values
  Several several;  // of tasks whose answers are written
  std::vector<const Tool*> tools;  // that such answers may use
  Session::GoOn go_on;
  // Called after each batch: items done of those asked, and what to say beside.
  std::function<void(std::int64_t done, std::int64_t skipped)> progress;
};

struct TaskResult {
  std::vector<Response> responses;  // one for each item
  std::vector<Scored> scores;
  Work work;                // of this run: what a journal held is not in it
  double seconds = 0;       // likewise
  std::int64_t resumed = 0; // items that the journal held
  std::vector<std::int32_t> first_tokens;  // that the first request begins with
  std::string first_text;                  // the same, as text
};

// How a session is opened for so many slots and positions.
using OpenSession = std::function<std::unique_ptr<Session>(std::int64_t slots, std::int64_t positions)>;

// nullopt: `go_on` said no; the journal (may be null) holds what was done. Throws Error naming the
// task and document for a request that cannot be put.
std::optional<TaskResult> evaluate(const TaskRun& run, std::shared_ptr<const Tokenizer> tokenizer,
                                   const Config& config, std::int64_t context,
                                   const OpenSession& open, Journal* journal,
                                   const EvaluateOptions& options);

}  // namespace bantam::judge
