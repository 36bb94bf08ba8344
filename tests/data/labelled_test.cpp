// Records as tokens with labels, and the masks that training refuses.
#include "data/labelled.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "chat/named_templates.h"

namespace bantam {
namespace {

std::shared_ptr<const Tokenizer> chat_tokenizer() {
  TrainedTokenizer t;
  for (int byte = 0; byte < 256; ++byte)
    t.tokens.push_back(std::string(1, static_cast<char>(byte)));
  for (const char* name : {"<|im_start|>", "<|im_end|>", "<pad>"}) {
    t.special.push_back(static_cast<std::int32_t>(t.tokens.size()));
    t.tokens.emplace_back(name);
  }
  t.eos = t.pad = 257;  // padding is the stop token, as in many models
  t.pre_tokenizer = "gpt-2";
  return make_tokenizer(std::move(t));
}

struct Labelled {
  explicit Labelled(LabelOptions options = {}, const char* name = "chatml")
      : tokenizer(chat_tokenizer()),
        chat(std::string(named_template(name)), name),
        labeller(*tokenizer, &chat, options) {}
  LabelledExample label(const char* json) const { return labeller.label(read_record(Json::parse(json))); }
  std::shared_ptr<const Tokenizer> tokenizer;
  ChatTemplate chat;
  Labeller labeller;
};

std::string why(const std::function<void()>& run) {
  try {
    run();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Labelled, TheStopTokenIsALabelThoughPaddingIsTheSameToken) {
  const Labelled l;
  const LabelledExample e = l.label(R"({"prompt":"q","completion":"a"})");
  std::vector<std::int32_t> labels;
  for (std::size_t i = 0; i < e.first.ids.size(); ++i)
    if (e.first.mask[i]) labels.push_back(e.first.ids[i]);
  EXPECT_EQ(labels, (std::vector<std::int32_t>{'a', 257}));
  EXPECT_TRUE(e.stopped);
  check_labels({&e, 1}, *l.tokenizer, Labels::answers);
}

// It would teach to say nothing.
TEST(Labelled, ARecordWithoutAWordIsBroken) {
  const Labelled l;
  for (const char* json : {R"({"prompt":"","completion":""})", R"({"prompt":"q","completion":" \n"})", R"({"text":" "})", R"({"text":""})",
                           R"({"messages":[{"role":"user","content":"q"},{"role":"assistant","content":""}]})"})
    EXPECT_NE(why([&] { l.label(json); }).find("it is empty"), std::string::npos) << json;
  for (const char* json : {R"({"prompt":"","completion":"a"})", R"({"prompt":"q","chosen":"a","rejected":""})",
                           R"({"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"},
                              {"role":"user","content":"r"},{"role":"assistant","content":""}]})"})
    EXPECT_EQ(why([&] { l.label(json); }), "") << json;
  ChatData data;
  for (const char* json : {R"({"text":""})", R"({"text":"a"})"}) data.records.push_back(read_record(Json::parse(json)));
  data.records[0].line = 1;
  LabelReport report;
  EXPECT_EQ(label_records(data, l.labeller, report).size(), 1u);
  ASSERT_EQ(report.broken.size(), 1u);
  EXPECT_EQ(report.lines().at(0), "data: 1 record (1 of plain text)");
  EXPECT_EQ(report.lines().at(2), "broken: 1 record");
}

// A record of tokens may be what its maker wants; that nothing of it ends an answer is said.
TEST(Labelled, TokensWithoutAStopTokenAreSaid) {
  const Labelled l;
  const auto lines = [&](std::initializer_list<const char*> records) {
    ChatData data;
    for (const char* json : records) data.records.push_back(read_record(Json::parse(json)));
    LabelReport report;
    EXPECT_EQ(label_records(data, l.labeller, report).size(), records.size());
    return report.lines();
  };
  const char* ends = R"({"ids":[65,66,257],"mask":[0,1,1]})";
  const char* unlearnt = R"({"ids":[65,66,257],"mask":[0,1,0]})";
  const char* endless = R"({"prompt_ids":[65],"chosen_ids":[66],"rejected_ids":[67,257]})";
  const char* words = R"({"prompt":"q","completion":"a"})";
  EXPECT_EQ(lines({ends, words}).size(), 2u);
  EXPECT_EQ(lines({unlearnt, endless, words}).at(2),
            "no stop token among the labels of 2 of 2 records that are tokens already: the model does not learn from them "
            "where an answer ends");
  EXPECT_EQ(lines({ends, unlearnt}).at(2),
            "no stop token among the labels of 1 of 2 records that are tokens already: the model learns from the others "
            "where an answer ends");
}

// Whether the call is all that an answer says, or not.
TEST(Labelled, ACallThatTheTemplateLeavesOutIsBroken) {
  const auto tokenizer = chat_tokenizer();
  const auto error = [&](const std::string& call, const std::string& content) {
    const ChatTemplate chat("{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content or '' }}" + call +
                                "<|im_end|>{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
                            "a template");
    const Labeller labeller(*tokenizer, &chat, {});
    const std::string messages = R"({"messages":[{"role":"user","content":"q"},{"role":"assistant","content":")" + content +
                                 R"(","tool_calls":[{"function":{"name":"f","arguments":{}}}]}]})";
    return why([&] { labeller.label(read_record(Json::parse(messages))); });
  };
  const std::string known = "{% for c in m.tool_calls or [] %}{{ c.function.name }}{% endfor %}";
  for (const char* content : {"", "I look"}) {
    EXPECT_NE(error("", content).find("the chat template leaves out tool_calls"), std::string::npos) << content;
    EXPECT_EQ(error(known, content), "") << content;
  }
}

