// The body of POST /v1/chat/completions.
#include <nlohmann/json.hpp>

#include "serve/refusal.h"
#include "serve/requests.h"

namespace bantam::serve {

namespace {

constexpr std::int64_t kMostChatTop = 20;  // OpenAI's

}  // namespace

ChatRequest parse_chat(std::string_view body, const Limits& limits, const Defaults& defaults) {
  const Json json = parse_body(body, limits);
  const Fields fields(json);
  ChatRequest request{parse_generation(fields, defaults, Endpoint::chat), parse_messages(fields),
                      parse_template_variables(fields)};
  Generation& generation = request.generation;
  const auto top = fields.whole("top_logprobs", 0, kMostChatTop);
  if (fields.flag("logprobs").value_or(false)) {
    generation.top_probabilities = top.value_or(0);
  } else if (top.value_or(0) > 0) {
    throw Refusal(400, "goes with logprobs", "top_logprobs", "invalid_value");
  }
  return request;
}

}  // namespace bantam::serve
