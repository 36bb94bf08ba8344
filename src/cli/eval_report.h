// The report of `bantam eval` as it grows, and what is said of the tasks.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "infer/session.h"
#include "judge/contamination.h"
#include "judge/evaluate.h"
#include "judge/item.h"
#include "plan/energy.h"

namespace bantam::cli {

class EvalReport {
 public:
  // `context`: positions that a request may take.
  EvalReport(const ModelFile& file, const std::string& path, const SessionOptions& options,
             std::int64_t context, const judge::Asking& asking);
  ~EvalReport();

  // How many answers are asked for where answers are written.
  void say_several(const judge::Several& several);
  // Tools that written answers may use.
  void say_tools(const std::vector<const judge::Tool*>& tools);
  // What --set says to the chat template: an object, or null.
  void say_variables(const Json& variables);
  // One line that tells runs apart: model, program, requests, arithmetic. Not threads, nor batch.
  std::string settings(const std::vector<judge::TaskRun>& runs) const;
  // What the opened session says of itself.
  void see(const Session& session);
  // Adds a task; returns its scores in one line.
  std::string add(const judge::TaskRun& run, const judge::TaskResult& result,
                  const std::vector<judge::Overlap>* overlaps = nullptr);
  // Training text that was read for "trained_on" or "memorised", and what of it was not.
  void say_training(const std::string& name, const judge::TrainingText& text);
  // Hints of contamination, by task.
  void say_hints(const Json& hints);
  // All of it, with what it cost so far.
  Json json() const;
  // The JSON, and the page beside it.
  void write(const std::string& out) const;
  std::string table() const;

 private:
  std::unique_ptr<Json> report_;
  judge::Work work_;
  double seconds_ = 0;
  std::int64_t items_ = 0, resumed_ = 0;
  EnergyMeter energy_;
};

// What --list prints.
std::string eval_list();

}  // namespace bantam::cli
