// Records without their answers.
#include "data/questions.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/error.h"

namespace bantam {
namespace {

TEST(Questions, EveryFormEndsBeforeItsAnswer) {
  struct Row {
    const char* json;
    const char* messages;
  };
  const char* q = R"([{"role":"user","content":"q"}])";
  const char* turns = R"([{"role":"user","content":"p"},{"role":"assistant","content":"r"},{"role":"user","content":"q"}])";
  const Row rows[] = {
      {R"({"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]})", q},
      {R"({"messages":[{"role":"user","content":"q"}]})", q},
      {R"({"messages":[{"role":"user","content":"p"},{"role":"assistant","content":"r"},{"role":"user","content":"q"}]})", turns},
      {R"({"messages":[{"role":"user","content":"p"},{"role":"assistant","content":"r"},{"role":"user","content":"q"},
           {"role":"assistant","content":"a"}]})", turns},
      {R"({"conversations":[{"from":"human","value":"q"}],"system":"s"})",
       R"([{"role":"system","content":"s"},{"role":"user","content":"q"}])"},
      {R"({"conversations":[{"from":"human","value":"q"},{"from":"gpt","value":"a"}]})", q},
      {R"({"instruction":"i","input":"x"})", R"([{"role":"user","content":"i\nx"}])"},
      {R"({"instruction":"q","output":"o","history":[["p","r"]]})", turns},
      {R"({"prompt":"q"})", q},
      {R"({"prompt":"q","completion":"a"})", q},
      {R"({"prompt":"q","completion":null})", q},
      {R"({"question":"q","answer":"a"})", q},
      {R"({"question":"q"})", q},
      {R"({"prompt":"q","chosen":"good","rejected":"bad"})", q},
      {R"({"prompt":"q","completion":"a","label":true})", q},
      {R"({"prompt":[{"role":"user","content":"p"},{"role":"assistant","content":"r"},{"role":"user","content":"q"}]})", turns},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.json);
    const ChatRecord r = question_of(Json::parse(row.json));
    EXPECT_EQ(r.form, RecordForm::chat);
    EXPECT_EQ(r.messages, Json::parse(row.messages));
    EXPECT_TRUE(r.chosen.is_null() && r.rejected.is_null());
  }
}

TEST(Questions, WhatAsksNothingIsRefused) {
  for (const char* json : {R"({"text":"t"})", R"({"ids":[1],"mask":[1]})", R"({"messages":[{"role":"system","content":"s"}]})",
                           R"({"messages":[{"role":"assistant","content":"a"}]})", R"({"completion":"a"})", R"([1])", R"(7)",
                           R"({"prompt":""})", R"({"prompt":" \n","completion":"a"})", R"({"instruction":"","input":""})",
                           R"({"messages":[{"role":"system","content":"s"},{"role":"user","content":""}]})"})
    EXPECT_THROW(question_of(Json::parse(json)), Error) << json;
}

TEST(Questions, AFileOfThemListsItsBrokenLines) {
  const Path file = std::filesystem::temp_directory_path() / ("bantam-questions-" + std::to_string(getpid()) + ".jsonl");
  std::ofstream(file) << "{\"prompt\":\"q\"}\n{\"text\":\"t\"}\n{\"prompt\":\"r\",\"completion\":\"a\"}\n";
  const ChatData data = read_questions(file);
  std::filesystem::remove(file);
  ASSERT_EQ(data.records.size(), 2u);
  EXPECT_EQ(data.records[1].line, 3);
  ASSERT_EQ(data.broken.size(), 1u);
  EXPECT_EQ(data.broken[0].line, 2);
  EXPECT_NE(data.broken[0].reason.find("asks nothing"), std::string::npos);
}

}  // namespace
}  // namespace bantam
