// BPE training against a plain trainer that counts everything anew before each merge.
#include "tokenizer/bpe_train.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "tokenizer/bpe_merger.h"
#include "words/pre_tokenizer.h"
#include "words/unicode.h"

namespace bantam {
namespace {

using Documents = std::vector<std::string>;

BpeVocabulary train(const BpeTraining& training, const Documents& documents, unsigned threads = 1) {
  ThreadPool pool(threads);
  std::size_t i = 0;
  return train_bpe(
      training,
      [&](std::string& text) {
        if (i == documents.size()) return false;
        text = documents[i++];
        return true;
      },
      pool);
}

// GPT-2's order of bytes (openai/gpt-2, src/encoder.py): the printable ones of Latin-1, then the
// others.
std::vector<std::string> byte_tokens() {
  std::vector<std::string> tokens, others;
  for (int b = 0; b < 256; ++b) {
    const bool printable = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
    (printable ? tokens : others).emplace_back(1, static_cast<char>(b));
  }
  tokens.insert(tokens.end(), others.begin(), others.end());
  return tokens;
}

struct Reference {
  std::vector<std::string> tokens = byte_tokens();
  std::vector<std::pair<std::int32_t, std::int32_t>> merges;
  bool stopped_early = false;
};

Reference reference(const BpeTraining& training, const Documents& documents) {
  Reference out;
  std::map<std::string, std::int32_t> ids;
  for (std::size_t i = 0; i < out.tokens.size(); ++i)
    ids[out.tokens[i]] = static_cast<std::int32_t>(i);
  std::map<std::vector<std::int32_t>, std::int64_t> words;
  const auto pre = pre_tokenizer_by_name(training.pre);
  for (const std::string& document : documents) {
    const std::string text = repair_utf8(document);
    std::vector<std::string_view> pieces;
    pre->split(text, pieces);
    for (const std::string_view piece : pieces) {
      std::vector<std::int32_t> word;
      for (const char c : piece) word.push_back(ids.at(std::string(1, c)));
      ++words[word];
    }
  }
  std::set<std::pair<std::int32_t, std::int32_t>> banned;
  while (out.tokens.size() + training.special.size() <
         static_cast<std::size_t>(training.vocabulary)) {
    std::map<std::pair<std::int32_t, std::int32_t>, std::int64_t> counts;
    for (const auto& [word, count] : words)
      for (std::size_t i = 0; i + 1 < word.size(); ++i) counts[{word[i], word[i + 1]}] += count;
    std::pair<std::int32_t, std::int32_t> best;
    std::int64_t most = 0;  // the map is in order of ids: the first of equals stays
    for (const auto& [pair, count] : counts)
      if (count > most && !banned.contains(pair)) {
        best = pair;
        most = count;
      }
    out.stopped_early = most < training.min_frequency;
    if (out.stopped_early) break;
    const std::string made = out.tokens[static_cast<std::size_t>(best.first)] +
                             out.tokens[static_cast<std::size_t>(best.second)];
    if (std::count(training.special.begin(), training.special.end(), made) != 0) {
      banned.insert(best);
      continue;
    }
    const auto [known, is_new] =
        ids.try_emplace(made, static_cast<std::int32_t>(out.tokens.size()));
    if (is_new) out.tokens.push_back(made);
    out.merges.push_back(best);
    std::map<std::vector<std::int32_t>, std::int64_t> next;
    for (const auto& [word, count] : words) {
      std::vector<std::int32_t> merged;
      for (std::size_t i = 0; i < word.size(); ++i) {
        if (i + 1 < word.size() && word[i] == best.first && word[i + 1] == best.second) {
          merged.push_back(known->second);
          ++i;
        } else {
          merged.push_back(word[i]);
        }
      }
      next[merged] += count;
    }
    words = next;
  }
  out.tokens.insert(out.tokens.end(), training.special.begin(), training.special.end());
  return out;
}

// Few letters and long words, so that pairs overlap, meet again and make the same token twice.
Documents random_documents(std::uint64_t seed, bool invalid) {
  const Random random(11, seed);
  std::uint64_t i = 0;
  const std::uint64_t letters = 1 + random.below(i++, 4);
  Documents documents(1 + random.below(i++, 8));
  for (std::string& text : documents) {
    const std::uint64_t size = random.below(i++, 300);
    while (text.size() < size) {
      const std::uint64_t kind = random.below(i++, 12);
      if (kind == 0) {
        text += ' ';
      } else if (kind == 1 && invalid) {
        text += static_cast<char>(random.below(i++, 256));
      } else if (kind == 2) {
        text += "\xE4\xB8\xAD";
      } else {
        text += static_cast<char>('a' + random.below(i++, letters));
      }
    }
  }
  return documents;
}

TEST(BpeTrain, EqualsThePlainTrainer) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const Documents documents = random_documents(seed, seed % 3 == 0);
    BpeTraining training;
    training.vocabulary = 257 + static_cast<std::int64_t>(seed % 90);
    training.special = seed % 2 == 0 ? std::vector<std::string>{"ab"} : std::vector<std::string>{};
    training.min_frequency = 1 + static_cast<std::int64_t>(seed % 4);
    training.pre = seed % 5 == 0 ? "whitespace" : "gpt-2";
    const BpeVocabulary found = train(training, documents);
    const Reference expected = reference(training, documents);
    ASSERT_EQ(found.merges, expected.merges) << "seed " << seed;
    ASSERT_EQ(found.tokens, expected.tokens);
    ASSERT_EQ(found.stopped_early, expected.stopped_early);
  }
}

