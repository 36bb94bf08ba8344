// What the tests of templates share: a conversation, some variables, and tables of templates.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "chat/chat_template.h"

namespace bantam::test {

inline ChatInput chat_input() {
  ChatInput input;
  input.messages = Json::parse(R"([{"role": "user", "content": "hi"}])");
  input.extra = Json::parse(R"({
    "s": "Hello World", "word": "abc", "cjk": "日本é", "n": 7, "f": 2.5, "items": [3, 1, 2],
    "names": ["b", "a", "C"], "d": {"b": 2, "a": 1, "items": [1]},
    "rows": [{"k": 1, "v": "b"}, {"k": 2, "v": "a"}, {"k": 1, "v": "c"}], "no": null, "yes": true})");
  input.bos_token = "<s>";
  input.eos_token = "</s>";
  input.now = LocalTime{2025, 3, 14, 9, 26, 53};
  return input;
}

// Each row is a template and what it prints.
inline void expect_renders(const std::vector<std::pair<std::string, std::string>>& rows) {
  const ChatInput input = chat_input();
  for (const auto& [source, wanted] : rows) {
    SCOPED_TRACE(source);
    try {
      EXPECT_EQ(ChatTemplate(source, "test.jinja").render(input), wanted);
    } catch (const Error& error) {
      ADD_FAILURE() << error.what();
    }
  }
}

// The error of a template that must fail, when it is parsed or when it runs.
inline Error template_error(const std::string& source, const TemplateLimits& limits = {}) {
  try {
    const std::string out = ChatTemplate(source, "test.jinja").render(chat_input(), limits);
    ADD_FAILURE() << "no error: " << source.substr(0, 200) << " -> " << out.substr(0, 200);
  } catch (const Error& error) {
    return error;
  }
  return Error("none");
}

}  // namespace bantam::test
