// SentencePiece BPE, unigram and WordPiece on vocabularies small enough to try all ways of cutting.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "tokenizer/sentencepiece_merges.h"
#include "tokenizer/tokenizer_spec.h"
#include "tokenizer_support.h"

namespace bantam::test {
namespace {

std::string byte_piece(int byte) {
  char text[8];
  std::snprintf(text, sizeof text, "<0x%02X>", static_cast<unsigned>(byte));
  return text;
}

// <unk>, <s>, </s>, the bytes, then the pieces, the first with the best score.
TokenizerSpec sentencepiece(const std::vector<std::string>& pieces) {
  TokenizerSpec spec;
  spec.model = TokenizerSpec::Model::score_bpe;
  const auto add = [&](const std::string& piece, TokenType type, double score) {
    spec.vocabulary.add(static_cast<std::int32_t>(spec.types.size()), piece);
    spec.types.push_back(type);
    spec.scores.push_back(score);
  };
  add("<unk>", TokenType::unknown, 0);
  add("<s>", TokenType::control, 0);
  add("</s>", TokenType::control, 0);
  for (int byte = 0; byte < 256; ++byte) add(byte_piece(byte), TokenType::byte, 0);
  for (std::size_t i = 0; i < pieces.size(); ++i)
    add(pieces[i], TokenType::normal, -static_cast<double>(i));
  spec.unk = 0;
  spec.byte_fallback = true;
  spec.raw_bytes = true;
  return spec;
}

// Joins, while it can, the two neighbours whose joined text is the piece of the best score; of
// equal ones the leftmost (google/sentencepiece, src/bpe_model.cc).
Ids plain_scored(const TokenizerSpec& spec, std::vector<std::string> symbols) {
  for (;;) {
    std::size_t at = symbols.size();
    double best = -1e9;
    for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
      const std::int32_t id = spec.vocabulary.find(symbols[i] + symbols[i + 1]);
      if (id < 259 || spec.scores[static_cast<std::size_t>(id)] <= best) continue;
      best = spec.scores[static_cast<std::size_t>(id)];
      at = i;
    }
    if (at == symbols.size()) break;
    symbols[at] += symbols[at + 1];
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
  Ids ids;
  for (const std::string& symbol : symbols) {
    if (const std::int32_t id = spec.vocabulary.find(symbol); id >= 0) {
      ids.push_back(id);
      continue;
    }
    for (const char c : symbol)
      ids.push_back(spec.vocabulary.find(byte_piece(static_cast<unsigned char>(c))));
  }
  return ids;
}

TEST(ScoreBpe, JoinsTheBestPieceFirst) {
  // "x" is no piece, though part of one; "é" is neither.
  const std::vector<std::string> pieces{"▁a",  "ab", "▁ab", "bb", "▁▁", "abb", "xb",
                                        "axb", "b▁", "a",   "b",  "▁",  "漢",  "漢漢"};
  const TokenizerSpec spec = sentencepiece(pieces);
  const Tokenizer tokenizer(sentencepiece(pieces));
  const std::vector<std::string> alphabet{"a", "b", "▁", "x", "é", "漢"};
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    std::vector<std::string> symbols;
    std::string text;
    for (const char c : random_text(seed, seed % 90 + 1, std::string("\0\1\2\3\4\5\0\1\2", 9))) {
      symbols.push_back(alphabet[static_cast<unsigned char>(c)]);
      text += symbols.back();
    }
    EXPECT_EQ(tokenizer.encode(text, {.add_special = false}), plain_scored(spec, symbols)) << text;
  }
}

TEST(ScoreBpe, IllFormedBytesAreByteTokens) {
  const Tokenizer tokenizer(sentencepiece({"a"}));
  EXPECT_EQ(tokenizer.encode("a\xFF"), (Ids{259, 3 + 0xFF}));
  EXPECT_EQ(tokenizer.encode("\xE4\xBD"), (Ids{3 + 0xE4, 3 + 0xBD}));
}

TEST(ScoreBpe, ScoresAndMergesSayTheSame) {
  // Each piece can be made in one way: with several, merges are stricter about equal pairs.
  const std::vector<std::string> pieces{"ab",   "bc", "abbc", "cab", "▁c",
                                        "▁cab", "a",  "b",    "c",   "▁"};
  TokenizerSpec scored = sentencepiece(pieces);
  TokenizerSpec ranked = sentencepiece(pieces);
  ranked.model = TokenizerSpec::Model::bpe;
  ranked.merges = merges_from_scores(scored);
  EXPECT_EQ(ranked.merges.size(), 7u);  // of ▁cab two: ▁c + ab, ▁ + cab
  const std::vector<double> back = scores_from_merges(ranked);
  for (std::size_t id = 259; id + 1 < 265; ++id) EXPECT_GT(back[id], back[id + 1]) << id;
  const Tokenizer one(std::move(scored)), other(std::move(ranked));
  for (std::uint64_t seed = 1; seed < 100; ++seed) {
    const std::string text = random_text(seed, seed, "abcab");
    EXPECT_EQ(one.encode(text), other.encode(text)) << text;
  }
}

TEST(ScoreBpe, MergesThatScoresCannotExpressAreRefused) {
  TokenizerSpec spec = sentencepiece({"ab", "ba", "aba", "a", "b"});
  spec.model = TokenizerSpec::Model::bpe;
  spec.merges = {{262, 263}, {263, 262}, {262, 260}};  // a+ba makes aba, ab+a is missing
  EXPECT_NE(message_of([&] { scores_from_merges(spec); }).find("aba"), std::string::npos);
}

TokenizerSpec unigram(const std::vector<std::pair<std::string, double>>& pieces) {
  TokenizerSpec spec;
  spec.model = TokenizerSpec::Model::unigram;
  for (const auto& [piece, score] : pieces) {
    spec.vocabulary.add(static_cast<std::int32_t>(spec.types.size()), piece);
    spec.types.push_back(spec.types.empty() ? TokenType::unknown : TokenType::normal);
    spec.scores.push_back(score);
  }
  spec.unk = 0;
  spec.fuse_unk = true;
  return spec;
}

// The best sum over all ways to cut.
double best_sum(const TokenizerSpec& spec, const std::string& text, double unk_score) {
  std::function<double(std::size_t)> from = [&](std::size_t at) {
    if (at == text.size()) return 0.0;
    double best = -INFINITY;
    bool alone = false;
    for (std::size_t size = 1; at + size <= text.size(); ++size) {
      const std::int32_t id = spec.vocabulary.find(text.substr(at, size));
      if (id <= 0) continue;
      alone |= size == 1;
      best = std::max(best, spec.scores[static_cast<std::size_t>(id)] + from(at + size));
    }
    if (!alone) best = std::max(best, unk_score + from(at + 1));
    return best;
  };
  return from(0);
}

TEST(Unigram, FindsTheBestOfAllWaysToCut) {
  const std::vector<std::pair<std::string, double>> pieces{
      {"<unk>", 0},  {"a", -3.1},    {"b", -2.7},   {"ab", -3.3},  {"ba", -4.9},
      {"abb", -5.2}, {"aab", -6.05}, {"bbb", -7.0}, {"abab", -6.4}};
  const TokenizerSpec spec = unigram(pieces);
  const Tokenizer tokenizer(unigram(pieces));
  const double unk_score = -7.0 - 10;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    const std::string text = random_text(seed, seed % 12 + 1, "abababx");
    double sum = 0;
    std::string joined;
    for (const std::int32_t id : tokenizer.encode(text)) {
      if (id == 0) continue;  // runs of unknown characters are one token
      sum += spec.scores[static_cast<std::size_t>(id)];
    }
    sum += unk_score * static_cast<double>(std::count(text.begin(), text.end(), 'x'));
    EXPECT_NEAR(sum, best_sum(spec, text, unk_score), 1e-9) << text;
  }
}

