// The field logit_bias: tokens made likelier, less likely, or impossible.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/rooms.h"
#include "infer/sampler.h"
#include "serve/fields.h"
#include "tokenizer/tokenizer.h"

namespace bantam::serve {

// A token by its id, or every token of a text.
struct AskedBias {
  std::variant<std::int32_t, std::string> of;
  double bias;  // -infinity: never
  std::string field;
};

// OpenAI's form {"15": -100}, and llama.cpp's (tools/server/server-task.cpp, params_from_json_cmpl):
// texts in place of ids, false for never, and pairs [[15, -100], [" the", false]]. Throws Refusal.
std::vector<AskedBias> parse_biases(const Fields& body);

// With ids, as llama.cpp tokenizes the texts: nothing in front, special tokens as text. Throws Refusal
// for an id or a text that the vocabulary does not have.
std::vector<LogitBias> resolve_biases(const std::vector<AskedBias>& asked,
                                      const Tokenizer& tokenizer, std::int64_t vocabulary);

}  // namespace bantam::serve