// Which tools there are is told of templates that leave them out; not of those that cannot do without them.
TEST(Labelled, ToolsThatTheTemplateLeavesOutAreSaid) {
  const auto tokenizer = chat_tokenizer();
  const auto said = [&](const std::string& before) {
    const ChatTemplate chat(before + "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>{% endfor %}"
                                     "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
                            "a template");
    ChatData data;
    data.records.push_back(read_record(Json::parse(
        R"({"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}],"tools":[{"name":"f"}]})")));
    LabelReport report;
    EXPECT_EQ(label_records(data, Labeller(*tokenizer, &chat, {}), report).size(), 1u) << before;
    return report.tools_left_out;
  };
  EXPECT_TRUE(said(""));
  EXPECT_FALSE(said("{% for t in tools or [] %}{{ t.function.name }}{% endfor %}"));
  EXPECT_FALSE(said("{% if not tools %}{{ raise_exception('tools are wanted') }}{% endif %}"));
}

TEST(Labelled, PreferencesShareTheirPromptAndEndAtTheStopToken) {
  const Labelled l;
  const LabelledExample e = l.label(R"({"prompt":"q","chosen":"good","rejected":"bad"})");
  EXPECT_EQ(e.kind, ExampleKind::preference);
  EXPECT_EQ(e.first.ids.back(), 257);
  EXPECT_EQ(e.second.ids.back(), 257);
  EXPECT_EQ(e.first.labels(), 5);
  EXPECT_EQ(e.second.labels(), 4);
  EXPECT_EQ(e.first.ids.size() - e.prompt, 5u);
  const LabelledExample v = l.label(R"({"prompt":"q","completion":"x","label":true})");
  EXPECT_EQ(v.prompt, e.prompt);
}

TEST(Labelled, WithoutATemplateAPromptAndItsAnswerFollowEachOther) {
  const auto tokenizer = chat_tokenizer();
  const Labeller labeller(*tokenizer, nullptr, {});
  const LabelledExample e = labeller.label(read_record(Json::parse(R"({"prompt":"q","completion":"a"})")));
  EXPECT_EQ(e.first.ids, (std::vector<std::int32_t>{'q', 'a', 257}));
  EXPECT_EQ(e.first.mask, (std::vector<std::uint8_t>{0, 1, 1}));
  EXPECT_THROW(labeller.label(read_record(Json::parse(
                   R"({"messages":[{"role":"system","content":"s"},{"role":"user","content":"q"},
                       {"role":"assistant","content":"a"}]})"))),
               Error);
}

TEST(Labelled, AnAnswerOfWeightZeroIsNotLearnt) {
  const Labelled l;
  const auto labels = [](const LabelledExample& e) {
    std::vector<std::int32_t> out;
    for (std::size_t i = 0; i < e.first.ids.size(); ++i)
      if (e.first.mask[i]) out.push_back(e.first.ids[i]);
    return out;
  };
  const LabelledExample e = l.label(
      R"({"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a","weight":0},
          {"role":"user","content":"r"},{"role":"assistant","content":"b","weight":1}]})");
  EXPECT_EQ(labels(e), (std::vector<std::int32_t>{'b', 257}));
  check_labels({&e, 1}, *l.tokenizer, Labels::answers);
  for (const char* json : {R"({"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a","weight":0}]})",
                           R"({"prompt":"q","chosen":[{"role":"assistant","content":"a"}],
                               "rejected":[{"role":"assistant","content":"b","weight":0}]})"})
    EXPECT_NE(why([&] { l.label(json); }).find("has the weight 0"), std::string::npos) << json;
  const auto tokenizer = chat_tokenizer();
  EXPECT_NE(why([&] {
              Labeller(*tokenizer, nullptr, {}).label(read_record(Json::parse(
                  R"({"prompt":"q","completion":{"role":"assistant","content":"a","weight":0}})")));
            }).find("has the weight 0"),
            std::string::npos);
  // A weight or a name is no word.
  EXPECT_NE(why([&] {
              l.label(R"({"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"","weight":1,"name":"n"}]})");
            }).find("it is empty"),
            std::string::npos);
}

