// The pieces of a vocabulary, by id and by text.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/rooms.h"

namespace bantam::tokenizer {

// More tokens than any model has; bounds what a hostile file can make us hold.
inline constexpr std::int64_t kMostTokens = 1 << 22;

class Vocabulary {
 public:
  Vocabulary();

  void reserve(std::int64_t tokens, std::size_t bytes);
  // Gives `piece` the number `id`. Throws Error (with the piece as field) when the id is negative
  // or kMostTokens and more, is taken, or the piece has one already.
  void add(std::int32_t id, std::string_view piece);

  std::int64_t size() const { return static_cast<std::int64_t>(spans_.size()); }  // highest id + 1
  std::int64_t count() const { return count_; }                                   // pieces
  bool contains(std::int64_t id) const {
    return id >= 0 && id < size() && spans_[static_cast<std::size_t>(id)].size != kHole;
  }
  // The lowest id without a piece; size() when there is none.
  std::int64_t first_hole() const;
  // Empty for a hole; `id` is below size().
  std::string_view piece(std::int32_t id) const {
    const Span span = spans_[static_cast<std::size_t>(id)];
    return span.size == kHole ? std::string_view()
                              : std::string_view(bytes_.data() + span.begin, span.size);
  }
  // The id of a piece, -1 when there is none.
  std::int32_t find(std::string_view piece) const;
  // The ids of many pieces: their places in memory are fetched side by side, which makes a file
  // with a hundred thousand merges open several times faster.
  void find(std::span<const std::string_view> pieces, std::span<std::int32_t> ids) const;
  // Asks for the memory that piece(id) will touch: first where it stands, later (after some other
  // work) its text.
  void prefetch(std::int32_t id) const {
    __builtin_prefetch(&spans_[static_cast<std::size_t>(id)]);
  }
  void prefetch_text(std::int32_t id) const {
    __builtin_prefetch(bytes_.data() + spans_[static_cast<std::size_t>(id)].begin);
  }
  // The id of first + second.
  std::int32_t find(std::string_view first, std::string_view second, std::string& buffer) const {
    buffer.assign(first).append(second);
    return find(buffer);
  }

 private:
  static constexpr std::uint32_t kHole = UINT32_MAX;
  struct Span {
    std::uint32_t begin = 0, size = kHole;
  };
  struct Slot {
    std::uint32_t tag = 0;
    std::int32_t id = -1;
  };
  std::size_t slot(std::string_view piece, std::uint64_t hash) const;
  void grow();

  std::string bytes_;
  std::vector<Span> spans_;
  std::vector<Slot> slots_;
  std::int64_t count_ = 0;
  std::uint64_t seed_;
};

}  // namespace bantam::tokenizer
