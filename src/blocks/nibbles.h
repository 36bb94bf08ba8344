// Codes of four bits, two to a byte: element i in the low half of byte i, element `bytes` + i in
// its high half.
#pragma once

#include <cstddef>
#include <cstdint>

namespace bantam {

// q = code + lowest.
inline void read_nibbles(const std::byte* from, std::int64_t bytes, int lowest, std::int8_t* q) {
  for (std::int64_t i = 0; i < bytes; ++i) {
    const int byte = std::to_integer<int>(from[i]);
    q[i] = static_cast<std::int8_t>((byte & 15) + lowest);
    q[bytes + i] = static_cast<std::int8_t>((byte >> 4) + lowest);
  }
}

inline void write_nibbles(const std::int8_t* q, std::int64_t bytes, int lowest, std::byte* to) {
  for (std::int64_t i = 0; i < bytes; ++i)
    to[i] = static_cast<std::byte>((q[i] - lowest) | (q[bytes + i] - lowest) << 4);
}

}  // namespace bantam
