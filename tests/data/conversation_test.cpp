// Records in every form that people have, and what is wrong with those that are none.
#include "data/conversation.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/error.h"

namespace bantam {
namespace {

ChatRecord record(const char* json) { return read_record(Json::parse(json)); }

TEST(Conversation, EveryFormBecomesMessages) {
  struct Row {
    const char* json;
    RecordForm form;
    const char* messages;
  };
  const Row rows[] = {
      {R"({"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]})",
       RecordForm::chat, R"([{"role":"user","content":"q"},{"role":"assistant","content":"a"}])"},
      {R"({"conversations":[{"from":"human","value":"q"},{"from":"gpt","value":"a"}],"system":"s"})",
       RecordForm::sharegpt,
       R"([{"role":"system","content":"s"},{"role":"user","content":"q"},{"role":"assistant","content":"a"}])"},
      {R"({"instruction":"i","input":"x","output":"o","history":[["p","r"]]})", RecordForm::alpaca,
       R"([{"role":"user","content":"p"},{"role":"assistant","content":"r"},
           {"role":"user","content":"i\nx"},{"role":"assistant","content":"o"}])"},
      {R"({"instruction":"i","input":"","output":"o"})", RecordForm::alpaca,
       R"([{"role":"user","content":"i"},{"role":"assistant","content":"o"}])"},
      {R"({"prompt":"q","completion":"a"})", RecordForm::question,
       R"([{"role":"user","content":"q"},{"role":"assistant","content":"a"}])"},
      {R"({"question":"q","answer":"a"})", RecordForm::question,
       R"([{"role":"user","content":"q"},{"role":"assistant","content":"a"}])"},
      {R"({"messages":[{"role":"user","content":[{"type":"text","value":"q"}]},
           {"role":"assistant","content":[{"type":"reasoning","value":"r"},{"type":"text","text":"a"}]}]})",
       RecordForm::chat,
       R"([{"role":"user","content":"q"},{"role":"assistant","content":"a","reasoning_content":"r"}])"},
      {R"({"messages":[{"role":"user","content":[{"type":"text","value":"a"},{"type":"text","text":"b"}]},
           {"role":"assistant","content":[],"tool_calls":[{"name":"f"}]}]})",
       RecordForm::chat,
       R"([{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},
           {"role":"assistant","content":"","tool_calls":[{"type":"function","function":{"name":"f"}}]}])"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.json);
    const ChatRecord r = record(row.json);
    EXPECT_EQ(r.form, row.form);
    EXPECT_EQ(r.messages, Json::parse(row.messages));
  }
}

TEST(Conversation, ToolsAndCallsAreUnpacked) {
  const ChatRecord r = record(
      R"({"conversations":[{"from":"human","value":"q"},
          {"from":"function_call","value":"{\"name\":\"f\",\"arguments\":\"{\\\"x\\\": 1}\"}"},
          {"from":"observation","value":"7"},{"from":"gpt","value":"seven"}],
          "tools":"[{\"name\":\"f\",\"parameters\":{}}]"})");
  EXPECT_EQ(r.tools, Json::parse(R"([{"type":"function","function":{"name":"f","parameters":{}}}])"));
  EXPECT_EQ(r.messages[1],
            Json::parse(R"({"role":"assistant","content":"","tool_calls":[
                {"type":"function","function":{"name":"f","arguments":{"x":1}}}]})"));
  EXPECT_EQ(r.messages[2]["role"], "tool");
}

TEST(Conversation, PreferencesAreSplitFromTheirPrompt) {
  const Json question = Json::parse(R"([{"role":"user","content":"q"}])");
  const Json good = Json::parse(R"([{"role":"assistant","content":"g"}])");
  const Json bad = Json::parse(R"([{"role":"assistant","content":"b"}])");
  for (const char* json :
       {R"({"prompt":"q","chosen":"g","rejected":"b"})",
        R"({"chosen":[{"role":"user","content":"q"},{"role":"assistant","content":"g"}],
            "rejected":[{"role":"user","content":"q"},{"role":"assistant","content":"b"}]})",
        R"({"conversations":[{"from":"human","value":"q"}],"chosen":{"from":"gpt","value":"g"},
            "rejected":{"from":"gpt","value":"b"}})",
        R"({"chosen":"\n\nHuman: q\n\nAssistant: g","rejected":"\n\nHuman: q\n\nAssistant: b"})"}) {
    SCOPED_TRACE(json);
    const ChatRecord r = record(json);
    EXPECT_EQ(r.form, RecordForm::preference);
    EXPECT_EQ(r.messages, question);
    EXPECT_EQ(r.chosen, good);
    EXPECT_EQ(r.rejected, bad);
  }
  const ChatRecord verdict = record(R"({"prompt":"q","completion":"g","label":false})");
  EXPECT_EQ(verdict.form, RecordForm::verdict);
  EXPECT_FALSE(verdict.label);
}

