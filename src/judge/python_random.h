// Python's random numbers, to the bit: which examples stand before a question in the field's harness
// is decided by them. MT19937 of Matsumoto & Nishimura (1998), seeded as CPython's random.seed(int)
// does, and the ways of random.py to draw from it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/rooms.h"

namespace bantam::judge {

class PythonRandom {
 public:
  explicit PythonRandom(std::uint64_t seed);

  std::uint32_t word();  // getrandbits(32)
  // From 0 to n - 1, n from 1 to 2^32 - 1.
  std::uint32_t below(std::uint32_t n);
  // random(): from 0 to 1, 53 bits.
  double real();
  // random.sample(range(n), k), k at most n.
  std::vector<std::size_t> sample(std::size_t n, std::size_t k);

 private:
  void renew();
  std::array<std::uint32_t, 624> state_;
  std::size_t at_ = 624;
};

}  // namespace bantam::judge
