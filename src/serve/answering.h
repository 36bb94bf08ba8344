// From a prompt to the client: an answer is started, and written whole or as it comes. What tells
// the endpoints apart is the form of their JSON.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/rooms.h"
#include "serve/exchange.h"
#include "serve/log_probabilities_json.h"
#include "serve/requests.h"
#include "serve/service.h"

namespace bantam::serve {

struct AnswerForm {
  std::string_view id_prefix;                  // of the answer's name: "chatcmpl-"
  std::string_view whole_object, part_object;  // "object" of a whole answer, of a part of a stream
  // One entry of "choices" but for index and finish_reason.
  Json (*whole)(const std::string& text);
  Json (*part)(const std::string& text);
  Json (*first)();  // what a stream begins with; null: nothing
  // "logprobs" of a choice.
  Json (*probabilities)(const Tokenizer& tokenizer, const ScoredTokens& scored);
};

struct AskedPrompt {
  std::vector<std::int32_t> ids;
  std::string text = "";  // for an echo
};

// One choice a prompt, in their order. `continues`: the answer's text goes on from the prompt's.
void answer_request(Service& service, Exchange& exchange, const AnswerForm& form,
                    std::vector<AskedPrompt> prompts, Generation generation, bool continues);

}  // namespace bantam::serve
