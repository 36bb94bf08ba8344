// What a client asks for, out of the bytes of a body: one function an endpoint. They touch nothing
// else, so any bytes may be tried on them.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.h"
#include "infer/sampler.h"
#include "serve/fields.h"
#include "serve/limits.h"

namespace bantam::serve {

// What both endpoints that generate have in common. Fields and defaults are OpenAI's
// (openai/openai-openapi, openapi.yaml) but for the sampling, which without a word of the client is
// Bantam's own; top_k, min_p and repeat_penalty are taken as llama.cpp's server takes them.
struct Generation {
  SamplingOptions sampling;
  bool seeded = false;
  std::optional<std::int64_t> most_tokens;
  std::vector<std::string> stops;
  bool stream = false, include_usage = false;
};

struct ChatRequest {
  Generation generation;
  Json messages;            // [{"role": ..., "content": TEXT}, ...] for a template
  Json template_variables;  // "chat_template_kwargs": an object, or null
};

struct CompletionRequest {
  Generation generation;
  std::variant<std::string, std::vector<std::int32_t>> prompt;
};

// Each throws Refusal (400) that names the field.
ChatRequest parse_chat(std::string_view body, const Limits& limits);
CompletionRequest parse_completion(std::string_view body, const Limits& limits);

// For those: the body as JSON; the fields that they share.
Json parse_body(std::string_view body, const Limits& limits);
Generation parse_generation(const Fields& fields);

}  // namespace bantam::serve
