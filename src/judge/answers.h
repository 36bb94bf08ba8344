// Greedy answers to many prompts, several at a time, cut at their stops as the field's harness cuts
// them (EleutherAI/lm-evaluation-harness, lm_eval/models/utils.py, postprocess_generated_text).
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "infer/session.h"
#include "judge/encode.h"
#include "judge/likelihood.h"

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
      : session_(session), tokenizer_(std::move(tokenizer)) {}

  // An answer to each prompt of at most `most` tokens; `done` is called with its place as each is
  // ready, in no fixed order. False: `go_on` said no.
  using Done = std::function<void(std::size_t place, Written written)>;
  bool run(std::span<const Sequence> prompts, std::span<const std::string> stops, std::int64_t most,
           const Done& done, const Session::GoOn& go_on = {});
  const Work& work() const { return work_; }

 private:
  struct Live;
  bool start(Live& live, std::size_t place, const Sequence& prompt, const Session::GoOn& go_on);
  void choose(Live& live, std::span<const float> logits, std::span<const std::string> stops,
              std::int64_t most);
  Written finish(const Live& live, std::span<const std::string> stops) const;

  Session& session_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  Work work_;
};

}  // namespace bantam::judge
