// Putting tasks to one model: what `bantam eval` and `bantam select` share.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/eval_report.h"
#include "infer/session.h"
#include "judge/choose.h"

namespace bantam::cli {

// What is asked: names of tasks, files of tasks, texts.
struct Questions {
  std::vector<std::string> tasks, task_files, texts;
  std::string data;  // the folder of the sets; empty: none
};
// Throws Error (usage): a task that there is not, one that stands twice.
std::vector<judge::TaskRun> make_runs(const Questions& questions, const judge::Asking& asking);

struct Judging {
  SessionOptions session;
  std::int64_t batch = 64;
  bool quiet = false;
  std::string journal;                  // a file to go on from; empty: none
  std::vector<std::string> trained_on;  // training text
  judge::Several several;               // of tasks whose answers are written
  std::vector<const judge::Tool*> tools;  // that such answers may use
  std::vector<std::string> set;         // variables of the chat template, NAME=VALUE
};

// The finished report. Throws Interrupted; the journal then holds what was done.
std::unique_ptr<EvalReport> judge_model(const std::shared_ptr<const ModelFile>& file,
                                        const std::string& path,
                                        const std::vector<judge::TaskRun>& runs,
                                        const judge::Asking& asking, Judging how);

// "a,b" and "c" as a, b, c.
std::vector<std::string> names_in(const std::vector<std::string>& lists);

}  // namespace bantam::cli