TEST(Conversation, TokensStayAsTheyAre) {
  const ChatRecord r = record(R"({"ids":[1,5,2],"mask":[0,1,1]})");
  EXPECT_EQ(r.first, (std::vector<std::int32_t>{1, 5, 2}));
  EXPECT_EQ(r.mask, (std::vector<std::uint8_t>{0, 1, 1}));
  const ChatRecord p = record(R"({"prompt_ids":[1],"chosen_ids":[2],"rejected_ids":[3]})");
  EXPECT_EQ(p.second, (std::vector<std::int32_t>{3}));
  EXPECT_FALSE(record(R"({"prompt_ids":[1],"completion_ids":[2],"label":false})").label);
}

TEST(Conversation, SaysWhatIsWrongWithARecord) {
  const std::pair<const char*, const char*> rows[] = {
      {"[]", "object"},
      {R"({"a":1})", "none of the known forms"},
      {R"({"messages":[]})", "list of messages"},
      {R"({"messages":[{"role":"user","content":"q"}]})", "nobody answers"},
      {R"({"messages":[{"role":"pilot","content":"q"}]})", "pilot"},
      {R"({"messages":[{"role":"assistant"}]})", "without content"},
      {R"({"messages":[{"role":"user","content":null},{"role":"assistant","content":"a"}]})", "without content"},
      {R"({"messages":[{"role":"user","content":[]},{"role":"assistant","content":"a"}]})", "without content"},
      {R"({"messages":[{"role":"assistant","content":null,"tool_calls":[]}]})", "without content"},
      {R"({"conversations":[{"from":"human","value":"q"},{"from":"function_call","value":[]}]})", "without its text"},
      {R"({"messages":[{"role":"assistant","content":"a","weight":2}]})", "0 or 1 was expected, not 2"},
      {R"({"messages":[{"role":"assistant","content":"a","weight":"0"}]})", "0 or 1 was expected, not \"0\""},
      {R"({"messages":[{"role":"user","content":"q","weight":true},{"role":"assistant","content":"a"}]})", "not true"},
      {R"({"ids":[1,2],"mask":[0]})", "1 numbers for 2 ids"},
      {R"({"ids":[1,2],"mask":[0,7]})", "0 or 1"},
      {R"({"ids":[-1,2],"mask":[0,1]})", "token id"},
      {R"({"chosen":"a","rejected":"b"})", "a prompt"},
      {R"({"prompt":"q","completion":7})", "list of messages"},
  };
  for (const auto& [json, wanted] : rows) {
    SCOPED_TRACE(json);
    try {
      record(json);
      ADD_FAILURE();
    } catch (const Error& error) {
      EXPECT_NE(error.message().find(wanted), std::string::npos) << error.message();
    }
  }
}

class Files : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "bantam-data-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  Path write(const char* name, const std::string& text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return folder_ / name;
  }
  Path folder_;
};
using ConversationFiles = Files;

TEST_F(ConversationFiles, LinesThatAreBrokenAreListedWithTheirNumbers) {
  const ChatData data = read_chat_data(
      write("a.jsonl", "{\"prompt\":\"q\",\"completion\":\"a\"}\n\n{oops\n{\"text\":\"t\"}\n{\"x\":1}\n"));
  ASSERT_EQ(data.records.size(), 2u);
  EXPECT_EQ(data.records[1].line, 4);
  ASSERT_EQ(data.broken.size(), 2u);
  EXPECT_EQ(data.broken[0].line, 3);
  EXPECT_EQ(data.broken[1].line, 5);
}

