// Counts the pieces of the documents, then merges.
#include "tokenizer/bpe_train.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "base/error.h"
#include "tokenizer/bpe_merger.h"
#include "words/byte_alphabet.h"
#include "tokenizer/flat_hash.h"
#include "tokenizer/piece_counts.h"
#include "words/pre_tokenizer.h"
#include "words/unicode.h"

namespace bantam::tokenizer {
namespace {

constexpr std::int64_t kMaxVocabulary = std::int64_t{1} << 24;
constexpr std::size_t kBatchBytes = std::size_t{4} << 20;  // of documents, for each worker
constexpr std::size_t kBatchDocuments = 1 << 14;
constexpr std::int64_t kMergesBetweenReports = 100;

void check(const BpeTraining& training) {
  const auto special = static_cast<std::int64_t>(training.special.size());
  if (training.vocabulary < 256 + special || training.vocabulary > kMaxVocabulary)
    throw Error("a vocabulary of " + std::to_string(256 + special) +
                " (the bytes and the special tokens) to " + std::to_string(kMaxVocabulary) +
                " was expected, not " + std::to_string(training.vocabulary))
        .field("vocabulary");
  if (training.min_frequency < 1)
    throw Error("at least 1 was expected, not " + std::to_string(training.min_frequency))
        .field("min_frequency");
  if (training.longest_piece < 4 || training.longest_piece > (1 << 20))
    throw Error("4 to 1048576 bytes were expected, not " + std::to_string(training.longest_piece))
        .field("longest_piece");
  std::set<std::string_view> seen;
  for (const std::string& text : training.special)
    if (text.size() < 2 || !is_valid_utf8(text) || !seen.insert(text).second)
      throw Error("special tokens are UTF-8 of at least two bytes, each another text; not " +
                  printable(text))
          .field("special");
}

// Cuts what is too long, between characters.
template <class Take>
void cut(std::string_view piece, std::size_t longest, Take&& take) {
  while (piece.size() > longest) {
    std::size_t size = longest;
    while ((piece[size] & 0xC0) == 0x80) --size;  // well-formed: at most three steps
    take(piece.substr(0, size));
    piece.remove_prefix(size);
  }
  take(piece);
}

// The distinct pieces of all documents, in as many tables as there are workers; each piece is in
// one.
class Counting {
 public:
  Counting(const BpeTraining& training, ThreadPool& pool)
      : longest_(static_cast<std::size_t>(training.longest_piece)),
        pre_(pre_tokenizer_by_name(training.pre)),
        pool_(pool),
        seed_(hash_seed()),
        tables_(empty_tables()) {}

  void read(const NextDocument& next, BpeVocabulary& result,
            const std::function<void(const BpeProgress&)>& progress) {
    std::vector<std::string> batch;
    for (bool more = true; more;) {
      std::size_t count = 0, bytes = 0;
      while (bytes < kBatchBytes * pool_.size() && count < kBatchDocuments) {
        if (batch.size() == count) batch.emplace_back();
        batch[count].clear();
        more = next(batch[count]);
        if (!more) break;
        bytes += batch[count].size();
        ++count;
      }
      pool_.parallel_ranges(static_cast<std::int64_t>(count), 1,
                            [&](std::int64_t begin, std::int64_t end, unsigned worker) {
                              for (std::int64_t i = begin; i < end; ++i)
                                add(batch[static_cast<std::size_t>(i)], tables_[worker]);
                            });
      // What one huge document took is not kept for the next.
      for (std::string& text : batch)
        if (text.capacity() > kBatchBytes) text = {};
      result.documents += static_cast<std::int64_t>(count);
      result.bytes += static_cast<std::int64_t>(bytes);
      if (progress) progress({BpeProgress::Step::counting, result.bytes, 0});
    }
    join();
    for (const PieceCounts& table : tables_)
      result.distinct_pieces += static_cast<std::int64_t>(table.size());
  }

  template <class Body>
  void for_each(Body&& body) const {
    for (const PieceCounts& table : tables_) table.for_each(0, 1, body);
  }

