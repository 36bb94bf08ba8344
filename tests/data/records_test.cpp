// Lines of JSON in the forms that data sets come in, as documents.
#include "data/records.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace bantam::test {
namespace {

// "user: a | assistant: b", or the text.
std::string shown(const std::string& line) {
  const Document d = read_document_line(line);
  std::string out = d.text;
  for (const Message& m : d.messages)
    out += (out.empty() ? "" : " | ") + m.role + ": " + m.content;
  return out;
}

TEST(Records, InEveryFormAreRead) {
  const struct {
    const char *line, *expected;
  } cases[] = {
      {R"({"text":"t"})", "t"},
      {R"({"content":"t","path":"x"})", "t"},
      {R"({"text":"t \"NaN\"","score":NaN,"more":[Infinity,-Infinity,-1]})", "t \"NaN\""},
      {R"({"prompt":"p","completion":"c"})", "user: p | assistant: c"},
      {R"({"prompt":"p","answer":"a"})", "user: p | assistant: a"},
      {R"({"prompt":"p","completion":null,"response":"r"})", "user: p | assistant: r"},
      {R"({"prompt":[{"role":"system","content":"s"},{"role":"user","content":"p"}],)"
       R"("completion":[{"role":"assistant","content":"c"}]})",
       "system: s | user: p | assistant: c"},
      {R"({"instruction":"i","input":"","output":"o"})", "user: i | assistant: o"},
      {R"({"instruction":"i","input":"x","output":"o"})", "user: i\nx | assistant: o"},
      {R"({"instruction":"i","output":"o","system":"s","history":[["q","a"]]})",
       "system: s | user: q | assistant: a | user: i | assistant: o"},
      {R"({"question":"q","answer":"a"})", "user: q | assistant: a"},
      {R"({"conversations":[{"from":"human","value":"h"},{"from":"gpt","value":"g"}]})",
       "user: h | assistant: g"},
      {R"({"system":"s","conversations":[{"from":"human","value":"h"},{"from":"gpt","value":"g"}]})",
       "system: s | user: h | assistant: g"},
      {R"({"messages":[{"role":"developer","content":"d"},{"role":"model","content":"m"}]})",
       "system: d | assistant: m"},
      {R"({"messages":[{"role":"user","content":[{"type":"text","text":"a"},)"
       R"({"type":"text","text":"b"}]},{"role":"assistant","content":"c"}]})",
       "user: a\nb | assistant: c"},
      {R"({"messages":[{"role":"user","content":"q"},{"role":"assistant","content":null,)"
       R"("tool_calls":[{"id":"1","type":"function","function":{"name":"f",)"
       R"("arguments":"{\"x\": 1}"}}]},{"role":"tool","tool_call_id":"1","content":"2"},)"
       R"({"role":"assistant","content":"two"}]})",
       "user: q | assistant: <tool_call>\n{\"name\":\"f\",\"arguments\":{\"x\":1}}\n</tool_call>"
       " | tool: 2 | assistant: two"},
      {R"({"messages":[{"role":"user","content":"q"},{"role":"assistant","content":[],)"
       R"("tool_calls":[{"name":"f"}]}]})",
       "user: q | assistant: <tool_call>\n{\"name\":\"f\",\"arguments\":{}}\n</tool_call>"},
      {R"({"prompt":"p","chosen":"c","rejected":"r"})", "user: p | assistant: c"},
      {R"({"prompt":"p","completion":"c","label":false})", ""},
  };
  for (const auto& c : cases) EXPECT_EQ(shown(c.line), c.expected) << c.line;
}

TEST(Records, ThatAreWrongAreRefusedByField) {
  const struct {
    const char *line, *says;
  } cases[] = {
      {R"({"instruction":"i","input":[1],"output":"o"})", "input"},
      {R"({"conversations":[{"from":"zork","value":"h"}]})", "zork"},
      {R"({"conversations":[{"from":"human"}]})", "content"},
      {R"({"messages":[{"role":"user","content":[{"type":"image_url","image_url":"x"}]}]})",
       "image_url"},
      {R"({"messages":[{"role":"user","content":7}]})", "content"},
      {R"({"messages":[{"role":"user","content":null},{"role":"assistant","content":"a"}]})", "without content"},
      {R"({"messages":[{"role":"user","content":[]},{"role":"assistant","content":"a"}]})", "without content"},
      {R"({"messages":[{"role":"user","content":"q"},{"role":"assistant","content":null},{"role":"assistant","content":"a"}]})",
       "without content"},
      {R"({"messages":[{"role":"user","content":"q"},{"role":"assistant","content":null,"tool_calls":[]}]})", "without content"},
      {R"({"conversations":[{"from":"human","value":null},{"from":"gpt","value":"g"}]})", "without content"},
      {R"({"prompt":[{"role":"user","content":null}],"completion":"c"})", "without content"},
      {R"({"instruction":"i","output":"o","history":["x"]})", "history"},
      {R"({"text":NaN})", "text"},
      {R"({"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a","weight":NaN}]})", "not NaN"},
      {R"({"messages":[{"role":"assistant","content":"","tool_calls":[{"name":"f","arguments":{"x":[Infinity]}}]}]})", "finite"},
      {R"({"ids":[1,2],"mask":[0,1]})", "another tokenizer"},
      {R"([1])", "object"},
  };
  for (const auto& c : cases) {
    try {
      read_document_line(c.line);
      ADD_FAILURE() << c.line;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(c.says), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace bantam::test
