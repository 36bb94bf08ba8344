// Documents to tokens: what a model learns to predict, and what each token counts in the loss.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/rooms.h"
#include "chat/answer_mask.h"
#include "data/dataset.h"
#include "data/documents.h"
#include "tokenizer/tokenizer.h"

namespace bantam::data {

// How conversations become tokens, and what each part counts in the loss.
struct TokeniseOptions {
  float answer_weight = 1, question_weight = 1;  // assistants' messages; all others
};

// Running text: its tokens, then the end token. A conversation: as the tokenizer's chat template
// renders it; what the assistant says, with its stop token, counts as answer, all else as question
// (the opening of an answer too: it is given when the model is asked). An answer that does not count
// weighs nothing, and a conversation of which nothing is left is left out. Throws Error when a
// conversation is met and there is no template, and what mask_answers throws.
class Tokeniser {
 public:
  Tokeniser(const Tokenizer& tokenizer, TokeniseOptions options);
  ~Tokeniser();
  void add(const Document& document, TokenStore& store);

 private:
  struct Template;
  bool weigh_nothing(const MaskedPrompt& masked);
  const Tokenizer& tokenizer_;
  TokeniseOptions options_;
  std::unique_ptr<Template> template_;
  std::vector<std::int32_t> ids_;
  std::vector<float> weights_;
};

}  // namespace bantam::data
