// A whole fine-tuning: a model and data in, an adapter or a model out, checked as a user will load
// it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "adapt/adapter.h"
#include "adapt/teacher.h"
#include "adapt/teacher_writes.h"
#include "adapt/tuner.h"
#include "base/file.h"
#include "base/json.h"
#include "base/progress.h"
#include "chat/answer_mask.h"

namespace bantam::adapt {

enum class Method : std::uint8_t { full, lora, rslora, dora, qlora };

// What a person says; what is not said is chosen from the model, the data and the machine.
struct TuneRequest {
  Path model, data, out;
  std::optional<Method> method;
  Objective objective = Objective::supervised;
  std::optional<double> beta, rate, epochs, decay, clip, alpha, warmup, validation;
  std::optional<std::int64_t> rank, batch, steps, micro_batch, most_tokens;
  std::optional<RateCurve> curve;
  std::optional<Arithmetic> arithmetic;
  std::vector<std::string> targets;
  std::optional<Path> start;                // an adapter to go on from
  std::optional<std::string> chat_template;  // a name, or a file
  // A model of the same tokenizer that the labels' shares come from; or one of any tokenizer that writes
  // the answers in place of the records' own.
  std::optional<Path> teacher;
  TeacherSettings teaching;
  bool teacher_writes = false;
  WritingSettings writing;
  GroupSettings groups;  // of grpo
  Reward reward;
  Json variables;  // of the template, an object; null: none
  std::optional<Path> evaluate;              // records that are only measured, before and after
  ExampleOrder order = ExampleOrder::shuffled;
  // Nothing: every answer; of answers that a teacher writes those alone, not what the records say before them.
  std::optional<Labels> labels;
  std::uint64_t seed = 1;
  bool skip_broken = false;  // go on without records that cannot be read

  Labels labels_or_usual() const {
    return labels.value_or(teacher_writes ? Labels::last_answer : Labels::answers);
  }
};

struct TuneOptions {
  bool resume = false, force = false;
  unsigned threads = 0;
  double save_every = 60;  // seconds between checkpoints
  Progress::Style progress = Progress::Style::silent;
  std::function<void(const std::string& line)> say = [](const std::string&) {};
  std::function<bool()> stop = [] { return false; };
};

struct TuneResult {
  bool finished = false;
  Method method = Method::lora;
  std::int64_t examples = 0, trained = 0, parameters = 0, steps = 0, labels = 0, tokens = 0;
  double seconds = 0, training_seconds = 0, tokens_per_second = 0;
  double loss = 0, validation_before = 0, validation_after = 0, evaluated_before = 0,
         evaluated_after = 0;
  std::vector<double> losses;
  // Of grpo: the mean reward of each step; all groups, and those whose answers all earned the same.
  std::vector<double> rewards;
  std::int64_t groups = 0, silent_groups = 0;
  std::int64_t answers = 0, cut_answers = 0;  // all, and those that ended at the most tokens
  std::string gate;  // what the identity gate compared, for people
};

// Throws Error. The output appears whole at the end, or not at all; an unfinished run leaves its
// checkpoint in OUT.run/.
TuneResult run_tuning(const TuneRequest& request, const TuneOptions& options);

// The records as the model would learn them.
struct PreparedData {
  std::shared_ptr<const Tokenizer> tokenizer;
  std::optional<ChatTemplate> chat;
  std::vector<LabelledExample> examples;
  std::vector<Json> records;  // of grpo: one for each prompt
  LabelReport report;
  std::vector<std::string> lines() const;  // for people (prompts.cpp)
};
PreparedData prepare_data(const TuneRequest& request, const ChatData& records,
                          std::optional<LocalTime> day = std::nullopt);
// Those of a file.
PreparedData prepare_data(const TuneRequest& request, const Path& data,
                          std::optional<LocalTime> day = std::nullopt);

}  // namespace bantam::adapt
