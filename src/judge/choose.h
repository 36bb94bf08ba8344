// Which tasks a run asks: by name ("arc_easy", "mmlu", "mmlu_anatomy"), from a file of the user's, or
// a text.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/rooms.h"
#include "judge/item.h"

namespace bantam::judge {

// A task with its questions, as they will be put.
struct TaskRun {
  std::string name;  // in the report: "mmlu_anatomy" where one subject was asked for
  std::shared_ptr<const TaskSpec> spec;
  std::int64_t shots = 0;
  std::vector<Item> items;
  std::vector<DataFile> files;
  std::string digest;  // SHA-256 over the digest lines: the same requests have the same
};

struct Chosen {
  std::shared_ptr<const TaskSpec> spec;
  std::string subject;  // or empty: all
};

// Throws Error (usage): there is no such task (with the nearest).
Chosen choose_task(const std::string& name);
Chosen read_task(const Path& file);

TaskRun make_run(const Chosen& chosen, DataFolder& data, Asking asking);
// A run over texts, each a document whose perplexity is asked for.
TaskRun text_run(const std::vector<std::string>& files);

}  // namespace bantam::judge
