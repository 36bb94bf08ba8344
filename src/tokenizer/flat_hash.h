// Open-addressing tables for vocabularies: no allocation per entry, one probe in the usual case.
// Their hash is seeded per table, so that a file cannot be made to collide.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/rooms.h"

namespace bantam::tokenizer {

// A number that no file can know in advance.
std::uint64_t hash_seed();

__extension__ using Wide = unsigned __int128;

inline std::uint64_t mix64(std::uint64_t a, std::uint64_t b) {
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

inline std::uint64_t load64(const char* from) {
  std::uint64_t value;
  std::memcpy(&value, from, 8);
  return value;
}

inline std::uint32_t load32(const char* from) {
  std::uint32_t value;
  std::memcpy(&value, from, 4);
  return value;
}

// Reads inside the text alone, the last words of it overlapping (as in wangyi-fudan/wyhash).
inline std::uint64_t hash_bytes(std::string_view text, std::uint64_t seed) {
  constexpr std::uint64_t kOdd = 0x9E3779B97F4A7C15u;
  const char* at = text.data();
  std::size_t left = text.size();
  std::uint64_t a = 0, b = 0;
  if (left > 16) {
    std::uint64_t hash = seed;
    for (; left > 16; left -= 16, at += 16) hash = mix64(load64(at) ^ kOdd, load64(at + 8) ^ hash);
    seed = hash;
    a = load64(at + left - 16);
    b = load64(at + left - 8);
  } else if (left >= 8) {
    a = load64(at);
    b = load64(at + left - 8);
  } else if (left >= 4) {
    a = load32(at);
    b = load32(at + left - 4);
  } else if (left > 0) {
    const auto byte = [at](std::size_t i) {
      return std::uint64_t{static_cast<unsigned char>(at[i])};
    };
    a = byte(0) << 16 | byte(left / 2) << 8 | byte(left - 1);
  }
  return mix64(kOdd ^ text.size(), mix64(a ^ kOdd, b ^ seed));
}

// Pairs of ids to a rank and an id: the merges of a BPE.
class PairMap {
 public:
  struct Value {
    std::uint32_t rank = UINT32_MAX;  // UINT32_MAX: there is no such pair
    std::int32_t merged = -1;
  };

  PairMap() : seed_(hash_seed() | 1) {}
  explicit PairMap(std::size_t count) : seed_(hash_seed() | 1) { reserve(count); }

  void reserve(std::size_t count) {
    slots_.assign(std::bit_ceil(count + count / 2 + 2), Slot{});
    shift_ = 64 - std::countr_zero(slots_.size());
  }
  // At most `count` of the constructor. An existing pair keeps its value unless `replace`; returns
  // whether the pair was new.
  bool insert(std::int32_t left, std::int32_t right, Value value, bool replace = false) {
    Slot& slot = slots_[index(key(left, right))];
    const bool fresh = slot.key == kEmpty;
    if (fresh || replace) slot = {key(left, right), value};
    return fresh;
  }
  void prefetch(std::int32_t left, std::int32_t right) const {
    __builtin_prefetch(&slots_[first(key(left, right))]);
  }
  Value find(std::int32_t left, std::int32_t right) const {
    if (slots_.empty()) return {};
    const Slot& slot = slots_[index(key(left, right))];
    return slot.value;  // an empty slot holds "no such pair"
  }

 private:
  static constexpr std::uint64_t kEmpty = UINT64_MAX;  // ids are not negative
  struct Slot {
    std::uint64_t key = kEmpty;
    Value value;
  };
  static std::uint64_t key(std::int32_t left, std::int32_t right) {
    return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 |
           static_cast<std::uint32_t>(right);
  }
  std::size_t first(std::uint64_t wanted) const {
    return static_cast<std::size_t>(((wanted ^ wanted >> 32) * seed_) >> shift_);
  }
  // Where the key stands, or the empty slot where it would.
  std::size_t index(std::uint64_t wanted) const {
    std::size_t at = first(wanted);
    while (slots_[at].key != wanted && slots_[at].key != kEmpty)
      at = (at + 1) & (slots_.size() - 1);
    return at;
  }

  std::vector<Slot> slots_;
  std::uint64_t seed_;
  int shift_ = 0;
};

}  // namespace bantam::tokenizer
