// How likely tokens were, as OpenAI's two endpoints write it.
#pragma once

#include <span>
#include <string>

#include "base/json.h"
#include "infer/log_probabilities.h"
#include "tokenizer/tokenizer.h"

namespace bantam::serve {

// An answer and, where it is asked for, the prompt before it.
struct ScoredTokens {
  std::span<const std::int32_t> prompt;             // empty: it is not told
  std::span<const TokenProbabilities> of_prompt;    // from its second token on
  std::span<const TokenProbabilities> of_answer;
};

// {"tokens", "token_logprobs", "top_logprobs", "text_offset"}, an entry a token. The first token of
// a prompt has null for both, since nothing stands before it. The likeliest tokens of each place
// are in its top_logprobs, the token itself too. Offsets are in characters: where the one begins
// that the token adds to.
Json completion_log_probabilities(const Tokenizer& tokenizer, const ScoredTokens& scored);

// {"content": [{"token", "logprob", "bytes", "top_logprobs"}, ...], "refusal": null}
Json chat_log_probabilities(const Tokenizer& tokenizer, const ScoredTokens& scored);

// A token's text; what is no whole character as "bytes:\xe4\xb8", as OpenAI has it; of a control
// token its name.
std::string token_text(const Tokenizer& tokenizer, std::int32_t id);

}  // namespace bantam::serve
