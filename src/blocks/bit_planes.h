// Codes that are kept in pieces: four bits two to a byte, two bits four to a byte, single bits
// apart. Reading sets or adds to q, writing expects zeroed bytes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/rooms.h"

namespace bantam::blocks {

// Four bits: element i in the low half of byte i, element `bytes` + i in its high half.
inline void read_nibbles(const std::byte* from, std::int64_t bytes, std::int8_t* q) {
  for (std::int64_t i = 0; i < bytes; ++i) {
    const int byte = std::to_integer<int>(from[i]);
    q[i] = static_cast<std::int8_t>(byte & 15);
    q[bytes + i] = static_cast<std::int8_t>(byte >> 4);
  }
}
// The low four bits of each code.
inline void write_nibbles(const std::int8_t* codes, std::int64_t bytes, std::byte* to) {
  for (std::int64_t i = 0; i < bytes; ++i)
    to[i] = static_cast<std::byte>((codes[i] & 15) | (codes[bytes + i] & 15) << 4);
}

// `bits` (1 or 2) of each of `count` codes over `bytes` bytes: element i in byte i % bytes, the
// first `bytes` elements lowest; `bytes` * 8 / bits of them fill the bytes, then the next follow.
inline void add_planes(const std::byte* from, std::int64_t bytes, int bits, int weight,
                       std::int64_t count, std::int8_t* q) {
  const int mask = (1 << bits) - 1;
  for (int shift = 0; count > 0; q += bytes, count -= bytes, shift += bits) {
    if (shift == 8) {
      shift = 0;
      from += bytes;
    }
    const std::int64_t here = count < bytes ? count : bytes;
    for (std::int64_t i = 0; i < here; ++i)
      q[i] = static_cast<std::int8_t>(q[i] + weight * (std::to_integer<int>(from[i]) >> shift & mask));
  }
}
// The bits above `shift` of each code, where they belong.
inline void write_planes(const std::int8_t* codes, std::int64_t count, int shift, int bits,
                         std::int64_t bytes, std::byte* to) {
  const std::int64_t run = bytes * 8 / bits;
  const int mask = (1 << bits) - 1;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t at = i % run;
    to[i / run * bytes + at % bytes] |=
        static_cast<std::byte>((codes[i] >> shift & mask) << (static_cast<int>(at / bytes) * bits));
  }
}

// q += by, for codes that are kept without a sign.
inline void shift_codes(std::int8_t* q, std::int64_t count, int by) {
  for (std::int64_t i = 0; i < count; ++i) q[i] = static_cast<std::int8_t>(q[i] + by);
}

}  // namespace bantam::blocks
