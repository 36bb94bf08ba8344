// Conversations to train on from nothing: as they are rendered, and what counts.
#include "data/tokenise.h"

#include <gtest/gtest.h>

#include "data/records.h"
#include "tokenizer/tokenizer_spec.h"

namespace bantam {
namespace {

std::shared_ptr<const Tokenizer> tokenizer_with(const char* chat_template) {
  TrainedTokenizer t;
  for (int byte = 0; byte < 256; ++byte) t.tokens.push_back(std::string(1, static_cast<char>(byte)));
  t.special = {256};
  t.tokens.emplace_back("<|end|>");
  t.eos = 256;
  t.pre_tokenizer = "gpt-2";
  t.chat_template = chat_template;
  return make_tokenizer(std::move(t));
}

constexpr const char* kText =
    "{% for m in messages %}[{{ m.role[0] }}]{{ m.content }}{% if m.role == 'assistant' %}<|end|>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}[a]{% endif %}";
constexpr const char* kParts =
    "{% for m in messages %}[{{ m.role[0] }}]{% for part in m.content %}{{ part.text }}{% endfor %}{% endfor %}"
    "{% if add_generation_prompt %}[a]{% endif %}";

// What was stored, each token with its weight behind it where that is not 1; "$" for the end token.
std::string stored(const char* chat_template, const char* line, TokeniseOptions options = {}) {
  const auto tokenizer = tokenizer_with(chat_template);
  TokenStore store;
  Tokeniser(*tokenizer, options).add(read_document_line(line), store);
  std::string out;
  for (std::int64_t i = 0; i < store.documents(); ++i)
    for (std::size_t at = 0; at < store.document(i).size(); ++at) {
      const std::int32_t id = store.document(i)[at];
      out += id == 256 ? '$' : static_cast<char>(id);
      if (store.weights(i)[at] != 1) out += std::to_string(static_cast<int>(store.weights(i)[at]));
    }
  return out;
}

TEST(Tokenise, AnAnswerOfWeightZeroCountsNothing) {
  const char* const line =
      R"({"messages":[{"role":"user","content":"p"},{"role":"assistant","content":"a","weight":0},
          {"role":"user","content":"q"},{"role":"assistant","content":"b"}]})";
  EXPECT_EQ(stored(kText, line), "[u]p[a]a0$0[u]q[a]b$");
  EXPECT_EQ(stored(kText, line, {.answer_weight = 1, .question_weight = 2}), "[2u2]2p2[2a2]2a0$0[2u2]2q2[2a2]2b$");
  const char* const nothing = R"({"messages":[{"role":"user","content":"p"},{"role":"assistant","content":"a","weight":0}]})";
  EXPECT_EQ(stored(kText, nothing, {.answer_weight = 1, .question_weight = 0}), "");
  EXPECT_EQ(stored(kText, nothing), "[u]p[a]a0$0");
}

TEST(Tokenise, ContentInPartsIsJoinedAsTheTemplateAsks) {
  const char* const line =
      R"({"messages":[{"role":"user","content":[{"type":"text","text":"H"},{"type":"text","text":"i"}]},
          {"role":"assistant","content":"b"}]})";
  EXPECT_EQ(stored(kText, line), "[u]H\ni[a]b$");
  EXPECT_EQ(stored(kParts, line), "[u]Hi[a]b");
}

}  // namespace
}  // namespace bantam
