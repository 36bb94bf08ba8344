// The body of POST /v1/completions.
#include <nlohmann/json.hpp>

#include "serve/refusal.h"
#include "serve/requests.h"

namespace bantam::serve {

namespace {

constexpr std::int64_t kDefaultTokens = 16;  // OpenAI's, of this endpoint alone
constexpr std::int64_t kMostTop = 100;
constexpr std::size_t kMostPrompts = 2048;

Refusal wrong_prompt() {
  return Refusal(400,
                 "a string or an array of token ids, or an array of at most " +
                     std::to_string(kMostPrompts) + " of one kind, was expected",
                 "prompt", "invalid_type");
}

std::vector<std::int32_t> parse_ids(const Json& list) {
  std::vector<std::int32_t> ids;
  ids.reserve(list.size());
  for (const Json& id : list) {
    if (!id.is_number_integer()) throw wrong_prompt();
    const auto value = id.get<std::int64_t>();
    if (value < 0 || value > INT32_MAX) throw wrong_prompt();
    ids.push_back(static_cast<std::int32_t>(value));
  }
  return ids;
}

// A string or an array of ids, or an array of such.
std::vector<Prompt> parse_prompts(const Fields& fields) {
  const Json& prompt = fields.need("prompt");
  if (prompt.is_string()) return {prompt.get<std::string>()};
  if (!prompt.is_array() || (prompt.size() > kMostPrompts && !prompt.front().is_number()))
    throw wrong_prompt();
  if (prompt.empty() || prompt.front().is_number()) return {parse_ids(prompt)};
  std::vector<Prompt> prompts;
  for (const Json& one : prompt) {
    if (one.type() != prompt.front().type()) throw wrong_prompt();
    if (one.is_string())
      prompts.emplace_back(one.get<std::string>());
    else if (one.is_array())
      prompts.emplace_back(parse_ids(one));
    else
      throw wrong_prompt();
  }
  return prompts;
}

// A number of others; false is as if it were not there.
std::int64_t parse_top(const Fields& fields) {
  const Json* value = fields.find("logprobs");
  if (value == nullptr || *value == Json(false)) return -1;
  return *fields.whole("logprobs", 0, kMostTop);
}

}  // namespace

CompletionRequest parse_completion(std::string_view body, const Limits& limits,
                                   const Defaults& defaults) {
  const Json json = parse_body(body, limits);
  const Fields fields(json);
  CompletionRequest request{parse_generation(fields, defaults, Endpoint::completion),
                            parse_prompts(fields)};
  Generation& generation = request.generation;
  if (!generation.most_tokens) generation.most_tokens = kDefaultTokens;
  generation.top_probabilities = parse_top(fields);
  if (generation.top_probabilities >= 0) refuse_with_stream(generation, "logprobs");
  generation.echo = fields.flag("echo").value_or(false);
  if (generation.echo) refuse_with_stream(generation, "echo");
  if (request.prompts.size() > 1) refuse_with_stream(generation, "prompt");
  return request;
}

}  // namespace bantam::serve