// As a served model is asked with them: between parts that a template wants as one text stands a line end, a template
// that takes parts puts them together itself.
TEST(Labelled, ContentInPartsIsJoinedAsTheTemplateAsks) {
  const char* const json =
      R"({"messages":[{"role":"user","content":[{"type":"text","text":"Hel"},{"type":"text","text":"lo"}]},
          {"role":"assistant","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]})";
  const ChatRecord record = read_record(Json::parse(json));
  const auto tokenizer = chat_tokenizer();
  const auto text = [&](const char* source) {
    const ChatTemplate chat(source, "t");
    return Labeller(*tokenizer, &chat, {}).sample(record)->masked.text;
  };
  EXPECT_EQ(text("{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}"),
            "[user]Hel\nlo[assistant]a\nb");
  EXPECT_EQ(text("{% for m in messages %}[{{ m.role }}]{% if m.content is string %}{{ m.content }}{% else %}{% for part in m.content %}"
                 "<{{ part.text }}>{% endfor %}{% endif %}{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}"),
            "[user]<Hel><lo>[assistant]<a><b>");
  const LabelledExample plain = Labeller(*tokenizer, nullptr, {}).label(record);
  EXPECT_EQ(plain.first.ids, (std::vector<std::int32_t>{'H', 'e', 'l', '\n', 'l', 'o', 'a', '\n', 'b', 257}));
}

TEST(Labelled, RefusesMasksThatTeachNothingOrTheQuestionOrNoStop) {
  const Labelled l;
  const auto check = [&](const LabelledExample& e) {
    return why([&] { check_labels({&e, 1}, *l.tokenizer, Labels::answers); });
  };
  EXPECT_NE(check(l.label(R"({"ids":[1,2,3],"mask":[1,0,0]})")).find("no token is a label"),
            std::string::npos);
  EXPECT_NE(check(l.label(R"({"ids":[1,2,3],"mask":[0,1,1]})")).find("every token is a label"),
            std::string::npos);
  EXPECT_EQ(check(l.label(R"({"ids":[1,2,3,4],"mask":[0,0,1,1]})")), "");
  EXPECT_NE(check(l.label(R"({"ids":[1,2,3,257],"mask":[0,0,1,0]})")).find("never a label"),
            std::string::npos);
  const Labelled plain({}, "plain");
  EXPECT_NE(check(plain.label(R"({"prompt":"q","completion":"a"})")).find("learn to stop"),
            std::string::npos);
}

TEST(Labelled, ReportsFormsCutsDuplicatesAndBrokenRecords) {
  LabelOptions options;
  options.most_tokens = 30;
  const Labelled l(options);
  ChatData data;
  for (const char* json : {R"({"prompt":"q","completion":"a"})", R"({"prompt":"q","completion":"a"})",
                           R"({"prompt":"q","completion":"long enough to be cut somewhere"})",
                           R"({"prompt":"a question that leaves no room","completion":"a"})",
                           R"({"ids":[9999],"mask":[0]})"}) {
    data.records.push_back(read_record(Json::parse(json)));
    data.records.back().line = static_cast<std::int64_t>(data.records.size());
  }
  LabelReport report;
  const auto examples = label_records(data, l.labeller, report);
  EXPECT_EQ(examples.size(), 3u);
  EXPECT_EQ(report.records, 3);
  EXPECT_EQ(report.cut, 1);
  EXPECT_EQ(report.empty, 1);
  ASSERT_EQ(report.duplicates.size(), 1u);
  EXPECT_EQ(report.duplicates[0], (std::pair<std::int64_t, std::int64_t>{1, 2}));
  ASSERT_EQ(report.broken.size(), 1u);
  EXPECT_EQ(report.broken[0].line, 5);
  EXPECT_EQ(report.longest, 30);
  std::string text;
  for (const std::string& line : report.lines()) text += line + "\n";
  EXPECT_NE(text.find("line 2 is line 1"), std::string::npos) << text;
}

}  // namespace
}  // namespace bantam
