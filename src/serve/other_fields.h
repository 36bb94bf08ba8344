// Fields of requests that are not served. Those that would change the answer are refused by name, and
// so is what nobody knows: to leave it out in silence would be wrong. What is known to change nothing
// is let pass.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/rooms.h"
#include "serve/fields.h"

namespace bantam::serve {

enum class Endpoint : unsigned char { chat, completion };

struct OtherField {
  std::string_view name;
  // The value that changes nothing, as JSON, beside null, false, "", [] and {}. "any": whatever it
  // says, the answer is the same; "null": false and the like are not nothing either.
  std::string_view neutral = "";
  std::string_view instead = "";  // what a client can do, after "is not supported by this server"
  std::optional<Endpoint> only = std::nullopt;  // the endpoint of which this holds
};

// By name: OpenAI's (openai/openai-openapi, openapi.yaml), llama.cpp's server
// (tools/server/server-task.cpp, tools/server/README.md), vLLM's
// (vllm/entrypoints/openai/chat_completion/protocol.py, completion/protocol.py) and Ollama's (openai/openai.go, docs/api.md).
std::span<const OtherField> other_fields();

// Throws Refusal (400) for the first field of a body that is not served; null is no value.
void refuse_others(const Json& body, Endpoint endpoint);

// Throws Refusal (400) for a field of the object at `path` ("": the body) that there is not, with the
// nearest of those that there are.
[[noreturn]] void refuse_unknown(std::string_view name, std::span<const std::string> known,
                                 const std::string& path = "");

}  // namespace bantam::serve
