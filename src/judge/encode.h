// Requests as tokens, joined as the field's harness joins them (EleutherAI/lm-evaluation-harness,
// lm_eval/api/model.py, TemplateLM._encode_pair): context and continuation are encoded as one text,
// and what follows the context's own tokens is scored.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/rooms.h"
#include "tokenizer/tokenizer.h"

namespace bantam::judge {

// What is put into a model, and which of it is scored.
struct Sequence {
  std::vector<std::int32_t> tokens;  // all, the last one too, which is only predicted
  std::size_t first = 0;             // the first token whose log-likelihood is asked for; from 1
  std::size_t cut = 0;               // tokens that were left out at the beginning to fit a context

  std::size_t scored() const { return tokens.size() - first; }
};

class Encoder {
 public:
  // `most`: positions that a model can take (max_length).
  Encoder(std::shared_ptr<const Tokenizer> tokenizer, std::size_t most);

  // A text as the tokenizer encodes it, without special tokens when it begins with the beginning's
  // own text already (a chat template's output).
  std::vector<std::int32_t> encode(std::string_view text) const;
  // Throws Error when nothing of the continuation is left to score, or it does not fit.
  Sequence pair(std::string_view context, std::string_view continuation) const;
  // Windows over a text in which every token is predicted once.
  std::vector<Sequence> rolling(std::string_view text) const;
  // A context for an answer of `room` tokens: the last that fit; `cut` says how many did not.
  Sequence prompt(std::string_view context, std::size_t room) const;

  std::int32_t prefix_token() const { return prefix_; }
  // "put in front by the tokenizer", "not put in front: the tokenizer does not", and so on.
  std::string beginning() const;

 private:
  std::shared_ptr<const Tokenizer> tokenizer_;
  std::size_t most_;
  std::int32_t prefix_ = -1;  // BOS, else EOS: what an empty context is
  std::string prefix_text_;
};

// The windows over `tokens`, `most` at a time, after `prefix`.
std::vector<Sequence> rolling_windows(const std::vector<std::int32_t>& tokens, std::int32_t prefix,
                                      std::size_t most);

}  // namespace bantam::judge
