// Any bytes as a chat template over a fixed conversation: it renders, or an Error says why not,
// within the limits.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/error.h"
#include "chat/chat_template.h"

namespace {

const bantam::ChatInput& conversation() {
  static const bantam::ChatInput input = [] {
    bantam::ChatInput out;
    out.messages = bantam::Json::parse(R"([
      {"role": "system", "content": "Be brief."},
      {"role": "user", "content": [{"type": "text", "text": "日本 é 🎉"}, {"type": "image"}]},
      {"role": "assistant", "content": null, "tool_calls": [
        {"id": "abcdefghi", "function": {"name": "f", "arguments": {"x": [1, 2.5, null, true]}}}]},
      {"role": "tool", "name": "f", "content": "<b>4</b>"},
      {"role": "assistant", "content": "<think>\nhm\n</think>\n\nfour"}])");
    out.tools = bantam::Json::parse(R"([{"type": "function", "function": {"name": "f",
      "parameters": {"type": "object", "properties": {"x": {"type": ["array", "null"]}}}}}])");
    out.extra = bantam::Json::parse(R"({"n": 7, "f": 0.1, "s": "Hello World", "l": [3, 1, 2]})");
    out.bos_token = "<s>";
    out.eos_token = "</s>";
    out.now = bantam::LocalTime{2025, 3, 14, 9, 26, 53};
    return out;
  }();
  return input;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  bantam::TemplateLimits limits;
  limits.steps = 100'000;  // a fuzzer wants many short runs
  limits.output = 1 << 20;
  limits.memory = 8 << 20;
  try {
    const std::string source(reinterpret_cast<const char*>(data), size);
    const bantam::ChatTemplate chat(source, "fuzz");
    const std::string first = chat.render(conversation(), limits);
    if (first != chat.render(conversation(), limits)) std::abort();
  } catch (const bantam::Error&) {
  }
  return 0;
}
