// The pre-tokenizers of tokenizer.json in their order (huggingface/tokenizers,
// tokenizers/src/pre_tokenizers): from a normalised text to the pieces that the model codes.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/rooms.h"
#include "words/pre_tokenizer.h"
#include "tokenizer/tokenizer_spec.h"

namespace bantam::tokenizer {

class PreTokenPipeline {
 public:
  using Take = PreTokenizer::Take;

  // `name`: the splitter of GGUF that the stages among the steps are equivalent to, or empty.
  // Throws Error when a pattern does not compile.
  explicit PreTokenPipeline(const std::vector<PreTokenStep>& steps, std::string_view name = {});
  ~PreTokenPipeline();

  // Calls `take` with the pieces in order. After a byte_level step they are bytes again. `first`:
  // the text begins the whole text.
  void run(std::string_view text, bool first, const Take& take) const;

  // The splitter, if that is all there is beside prefix_space and byte_level; else null.
  const PreTokenizer* splitter() const { return general_.empty() ? splitter_.get() : nullptr; }

 private:
  class Pieces;
  struct Step {
    PreTokenStep step;
    std::unique_ptr<PreTokenizer> splitter;  // of consecutive stages
  };
  void run_step(const Step& step, bool first, Pieces& pieces) const;

  // The common case: an optional space before the text, then one splitter, if any.
  bool prefix_space_ = false;
  std::unique_ptr<PreTokenizer> splitter_;
  // Else all steps one by one.
  std::vector<Step> general_;
  bool to_bytes_ = false;
};

}  // namespace bantam::tokenizer
