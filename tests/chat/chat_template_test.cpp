// Chat templates render conversations as their makers' code does.
#include "chat/chat_template.h"

#include <fstream>
#include <iterator>
#include <map>

#include "jinja_support.h"
#include "support/shared.h"
#include "chat/named_templates.h"

namespace bantam {
namespace {

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// What the template prints, or what it raises behind "error: ".
std::string rendered(const ChatTemplate& chat, const ChatInput& input) {
  try {
    return chat.render_as_given(input);
  } catch (const Error& error) {
    return std::string("error: ") + error.what();
  }
}

TEST(ChatTemplate, OfficialTemplatesRenderToTheByte) {
  BANTAM_NEEDS_SHARED("tokenizers/templates/renders.jsonl");
  const auto folder = test::shared_folder() / "tokenizers" / "templates";
  std::map<std::string, ChatTemplate> templates;
  std::ifstream lines(folder / "renders.jsonl");
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const Json row = Json::parse(line);
    const std::string name = row["template"];
    const auto chat = templates.try_emplace(name, read(folder / name), name).first;
    ChatInput input;
    input.messages = row["messages"];
    input.tools = row["tools"];
    input.extra = row["extra"];
    input.add_generation_prompt = row["add_generation_prompt"];
    input.bos_token = row["bos_token"];
    input.eos_token = row["eos_token"];
    input.now = parse_local_time(row["now"].get<std::string>());
    const std::string out = rendered(chat->second, input);
    if (row.contains("error"))
      EXPECT_TRUE(out.starts_with("error: ")) << name << " line " << count + 1;
    else
      ASSERT_EQ(out, row["rendered"].get<std::string>()) << name << " line " << count + 1;
  }
  EXPECT_GE(count, 610);
}

TEST(ChatTemplate, SeesTheConversationAndTheFurtherVariables) {
  ChatInput input = test::chat_input();
  input.tools = Json::parse(R"([{"type": "function", "function": {"name": "f"}}])");
  input.extra = Json::parse(R"({"enable_thinking": false, "documents": [1], "bos_token": "<B>"})");
  input.add_generation_prompt = false;
  EXPECT_EQ(ChatTemplate("{{ messages|tojson }}{{ tools[0].function.name }}{{ enable_thinking }}"
                         "{{ documents }}{{ bos_token }}{{ eos_token }}{{ add_generation_prompt }}",
                         "t")
                .render(input),
            R"([{"role": "user", "content": "hi"}]fFalse[1]<B></s>False)");
}

TEST(ChatTemplate, NumbersOfJsonKeepPythonsSpelling) {
  ChatInput input;
  input.messages =
      Json::parse("[1e5, 1.0, 10000000000000000.0, 1E-7, 9007199254740993, -0.0, 0.1]");
  EXPECT_EQ(ChatTemplate("{{ messages|tojson }}{{ messages }}", "t").render(input),
            "[100000.0, 1.0, 1e+16, 1e-07, 9007199254740993, -0.0, 0.1]"
            "[100000.0, 1.0, 1e+16, 1e-07, 9007199254740993, -0.0, 0.1]");
}

TEST(ChatTemplate, OneTemplateRendersManyTimesAlike) {
  const ChatTemplate chat(
      "{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}"
      "{{ m.role }}{% endfor %}{{ ns.n }}",
      "t");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(chat.render(test::chat_input()), "user1");
}

TEST(ChatTemplate, TimesAreParsedStrictly) {
  EXPECT_EQ(parse_local_time("2024-02-29 23:59:59").second, 59);
  for (const char* text : {"", "2025-03-14", "2025-02-29T00:00:00", "2025-03-14T24:00:00",
                           "2025-03-14T09:26:53Z", "2025-13-01T00:00:00", "x"})
    EXPECT_THROW(parse_local_time(text), Error) << text;
}

std::string named(const char* name, const char* messages, bool prompt = true) {
  ChatInput input = test::chat_input();
  input.messages = Json::parse(messages);
  input.add_generation_prompt = prompt;
  return ChatTemplate(std::string(named_template(name)), name).render(input);
}

TEST(NamedTemplates, WriteTheFormsTheyAreNamedFor) {
  const char* chat = R"([{"role": "system", "content": "S"}, {"role": "user", "content": "a b"},
                         {"role": "assistant", "content": "c"}, {"role": "user", "content": "d"}])";
  EXPECT_EQ(named("bantam", chat),
            "<|system|>S<|user|>a b<|assistant|>c<|end|><|user|>d<|assistant|>");
  EXPECT_EQ(named("bantam", chat, false), "<|system|>S<|user|>a b<|assistant|>c<|end|><|user|>d");
  EXPECT_EQ(
      named("chatml", chat),
      "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\na b<|im_end|>\n"
      "<|im_start|>assistant\nc<|im_end|>\n<|im_start|>user\nd<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_EQ(named("zephyr", chat),
            "<|system|>\nS</s>\n<|user|>\na "
            "b</s>\n<|assistant|>\nc</s>\n<|user|>\nd</s>\n<|assistant|>\n");
  EXPECT_EQ(named("llama-2", chat),
            "<s>[INST] <<SYS>>\nS\n<</SYS>>\n\na b [/INST] c </s><s>[INST] d [/INST]");
  EXPECT_THROW(named_template("nosuch"), Error);
  for (const NamedTemplate& each : named_templates())
    EXPECT_NO_THROW(ChatTemplate(std::string(each.source), std::string(each.name))) << each.name;
}

}  // namespace
}  // namespace bantam
