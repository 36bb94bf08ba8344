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
#include "serve/asked_adapters.h"
#include "serve/fields.h"
#include "serve/limits.h"
#include "serve/logit_bias.h"
#include "serve/other_fields.h"
#include "serve/template_fields.h"

namespace bantam::serve {

// What both endpoints that generate have in common. Fields and defaults are OpenAI's
// (openai/openai-openapi, openapi.yaml) but for the sampling, which without a word of the client is
// Bantam's own; top_k, min_p and repeat_penalty are taken as llama.cpp's server takes them.
struct Generation {
  std::string model;                   // its name; empty: not said
  std::vector<AskedAdapter> adapters;  // by their numbers
  SamplingOptions sampling;
  std::vector<AskedBias> biases;  // more for `sampling`
  bool seeded = false;
  std::optional<std::int64_t> most_tokens;  // -1: no limit
  std::vector<std::string> stops;
  bool stream = false, include_usage = false;
  // How likely each token of the answer was, and so many others; negative: not told.
  std::int64_t top_probabilities = -1;
  bool echo = false;  // the prompt stands before the answer
};

// What holds where a client says nothing.
struct Defaults {
  SamplingOptions sampling = {};
  bool seeded = false;  // `sampling` has the seed of every answer
};

struct ChatRequest {
  Generation generation;
  Json messages;  // [{"role": ..., "content": a text or parts that are text}, ...] for a template
  std::vector<TemplateVariable> variables;
};

using Prompt = std::variant<std::string, std::vector<std::int32_t>>;

struct CompletionRequest {
  Generation generation;
  std::vector<Prompt> prompts;  // at least one
};

// Each throws Refusal (400) that names the field.
ChatRequest parse_chat(std::string_view body, const Limits& limits, const Defaults& defaults = {});
CompletionRequest parse_completion(std::string_view body, const Limits& limits,
                                   const Defaults& defaults = {});

// For those: the body as JSON; the messages; the fields that they share.
Json parse_body(std::string_view body, const Limits& limits);
Json parse_messages(const Fields& body);
Generation parse_generation(const Fields& fields, const Defaults& defaults, Endpoint endpoint);
// Throws Refusal for what a stream does not tell.
void refuse_with_stream(const Generation& generation, std::string_view name);

}  // namespace bantam::serve
