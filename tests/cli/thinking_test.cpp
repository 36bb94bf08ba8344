// What a model thinks, told from what it says.
#include "cli/thinking.h"

#include <gtest/gtest.h>

namespace bantam::cli {
namespace {

struct Case {
  const char* text;
  bool inside;
  const char* marked;  // thoughts in []
};

constexpr Case kCases[] = {
    {"plain", false, "plain"},
    {"<think>hm</think>yes", false, "[<think>hm</think>]yes"},
    {"hm</think>\n\nyes", true, "[hm</think>]\n\nyes"},
    {"a <b> </think> <thin", false, "a <b> </think> <thin"},
    {"x<think><think></think></think>", false, "x[<think><think></think>]</think>"},
    {"never closed", true, "[never closed]"},
    {"<<think>a<</think><think>b", false, "<[<think>a<</think><think>b]"},
    {"", true, ""},
};

std::string marked(const Case& c, std::size_t step) {
  ThinkingSplitter splitter(c.inside);
  std::vector<ThinkingSplitter::Piece> all;
  const std::string_view text = c.text;
  for (std::size_t at = 0; at < text.size(); at += step)
    for (auto& piece : splitter.feed(text.substr(at, step))) all.push_back(piece);
  for (auto& piece : splitter.finish()) all.push_back(piece);
  std::string out;
  bool thought = false;
  for (const auto& piece : all) {
    if (piece.thought != thought) out += piece.thought ? "[" : "]";
    thought = piece.thought;
    out += piece.text;
  }
  return thought ? out + "]" : out;
}

TEST(Thinking, IsToldFromTheAnswerHoweverTheTextArrives) {
  for (const Case& c : kCases)
    for (const std::size_t step : {1u, 2u, 3u, 7u, 100u})
      EXPECT_EQ(marked(c, step), c.marked) << c.text;
}

TEST(Thinking, WaitsForNothingButTheBeginningOfAMark) {
  ThinkingSplitter splitter(false);
  EXPECT_EQ(splitter.feed("a < b").size(), 1u);
  EXPECT_EQ(splitter.feed("<th").size(), 0u);
  EXPECT_EQ(splitter.feed("e").front().text, "<the");
}

}  // namespace
}  // namespace bantam::cli
