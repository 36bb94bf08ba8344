// What turns pieces of text into ids, and the memory that a call needs for it.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/rooms.h"
#include "tokenizer/flat_hash.h"

namespace bantam::tokenizer {

// The ids of short words that were met before: direct-mapped, a word of text or its ids that do not
// fit an entry of one cache line are not kept.
class WordCache {
 public:
  static constexpr std::size_t kBytes = 27, kIds = 8;
  struct alignas(64) Entry {
    std::uint8_t size = 0;  // of the word; 0: unused
    std::uint8_t count = 0;
    char text[kBytes + 3];
    std::array<std::int32_t, kIds> ids;
  };

  WordCache() : entries_(std::size_t{1} << kBits), seed_(hash_seed()) {}

  // The entry for a word of at most kBytes bytes, which may hold another one.
  Entry& slot(std::string_view word) {
    return entries_[static_cast<std::size_t>(hash_bytes(word, seed_) >> (64 - kBits))];
  }
  static bool holds(const Entry& entry, std::string_view word) {
    return entry.size == word.size() && std::memcmp(entry.text, word.data(), word.size()) == 0;
  }
  static void keep(Entry& entry, std::string_view word, std::span<const std::int32_t> ids) {
    if (ids.size() > kIds) return;
    entry.size = static_cast<std::uint8_t>(word.size());
    entry.count = static_cast<std::uint8_t>(ids.size());
    std::memcpy(entry.text, word.data(), word.size());
    for (std::size_t i = 0; i < ids.size(); ++i) entry.ids[i] = ids[i];
  }

 private:
  static constexpr int kBits = 14;  // 1 MiB: stays in a second-level cache
  std::vector<Entry> entries_;
  std::uint64_t seed_;
};

// Buffers of one call of encode; the next call takes them up again.
struct EncodeScratch {
  struct List {  // of entries of one rank
    std::uint32_t rank = UINT32_MAX, first = UINT32_MAX, last = UINT32_MAX;
  };
  struct Entry {
    std::uint32_t position, next;
  };
  std::vector<std::int32_t> ids, previous, next, merged;
  std::vector<std::uint32_t> ranks, heap, positions;
  std::vector<std::uint64_t> urgent;
  std::vector<List> lists;
  std::vector<Entry> entries;
  std::string text;
  WordCache cache;
};

class TokenModel {
 public:
  virtual ~TokenModel() = default;
  // Appends the ids of each word. Words are not empty.
  virtual void encode(std::span<const std::string_view> words, EncodeScratch& scratch,
                      std::vector<std::int32_t>& out) const = 0;
};

struct TokenizerSpec;
// Each throws Error that names what does not fit in the description, which must outlive the model.
std::unique_ptr<TokenModel> make_bpe(const TokenizerSpec& spec);
std::unique_ptr<TokenModel> make_unigram(const TokenizerSpec& spec);
std::unique_ptr<TokenModel> make_word_piece(const TokenizerSpec& spec);

}  // namespace bantam::tokenizer
