// The encoders that types of 32 elements under one scale share; how they store codes is their own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/rooms.h"
#include "blocks/format.h"
#include "blocks/one_rounding.h"
#include "blocks/search.h"

namespace bantam::blocks {

// x = d q with q in [lowest, -lowest - 1]. `store` may change q.
template <void (*store)(float d, std::int8_t* q, std::byte* block), int lowest, std::int64_t bytes>
struct SymmetricEncoder {
  static constexpr std::int64_t kBlock = 32;

  static void encode(const float* from, std::byte* to, std::int64_t count) {
    std::int8_t q[kBlock];
    for (std::int64_t i = 0; i < count; i += kBlock, to += bytes) {
      const float d = round_symmetric(from + i, kBlock, lowest, q);
      store(d, q, to);
    }
  }
  static void encode_weighted(const float* from, const float* importance, std::byte* to,
                              std::int64_t count) {
    constexpr BlockShape kShape{.elements = kBlock, .lowest = lowest, .highest = -lowest - 1};
    BlockIntegers block;
    for (std::int64_t i = 0; i < count; i += kBlock, to += bytes) {
      fit_block(kShape, from + i, importance + i, block);
      store(block.d, block.q, to);
    }
  }
};

// x = d q + minimum with q in [0, highest].
template <void (*store)(float d, float minimum, const std::int8_t* q, std::byte* block),
          int highest, std::int64_t bytes>
struct AffineEncoder {
  static constexpr std::int64_t kBlock = 32;

  static void encode(const float* from, std::byte* to, std::int64_t count) {
    std::int8_t q[kBlock];
    for (std::int64_t i = 0; i < count; i += kBlock, to += bytes) {
      const ScaleAndMinimum s = round_affine(from + i, kBlock, highest, q);
      store(s.d, s.minimum, q, to);
    }
  }
  static void encode_weighted(const float* from, const float* importance, std::byte* to,
                              std::int64_t count) {
    BlockIntegers block;
    for (std::int64_t i = 0; i < count; i += kBlock, to += bytes) {
      fit_affine_block({.elements = kBlock, .highest = highest}, from + i, importance + i, block);
      store(block.d, -block.dmin, block.q, to);
    }
  }
};

// The fifth bits of 32 codes, bit i of a word that of code i.
inline void add_fifth_bits(const std::byte* from, std::int8_t* q) {
  std::uint32_t high;
  std::memcpy(&high, from, sizeof high);
  for (int i = 0; i < 32; ++i)
    q[i] = static_cast<std::int8_t>(q[i] + static_cast<int>((high >> i & 1) << 4));
}
inline void write_fifth_bits(const std::int8_t* q, std::byte* to) {
  std::uint32_t high = 0;
  for (int i = 0; i < 32; ++i) high |= static_cast<std::uint32_t>(q[i] >> 4) << i;
  std::memcpy(to, &high, sizeof high);
}

}  // namespace bantam::blocks