 private:
  std::vector<PieceCounts> empty_tables() const {
    std::vector<PieceCounts> tables;
    for (unsigned i = 0; i < pool_.size(); ++i) tables.emplace_back(seed_);
    return tables;
  }
  void add(std::string_view text, PieceCounts& table) const {
    const std::string repaired = is_valid_utf8(text) ? std::string() : repair_utf8(text);
    if (!repaired.empty()) text = repaired;
    pre_->split(text, [&](std::span<const std::string_view> pieces) {
      for (const std::string_view piece : pieces)
        cut(piece, longest_, [&](std::string_view part) { table.add(part, 1); });
    });
  }
  // Each worker gathers those pieces of all tables that fall to it.
  void join() {
    if (tables_.size() == 1) return;
    const std::size_t parts = tables_.size();
    std::vector<PieceCounts> joined = empty_tables();
    pool_.parallel_for(static_cast<std::int64_t>(parts), [&](std::int64_t part, unsigned) {
      const auto p = static_cast<std::size_t>(part);
      for (const PieceCounts& table : tables_)
        table.for_each(p, parts, [&](std::string_view piece, std::int64_t count) {
          joined[p].add(piece, count);
        });
    });
    tables_ = std::move(joined);
  }

  std::size_t longest_;
  std::unique_ptr<PreTokenizer> pre_;
  ThreadPool& pool_;
  std::uint64_t seed_;
  std::vector<PieceCounts> tables_;
};

// The single bytes in GPT-2's order, which is that of the characters that spell them.
std::vector<std::uint8_t> bytes_in_order() {
  std::vector<std::uint8_t> bytes;
  for (char32_t value = 0; bytes.size() < 256; ++value)
    if (const int byte = ByteAlphabet::get().byte_of(value); byte >= 0)
      bytes.push_back(static_cast<std::uint8_t>(byte));
  return bytes;
}

void add_words(const Counting& counting, BpeMerger& merger) {
  std::int32_t id_of[256];
  std::int32_t next = 0;
  for (const std::uint8_t byte : bytes_in_order()) id_of[byte] = next++;
  std::size_t words = 0, size = 0;
  counting.for_each([&](std::string_view piece, std::int64_t) {
    words += piece.size() > 1;
    size += piece.size() > 1 ? piece.size() : 0;
  });
  merger.reserve(words, size);
  std::vector<std::int32_t> symbols;
  counting.for_each([&](std::string_view piece, std::int64_t count) {
    symbols.clear();
    for (const char c : piece) symbols.push_back(id_of[static_cast<unsigned char>(c)]);
    merger.add_word(symbols, count);
  });
}

}  // namespace

BpeVocabulary train_bpe(const BpeTraining& training, const NextDocument& next, ThreadPool& pool,
                        const std::function<void(const BpeProgress&)>& progress) {
  check(training);
  BpeVocabulary result;
  BpeMerger merger(256, training.min_frequency);
  {
    Counting counting(training, pool);
    counting.read(next, result, progress);
    add_words(counting, merger);
  }
  merger.start();

  const auto wanted = static_cast<std::size_t>(training.vocabulary) - training.special.size();
  std::unordered_map<std::string, std::int32_t> ids;  // of tokens by their bytes
  for (const std::uint8_t byte : bytes_in_order())
    result.tokens.emplace_back(1, static_cast<char>(byte));
  const std::set<std::string_view> special(training.special.begin(), training.special.end());
  while (result.tokens.size() < wanted) {
    const auto pair = merger.next();
    result.stopped_early = !pair;
    if (!pair) break;
    std::string made = result.tokens[static_cast<std::size_t>(pair->first)] +
                       result.tokens[static_cast<std::size_t>(pair->second)];
    // In a file a token is its spelling: there must not be two of one.
    if (special.contains(made) || special.contains(ByteAlphabet::get().encode(made))) continue;
    const auto fresh = static_cast<std::int32_t>(result.tokens.size());
    const auto [known, is_new] = ids.try_emplace(made, fresh);
    merger.merge(*pair, known->second);
    result.merges.push_back(*pair);
    if (!is_new) continue;
    result.tokens.push_back(std::move(made));
    if (progress && (fresh + 1) % kMergesBetweenReports == 0)
      progress({BpeProgress::Step::merging, fresh + 1, static_cast<std::int64_t>(wanted)});
  }
  result.first_special = static_cast<std::int32_t>(result.tokens.size());
  result.tokens.insert(result.tokens.end(), training.special.begin(), training.special.end());
  return result;
}

}  // namespace bantam::tokenizer
