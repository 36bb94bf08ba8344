// The body of POST /v1/completions.
#include <nlohmann/json.hpp>

#include "serve/refusal.h"
#include "serve/requests.h"

namespace bantam::serve {

namespace {

constexpr std::int64_t kDefaultTokens = 16;  // OpenAI's, of this endpoint alone

// A string or an array of ids; a list of one such prompt is that prompt.
std::variant<std::string, std::vector<std::int32_t>> parse_prompt(const Fields& fields) {
  const Json* prompt = &fields.need("prompt");
  const Refusal wrong(400, "one string, or one array of token ids, was expected", "prompt",
                      "invalid_type");
  if (prompt->is_array() && prompt->size() == 1 && !prompt->front().is_number())
    prompt = &prompt->front();
  if (prompt->is_string()) return prompt->get<std::string>();
  if (!prompt->is_array()) throw wrong;
  std::vector<std::int32_t> ids;
  ids.reserve(prompt->size());
  for (const Json& id : *prompt) {
    if (!id.is_number_integer()) throw wrong;
    const auto value = id.get<std::int64_t>();
    if (value < 0 || value > INT32_MAX) throw wrong;
    ids.push_back(static_cast<std::int32_t>(value));
  }
  return ids;
}

}  // namespace

CompletionRequest parse_completion(std::string_view body, const Limits& limits) {
  const Json json = parse_body(body, limits);
  const Fields fields(json);
  CompletionRequest request{parse_generation(fields), parse_prompt(fields)};
  if (!request.generation.most_tokens) request.generation.most_tokens = kDefaultTokens;
  return request;
}

}  // namespace bantam::serve