// Python writes them where a column is empty: read where they are not used, refused by name where they are.
TEST_F(ConversationFiles, PythonsNumbersMatterOnlyWhereTheyAreUsed) {
  const char* const good = R"({"prompt":"NaN","completion":"a","score":NaN,"more":[Infinity,{"x":-Infinity}]})";
  const ChatData data = read_chat_data(
      write("a.jsonl", std::string(good) + "\n{\"text\":NaN}\n{\"ids\":[1,NaN],\"mask\":[0,1]}\n{\"ids\":[-Infinity],\"mask\":[1]}\n"));
  ASSERT_EQ(data.records.size(), 1u);
  EXPECT_EQ(data.records[0].messages, Json::parse(R"([{"role":"user","content":"NaN"},{"role":"assistant","content":"a"}])"));
  ASSERT_EQ(data.broken.size(), 3u);
  EXPECT_EQ(data.broken[0].reason, "text: a text was expected");
  EXPECT_EQ(data.broken[1].reason, "ids: a token id was expected, not NaN");
  EXPECT_EQ(data.broken[2].reason, "ids: a token id was expected, not -Infinity");
  EXPECT_EQ(read_chat_data(write("a.json", "[" + std::string(good) + "]")).records.size(), 1u);
}

TEST_F(ConversationFiles, TablesHaveQuotedCells) {
  const ChatData data = read_chat_data(
      write("a.csv", "question,answer\r\n\"a, \"\"b\"\"\nc\",d\r\ne,f\r\none\r\n"));
  ASSERT_EQ(data.records.size(), 2u);
  EXPECT_EQ(data.records[0].messages[0]["content"], "a, \"b\"\nc");
  EXPECT_EQ(data.records[1].line, 4);
  ASSERT_EQ(data.broken.size(), 1u);
  EXPECT_EQ(data.broken[0].line, 5);
  EXPECT_EQ(data.broken[0].reason, "answer: a row of 2 cells was expected, not of 1");
}

// Of two columns of one name neither is the one that was meant.
TEST_F(ConversationFiles, AColumnThatStandsTwiceIsRefused) {
  const Path file = write("a.csv", "prompt,completion,prompt\nq,a,r\n");
  try {
    read_chat_data(file);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.what(), file.string() + ":1: the column \"prompt\" stands twice; each needs a name of its own");
  }
}

TEST_F(ConversationFiles, ArraysAndProseAreRead) {
  EXPECT_EQ(read_chat_data(write("a.json", R"([{"text":"x"},{"text":"y"}])")).records.size(), 2u);
  EXPECT_EQ(read_chat_data(write("a.txt", std::string(5000, 'a') + "\n\nrest\n")).records.size(), 2u);
}

TEST_F(ConversationFiles, Utf16IsReadAsTextForTrainingIs) {
  const auto wide = [](const std::string& ascii) {
    std::string out = "\xff\xfe";
    for (const char c : ascii) out += {c, '\0'};
    return out;
  };
  const ChatData table = read_chat_data(write("a.csv", wide("prompt,completion\nq,a\n")));
  ASSERT_EQ(table.records.size(), 1u);
  EXPECT_EQ(table.records[0].messages, Json::parse(R"([{"role":"user","content":"q"},{"role":"assistant","content":"a"}])"));
  EXPECT_EQ(read_chat_data(write("a.jsonl", wide("{\"text\":\"x\"}\n").substr(2))).records[0].text, "x");  // no mark
  // Half a pair of surrogates is no text: the record is broken, as one that is not UTF-8 is.
  std::string cut = wide("{\"text\":\"x\"}\n{\"text\":\"y\"}\n");
  cut.replace(cut.find('y'), 2, std::string("\x00\xd8", 2));
  const ChatData data = read_chat_data(write("b.jsonl", cut));
  ASSERT_EQ(data.records.size(), 1u);
  ASSERT_EQ(data.broken.size(), 1u);
  EXPECT_EQ(data.broken[0].line, 2);
  EXPECT_THROW(read_chat_data(write("c.jsonl", std::string("\xff\xfe\0\0{\0\0\0", 8))), Error);  // UTF-32
}

TEST_F(ConversationFiles, RefusesWhatHoldsNoRecord) {
  EXPECT_THROW(read_chat_data(write("a.jsonl", "\n\n")), Error);
  EXPECT_THROW(read_chat_data(write("b.jsonl", "{\"x\":1}\n")), Error);
  EXPECT_THROW(read_chat_data(write("a.bin", "x")), Error);
  EXPECT_THROW(read_chat_data(write("u.jsonl", "\xff\xfe{")), Error);
  EXPECT_THROW(read_chat_data(folder_ / "none.jsonl"), Error);
}

}  // namespace
}  // namespace bantam
