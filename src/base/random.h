// Counter-based random numbers: the value depends on (seed, stream, index) alone, so any thread may
// draw any number and a resumed run continues without saved state.
#pragma once

#include <cstdint>

#include "base/rooms.h"

namespace bantam::base {

// The finaliser of SplitMix64 (Steele, Lea & Flood 2014, "Fast splittable pseudorandom number
// generators", section 5), a bijection with good avalanche.
constexpr std::uint64_t mix64(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

class Random {
 public:
  constexpr Random(std::uint64_t seed, std::uint64_t stream)
      : key_(mix64(mix64(seed + 0x9e3779b97f4a7c15u) ^ (stream + 0xd1b54a32d192ed03u))) {}

  // The number at `index`: 64 random bits.
  constexpr std::uint64_t bits(std::uint64_t index) const {
    return mix64(key_ + index * 0x9e3779b97f4a7c15u);
  }
  // In [0, bound), without bias that matters: the high half of a 64 x 64 bit product.
  constexpr std::uint64_t below(std::uint64_t index, std::uint64_t bound) const {
    return static_cast<std::uint64_t>((static_cast<Wide>(bits(index)) * bound) >> 64);
  }
  // In [0, 1), a multiple of 2^-53.
  constexpr double uniform(std::uint64_t index) const {
    return static_cast<double>(bits(index) >> 11) * 0x1p-53;
  }

 private:
  __extension__ using Wide = unsigned __int128;
  std::uint64_t key_;
};

}  // namespace bantam::base