TEST(Unigram, RunsOfUnknownCharactersAreOneTokenOrTheirBytes) {
  const Tokenizer tokenizer(unigram({{"<unk>", 0}, {"a", -1}}));
  EXPECT_EQ(tokenizer.encode("axya漢字"), (Ids{1, 0, 1, 0}));
  std::vector<std::pair<std::string, double>> pieces{{"<unk>", 0}, {"a", -1}};
  for (int byte = 0; byte < 256; ++byte) pieces.emplace_back(byte_piece(byte), -20);
  TokenizerSpec spec = unigram(pieces);
  for (std::size_t id = 2; id < spec.types.size(); ++id) spec.types[id] = TokenType::byte;
  spec.byte_fallback = true;
  const Tokenizer bytes(std::move(spec));
  EXPECT_EQ(bytes.encode("axé"), (Ids{1, 2 + 'x', 2 + 0xC3, 2 + 0xA9}));
}

TEST(WordPiece, TakesTheLongestPieceAgainAndAgain) {
  const auto tokenizer = from_json(R"({
    "added_tokens": [{"id":0,"content":"[UNK]","special":true,"normalized":false,"lstrip":false,
                      "rstrip":false,"single_word":false}],
    "normalizer": {"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,
                   "strip_accents":null,"lowercase":true},
    "pre_tokenizer": {"type":"BertPreTokenizer"},
    "decoder": {"type":"WordPiece","prefix":"##","cleanup":true},
    "model": {"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##",
      "max_input_chars_per_word":6,
      "vocab":{"[UNK]":0,"un":1,"##aff":2,"##able":3,"u":4,"##n":5,",":6,"cafe":7,"漢":8,"##a":9}}})");
  const struct {
    const char* text;
    Ids ids;
  } kCases[] = {
      {"un", {1}},
      {"unn", {1, 5}},
      {"UNa", {1, 9}},
      {"un,un", {1, 6, 1}},
      {"café", {7}},
      {"漢漢", {8, 8}},
      {"x", {0}},
      {"unx", {0}},
      {"unnnnnn", {0}},
      {"unnnnn", {1, 5, 5, 5, 5}},
      {"un\u200Dn", {1, 5}},
      {"", {}},
      {" \t\n", {}},
      {"uaff", {4, 2}},
  };
  for (const auto& [text, ids] : kCases) EXPECT_EQ(tokenizer->encode(text), ids) << text;
  EXPECT_EQ(tokenizer->decode(Ids{1, 5, 6, 1}), "unn, un");
}

}  // namespace
}  // namespace bantam::test
