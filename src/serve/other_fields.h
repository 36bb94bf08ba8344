// Fields of requests that other servers know. Those that would change the answer and are not served
// here are refused by name: to leave them out in silence would be wrong.
#pragma once

#include <span>
#include <string_view>

#include "base/rooms.h"
#include "serve/fields.h"

namespace bantam::serve {

struct OtherField {
  std::string_view name;
  // The value that changes nothing, as JSON, beside null, false, "", [] and {}. "any": whatever it
  // says, the answer is the same.
  std::string_view neutral = "";
  std::string_view instead = "";  // what a client can do, after "is not supported by this server"
};

// By name: OpenAI's (openai/openai-openapi, openapi.yaml), llama.cpp's server
// (tools/server/server-task.cpp, tools/server/README.md), vLLM's
// (vllm/entrypoints/openai/protocol.py) and Ollama's (openai/openai.go, docs/api.md).
std::span<const OtherField> other_fields();

// Throws Refusal (400) for the first field of a body that is not served, and for one that is
// nearly, but not quite, the name of one that there is.
void refuse_others(const Json& body);

}  // namespace bantam::serve
