// The small sets of tests/judge/data, and a model that has learnt nothing.
#pragma once

#include <memory>
#include <string>

#include "judge/choose.h"
#include "judge/evaluate.h"
#include "support/tiny_model.h"

namespace bantam::test {

inline Path judge_data() { return Path(__FILE__).parent_path() / "data" / "own"; }

inline judge::TaskRun own_run(const std::string& name, const judge::Asking& asking = {}) {
  judge::DataFolder data{judge_data()};
  return judge::make_run(judge::read_task(judge_data() / (name + ".toml")), data, asking);
}

// A task over the records of a text, for rules that need no file of their own.
inline judge::TaskSpec task_of(const std::string& toml) { return judge::parse_task(toml, "test.toml"); }

struct JudgeModel {
  explicit JudgeModel(std::int64_t context = 512, void (*change)(Config&) = nullptr) {
    TinyModel tiny;
    tiny.context = context;
    tiny.change = change;
    write_tiny_gguf(folder / "tiny.gguf", tiny);
    file = std::make_shared<const ModelFile>(folder / "tiny.gguf");
    tokenizer = tokenizer_of(*file);
  }
  judge::OpenSession opener(unsigned threads = 1) const {
    return [this, threads](std::int64_t slots, std::int64_t positions) {
      SessionOptions options;
      options.threads = threads;
      options.slots = slots;
      options.positions = positions;
      options.cache = Type::f32;
      return std::make_unique<Session>(file, options);
    };
  }
  judge::TaskResult evaluate(const judge::TaskRun& run, std::int64_t batch = 64, unsigned threads = 1,
                             judge::Journal* journal = nullptr) const {
    judge::EvaluateOptions options;
    options.batch = batch;
    auto result = judge::evaluate(run, tokenizer, file->config(), file->config().context,
                                  opener(threads), journal, options);
    if (!result) throw std::runtime_error("stopped");
    return std::move(*result);
  }

  ScratchFolder folder;
  std::shared_ptr<const ModelFile> file;
  std::shared_ptr<const Tokenizer> tokenizer;
};

}  // namespace bantam::test
