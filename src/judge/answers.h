// Answers to many prompts, several at a time, cut at their stops as the field's harness cuts
// them (EleutherAI/lm-evaluation-harness, lm_eval/models/utils.py, postprocess_generated_text).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/rooms.h"
#include "infer/answer.h"
#include "infer/session.h"
#include "judge/encode.h"
#include "judge/likelihood.h"
#include "judge/tools.h"

namespace bantam::judge {

struct Written {
  std::string text;
  std::int64_t tokens = 0;
  bool ended = false;  // the model ended it, or a stop did; else it ran to its length
};

// For each stop in turn, everything from its first occurrence on is dropped.
std::string cut_at(std::string text, std::span<const std::string> stops);

class AnswerEngine {
 public:
  AnswerEngine(Session& session, std::shared_ptr<const Tokenizer> tokenizer)
      : session_(session), tokenizer_(std::move(tokenizer)) {
    sampling_.temperature = 0;
  }
  // Answers drawn and not the likeliest ones: that to a prompt by the stream of its place.
  void draw(const SamplingOptions& sampling, std::vector<std::uint64_t> streams) {
    sampling_ = sampling;
    streams_ = std::move(streams);
  }

  // Tools that every answer may use.
  void use(std::span<const Tool* const> tools) { tools_.assign(tools.begin(), tools.end()); }

  // An answer to each prompt of at most `most` tokens; `done` is called with its place as each is
  // ready, in no fixed order. False: `go_on` said no.
  using Done = std::function<void(std::size_t place, Written written)>;
  bool run(std::span<const Sequence> prompts, std::span<const std::string> stops, std::int64_t most,
           const Done& done, const Session::GoOn& go_on = {});
  const Work& work() const { return work_; }

 private:
  struct Live;
  std::vector<std::int32_t> known(std::span<const std::int32_t> ids) const;
  bool meets(std::span<const std::int32_t> ids, std::span<const std::string> stops) const;
  Written finish(const Answer& answer, std::span<const std::string> stops) const;

  Session& session_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  SamplingOptions sampling_;
  std::vector<std::uint64_t> streams_;
  std::vector<const Tool*> tools_;
  Work work_;
};

}  // namespace bantam::judge