// The merger alone, made to merge pairs that are not the best, into symbols in use as well as new
// ones.
TEST(BpeTrain, CountsStayExactWhateverIsMerged) {
  using Words = std::vector<std::pair<std::vector<std::int32_t>, std::int64_t>>;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const Random random(5, seed);
    std::uint64_t r = 0;
    Words words(1 + random.below(r++, 12));
    BpeMerger merger(4, 1);
    for (auto& [word, count] : words) {
      word.resize(1 + random.below(r++, 12));
      for (std::int32_t& symbol : word) symbol = static_cast<std::int32_t>(random.below(r++, 3));
      count = 1 + static_cast<std::int64_t>(random.below(r++, 5));
      merger.add_word(word, count);
    }
    merger.start();
    std::int32_t symbols = 4;
    for (;;) {
      std::map<BpeMerger::Pair, std::int64_t> counts;
      for (const auto& [word, count] : words)
        for (std::size_t i = 0; i + 1 < word.size(); ++i) counts[{word[i], word[i + 1]}] += count;
      const auto best = std::max_element(counts.begin(), counts.end(), [](auto& a, auto& b) {
        return a.second != b.second ? a.second < b.second : a.first > b.first;
      });
      const auto found = merger.next();
      ASSERT_EQ(found.has_value(), best != counts.end());
      if (!found) break;
      ASSERT_EQ(*found, best->first) << "seed " << seed;
      // A symbol in use that is neither of the pair: (x, y) never comes back as x or y in training.
      std::int32_t made =
          static_cast<std::int32_t>(random.below(r++, static_cast<std::uint64_t>(symbols)));
      if (made == found->first || made == found->second || random.below(r++, 2) == 0)
        made = symbols++;
      merger.merge(*found, made);
      for (auto& [word, count] : words) {
        std::vector<std::int32_t> merged;
        for (std::size_t i = 0; i < word.size(); ++i) {
          const bool here = i + 1 < word.size() && BpeMerger::Pair{word[i], word[i + 1]} == *found;
          merged.push_back(here ? made : word[i]);
          i += here;
        }
        word = merged;
      }
    }
  }
}

TEST(BpeTrain, NeitherThreadsNorTheOrderOfDocumentsMatter) {
  Documents documents;
  for (std::uint64_t seed = 0; seed < 400; ++seed)
    for (std::string& text : random_documents(seed, true)) documents.push_back(std::move(text));
  BpeTraining training;
  training.vocabulary = 600;
  training.special = {"<|end|>"};
  const BpeVocabulary one = train(training, documents);
  EXPECT_EQ(one.tokens.size(), 600u);
  for (const unsigned threads : {1u, 2u, 3u}) {
    std::reverse(documents.begin(), documents.end());
    const BpeVocabulary other = train(training, documents, threads);
    EXPECT_EQ(other.tokens, one.tokens);
    EXPECT_EQ(other.merges, one.merges);
    EXPECT_EQ(other.documents, one.documents);
    EXPECT_EQ(other.bytes, one.bytes);
    EXPECT_EQ(other.distinct_pieces, one.distinct_pieces);
  }
}

// Sennrich et al. 2016, algorithm 1: low 5, lower 2, newest 6, widest 3.
TEST(BpeTrain, ExampleOfThePaper) {
  Documents documents;
  const std::pair<const char*, int> words[] = {
      {"low", 5}, {"lower", 2}, {"newest", 6}, {"widest", 3}};
  for (const auto& [word, count] : words)
    for (int i = 0; i < count; ++i) documents.emplace_back(word);
  BpeTraining training;
  training.vocabulary = 256 + 6;
  const BpeVocabulary found = train(training, documents);
  const std::vector<std::string> made(found.tokens.begin() + 256, found.tokens.end());
  // es and st nine times, e before s; est nine; lo and ow seven; low; ne, ew and (w, est) six, e
  // first.
  EXPECT_EQ(made, (std::vector<std::string>{"es", "est", "lo", "low", "ew", "new"}));
  EXPECT_EQ(found.documents, 16);
}

