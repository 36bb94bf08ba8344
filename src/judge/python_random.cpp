#include "judge/python_random.h"

#include <algorithm>
#include <bit>
#include <unordered_set>

namespace bantam::judge {

// init_by_array of the generator's authors (mt19937ar.c), with the words of the seed as the key.
PythonRandom::PythonRandom(std::uint64_t seed) {
  std::vector<std::uint32_t> key{static_cast<std::uint32_t>(seed)};
  if (seed >> 32) key.push_back(static_cast<std::uint32_t>(seed >> 32));
  state_[0] = 19650218;
  for (std::uint32_t i = 1; i < 624; ++i)
    state_[i] = 1812433253u * (state_[i - 1] ^ (state_[i - 1] >> 30)) + i;
  std::size_t i = 1, j = 0;
  const auto mixed = [&] { return state_[i - 1] ^ (state_[i - 1] >> 30); };
  const auto step = [&] {
    if (++i == 624) {
      state_[0] = state_[623];
      i = 1;
    }
  };
  for (int n = 0; n < 624; ++n) {
    state_[i] = (state_[i] ^ (mixed() * 1664525u)) + key[j] + static_cast<std::uint32_t>(j);
    step();
    j = (j + 1) % key.size();
  }
  for (int n = 0; n < 623; ++n) {
    state_[i] = (state_[i] ^ (mixed() * 1566083941u)) - static_cast<std::uint32_t>(i);
    step();
  }
  state_[0] = 0x80000000u;
}

void PythonRandom::renew() {
  for (std::size_t k = 0; k < 624; ++k) {
    const std::uint32_t y =
        (state_[k] & 0x80000000u) | (state_[(k + 1) % 624] & 0x7fffffffu);
    state_[k] = state_[(k + 397) % 624] ^ (y >> 1) ^ (y & 1 ? 0x9908b0dfu : 0);
  }
  at_ = 0;
}

std::uint32_t PythonRandom::word() {
  if (at_ == 624) renew();
  std::uint32_t y = state_[at_++];
  y ^= y >> 11;
  y ^= (y << 7) & 0x9d2c5680u;
  y ^= (y << 15) & 0xefc60000u;
  return y ^ (y >> 18);
}

std::uint32_t PythonRandom::below(std::uint32_t n) {
  const int shift = std::countl_zero(n);
  for (;;)
    if (const std::uint32_t r = word() >> shift; r < n) return r;
}

double PythonRandom::real() {
  const std::uint32_t a = word() >> 5, b = word() >> 6;
  return (a * 67108864.0 + b) / 9007199254740992.0;
}

std::vector<std::size_t> PythonRandom::sample(std::size_t n, std::size_t k) {
  // 4 to the power ceil(log4(3 k)): random.py's guess of when a list is smaller than a set.
  std::size_t small = 21;
  if (k > 5) {
    std::size_t power = 1;
    while (power < 3 * k) power *= 4;
    small += power;
  }
  std::vector<std::size_t> out;
  if (n <= small) {
    std::vector<std::size_t> pool(n);
    for (std::size_t i = 0; i < n; ++i) pool[i] = i;
    for (std::size_t i = 0; i < k; ++i) {
      const std::size_t j = below(static_cast<std::uint32_t>(n - i));
      out.push_back(pool[j]);
      pool[j] = pool[n - i - 1];
    }
    return out;
  }
  std::unordered_set<std::size_t> taken;
  while (out.size() < k) {
    const std::size_t j = below(static_cast<std::uint32_t>(n));
    if (taken.insert(j).second) out.push_back(j);
  }
  return out;
}

}  // namespace bantam::judge
