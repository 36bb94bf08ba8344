// Names of pre-tokenizers, stages of tokenizer.json, examples by hand.
#include "words/pre_tokenizer.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "support/hard_text.h"

namespace bantam {
namespace {

using namespace test;

TEST(PreTokenizer, ExamplesByHand) {
  struct Case {
    std::string name, text;
    Pieces expected;
  };
  const Case cases[] = {
      {"gpt-2", "I'm 12  years,\n\n old", {"I", "'m", " 12", " ", " years", ",", "\n\n", " old"}},
      {"qwen2", "I'M 12\tyears,\n\n x", {"I", "'M", " ", "1", "2", "\tyears", ",\n\n", " x"}},
      {"llama-bpe", "12345 \n  y", {"123", "45", " \n", " ", " y"}},
      {"gpt-4o", "HTTPServer's XMLfile/\n", {"HTTPServer's", " XMLfile", "/\n"}},
      {"tekken", "fooBar's", {"foo", "Bar", "'s"}},
      {"smollm", "in 1999.", {"in", " ", "1", "9", "9", "9", "."}},
      {"deepseek-v3",
       ".com 123456 \xE4\xB8\xAD\xE6\x96\x87x",
       {".com", " ", "123", "456", " ", "\xE4\xB8\xAD\xE6\x96\x87", "x"}},
      {"falcon", "a.b 12345", {"a", ".", "b", " ", "123", "45"}},
      {"bloom", "hello, big world", {"hello", ",", " big", " world"}},
      {"tiny_aya", "1234567 123a", {"1", "234", "567", " ", "123", "a"}},
      {"superbpe", "ab 1234567", {"ab ", "1", "234", "567"}},
      {"gemma4", "a b\n\nc", {"a b", "\n\n", "c"}},
  };
  for (const Case& c : cases)
    EXPECT_EQ(split(*pre_tokenizer_by_name(c.name), c.text), c.expected) << c.name;
}

// ---- Names, and stages of tokenizer.json

TEST(PreTokenizer, AnUnknownNameIsAnErrorThatListsTheKnown) {
  try {
    pre_tokenizer_by_name("gpt-17");
    FAIL();
  } catch (const Error& error) {
    for (const std::string_view name : pre_tokenizer_names())
      EXPECT_NE(error.message().find(name), std::string::npos);
    EXPECT_EQ(error.field(), "tokenizer.ggml.pre");
  }
}

TEST(PreTokenizer, NamesAreKnownOnceAndKeptWhenAskedFor) {
  const auto names = pre_tokenizer_names();
  EXPECT_EQ(std::set(names.begin(), names.end()).size(), names.size());
  for (const std::string_view name : names)
    EXPECT_EQ(pre_tokenizer_by_name(name)->gguf_name(), name);
}

TEST(PreTokenizer, SpellingsOfTokenizerJsonAreRecognised) {
  const PreStage gpt2{.kind = Kind::gpt2}, digit{.kind = Kind::digits, .individual = true};
  const auto split_by = [](std::string pattern) { return PreStage{.pattern = std::move(pattern)}; };
  struct Case {
    std::vector<PreStage> stages;
    bool ignore_merges;
    std::string_view name;
  };
  const std::string llama3 =
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
  const std::string cl100k =
      R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)";
  const Case cases[] = {
      {{gpt2}, false, "gpt-2"},
      {{split_by(R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)")},
       false,
       "gpt-2"},
      {{digit, gpt2}, false, "smollm"},
      {{split_by(R"(\p{N})"), gpt2}, false, "smollm"},
      {{split_by(llama3)}, true, "llama-bpe"},
      {{split_by(llama3)}, false, "smaug-bpe"},
      {{split_by(cl100k)}, false, "smaug-bpe"},
      {{{.pattern = llama3, .behavior = Behavior::removed, .invert = true}}, true, "llama-bpe"},
      {{split_by("[\r\n]"), split_by(R"(\s?\p{L}+)"), split_by(R"(\s?\p{P}+)"),
        split_by("[\u4E00-\u9FA5\u0800-\u4E00\uAC00-\uD7FF]+"), digit},
       false,
       "deepseek-coder"},
      {{split_by(" ?[^(\\s|[.,!?\u2026\u3002\uFF0C\u3001\u0964\u06D4\u060C])]+")}, false, "bloom"},
      {{split_by(R"(\p{L}+)")}, false, ""},
      {{gpt2}, true, ""},
      {{}, false, ""},
      {{{.pattern = llama3, .behavior = Behavior::removed}}, true, ""},
      {{{.pattern = llama3, .literal = true}}, true, ""},
  };
  for (const Case& c : cases) EXPECT_EQ(pre_tokenizer_name_for(c.stages, c.ignore_merges), c.name);
  EXPECT_EQ(pre_tokenizer_from_regex(cl100k)->gguf_name(), "smaug-bpe");
}

// A name that is written for stages is read back as the same stages.
TEST(PreTokenizer, ANameLeadsToItsStagesAndBack) {
  for (const std::string_view name : pre_tokenizer_names()) {
    const PreTraits traits = pre_tokenizer_traits(name);
    if (!traits.byte_level) continue;
    const auto pre = pre_tokenizer_by_name(name);
    const std::string_view written = pre_tokenizer_name_for(pre->stages(), traits.ignore_merges);
    EXPECT_EQ(pre_tokenizer_by_name(written)->stages(), pre->stages()) << name;
    EXPECT_EQ(pre_tokenizer_traits(written).ignore_merges, traits.ignore_merges) << name;
  }
}

// Expected values: the documentation of pre_tokenizers.Split in huggingface/tokenizers.
TEST(PreTokenizer, BehavioursOfASplit) {
  struct Case {
    Behavior behavior;
    bool invert, literal;
    Pieces expected;
  };
  const Case cases[] = {
      {Behavior::isolated, false, true, {"the", "-", "final", "-", "-", "countdown"}},
      {Behavior::removed, false, true, {"the", "final", "countdown"}},
      {Behavior::merged_with_previous, false, true, {"the-", "final-", "-", "countdown"}},
      {Behavior::merged_with_next, false, true, {"the", "-final", "-", "-countdown"}},
      {Behavior::contiguous, false, true, {"the", "-", "final", "--", "countdown"}},
      {Behavior::removed, true, true, {"-", "-", "-"}},
      {Behavior::isolated, false, false, {"the", "-", "final", "-", "-", "countdown"}},
      {Behavior::removed, true, false, {"-", "-", "-"}},
  };
  for (const Case& c : cases) {
    const PreStage stage{
        .pattern = "-", .literal = c.literal, .behavior = c.behavior, .invert = c.invert};
    EXPECT_EQ(split(*pre_tokenizer_from_stages({stage}), "the-final--countdown"), c.expected);
  }
}

TEST(PreTokenizer, NoStagesLeaveTheTextWhole) {
  EXPECT_EQ(split(*pre_tokenizer_from_stages({}), "a b\xFF"), Pieces{"a b\xFF"});
  EXPECT_EQ(split(*pre_tokenizer_by_name("gpt-2"), ""), Pieces{});
}

TEST(PreTokenizer, APatternThatDoesNotCompileIsAnErrorThatShowsIt) {
  try {
    pre_tokenizer_from_regex(R"(\p{L}+|(abc)");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(error.message().find("(abc"), std::string::npos);
    EXPECT_EQ(error.offset(), 7u);
  }
}

}  // namespace
}  // namespace bantam