TEST(BpeTrain, TheLayoutIsBytesMergesSpecial) {
  BpeTraining training;
  training.vocabulary = 300;
  training.special = {"<|end|>", "<|user|>"};
  const BpeVocabulary found = train(training, {"abababab abab"});
  EXPECT_EQ(std::vector(found.tokens.begin(), found.tokens.begin() + 256), byte_tokens());
  EXPECT_EQ(found.tokens[0], "!");
  EXPECT_EQ(found.tokens[188], std::string(1, '\0'));
  EXPECT_TRUE(found.stopped_early);
  EXPECT_EQ(static_cast<std::size_t>(found.first_special) + 2, found.tokens.size());
  EXPECT_EQ(found.tokens[static_cast<std::size_t>(found.first_special)], "<|end|>");
  EXPECT_EQ(found.tokens.back(), "<|user|>");
  EXPECT_EQ(static_cast<std::size_t>(found.first_special), 256 + found.merges.size());
}

TEST(BpeTrain, NoTextGivesTheBytes) {
  BpeTraining training;
  for (const Documents& documents : {Documents{}, Documents{"", ""}, Documents{"a"}}) {
    const BpeVocabulary found = train(training, documents);
    EXPECT_EQ(found.tokens, byte_tokens());
    EXPECT_TRUE(found.stopped_early);
  }
}

TEST(BpeTrain, LongPiecesAreCutBetweenCharacters) {
  BpeTraining training;
  training.vocabulary = 400;
  training.longest_piece = 1024;
  std::string text;
  while (text.size() < (8u << 20)) text += "\xE4\xB8\xAD";
  const BpeVocabulary found = train(training, {text});
  EXPECT_TRUE(found.stopped_early);
  // As often as E4 B8, of lower ids; AD E4 is one less in each piece.
  EXPECT_EQ(found.tokens[256], "\xB8\xAD");
  EXPECT_LE(found.distinct_pieces, 2);
  for (const std::string& token : found.tokens) EXPECT_LE(token.size(), 1024u);
  // Two pieces of one length for the whole text: 8 MiB in pieces of 1,023 bytes.
  EXPECT_EQ(found.bytes, static_cast<std::int64_t>(text.size()));
}

TEST(BpeTrain, ProgressIsToldAndMayEndTheTraining) {
  Documents documents = random_documents(3, false);
  ThreadPool pool(2);
  BpeTraining training;
  training.vocabulary = 500;
  training.min_frequency = 1;
  std::size_t i = 0;
  std::int64_t bytes = 0;
  const auto next = [&](std::string& text) {
    if (i == 200) return false;
    text = random_documents(i++, false)[0];
    bytes += static_cast<std::int64_t>(text.size());
    return true;
  };
  std::int64_t counted = 0, made = 0;
  train_bpe(training, next, pool, [&](const BpeProgress& p) {
    if (p.step == BpeProgress::Step::counting) counted = p.done;
    if (p.step == BpeProgress::Step::merging) {
      EXPECT_GT(p.done, made);
      EXPECT_EQ(p.total, 500);
      made = p.done;
    }
  });
  EXPECT_EQ(counted, bytes);
  EXPECT_GT(made, 256);
  i = 0;
  struct Stop {};
  EXPECT_THROW(train_bpe(training, next, pool, [](const BpeProgress&) { throw Stop(); }), Stop);
}

TEST(BpeTrain, WrongSettingsAreErrorsThatNameTheSetting) {
  const auto field_of = [](auto change) -> std::string {
    BpeTraining training;
    change(training);
    try {
      train(training, {"text"});
      return "no error";
    } catch (const Error& error) {
      return error.field();
    }
  };
  using T = BpeTraining;
  EXPECT_EQ(field_of([](T& t) { t.vocabulary = 255; }), "vocabulary");
  EXPECT_EQ(field_of([](T& t) { t.vocabulary = -1; }), "vocabulary");
  EXPECT_EQ(field_of([](T& t) { t.vocabulary = std::int64_t{1} << 40; }), "vocabulary");
  EXPECT_EQ(field_of([](T& t) { t.vocabulary = 256, t.special = {"<s>"}; }), "vocabulary");
  EXPECT_EQ(field_of([](T& t) { t.min_frequency = 0; }), "min_frequency");
  EXPECT_EQ(field_of([](T& t) { t.longest_piece = 1; }), "longest_piece");
  EXPECT_EQ(field_of([](T& t) { t.special = {""}; }), "special");
  EXPECT_EQ(field_of([](T& t) { t.special = {"a"}; }), "special");
  EXPECT_EQ(field_of([](T& t) { t.special = {"<s>", "<s>"}; }), "special");
  EXPECT_EQ(field_of([](T& t) { t.special = {"<\xFF>"}; }), "special");
  EXPECT_EQ(field_of([](T& t) { t.pre = "gpt-9"; }), "tokenizer.ggml.pre");
}

}  // namespace
}  // namespace bantam
