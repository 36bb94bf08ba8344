// How weights of block types lie in memory for their products: the one place that says it. What a
// type needs is told by its Packing (blocks/format.h); nothing here knows types.
//
// Outputs go by strips of 16; in a strip, groups of 32 k; in a group, 8 rows: row r holds the
// codes of k = 4r .. 4r+3 for each of the 16 outputs, four side by side (64 codes). By the width of
// a code:
//
//   8 bits   8 lines of 64 bytes, a row each: the numbers themselves, signed
//   4 bits   4 lines: line i has row i in its low halves, row i + 4 in its high halves
//   5 bits   those 4 lines of the low four bits, then a line of fifth bits: bit r belongs to row r
//   6 bits   those 4 lines, then 2 lines of two bits: bits 2i, 2i+1 of line l belong to row 4l + i
//   2 bits   2 lines of two bits, as these
//   3 bits   2 lines of two bits, then a line of third bits: bit r belongs to row r
//
// A line is one tile row, one vector, one cache line. Apart from the codes lie the scales (a record
// each 32 or 256 k: 16 d, then 16 dmin if there are minima; half precision, or float32 where that
// is too narrow) and the sub-scales (a record each 32 k: 16 bytes for each sub-group of it, then 16
// bytes of m for each).
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/rooms.h"
#include "blocks/format.h"

namespace bantam::kernels {

namespace layout {
inline constexpr std::int64_t kGroup = 32;       // k under one scale of the activations
inline constexpr std::int64_t kStrip = 16;       // outputs side by side
inline constexpr std::int64_t kTileRows = 16;    // activation rows side by side
inline constexpr std::int64_t kLine = 64;        // bytes
inline constexpr std::int64_t kGroupBytes = 512;  // of codes of 8 bits
}  // namespace layout

// How a code is read. The last two are for a while, in L1: codes of up to 5 or 6 bits, from 0 on, in
// a byte each and in the lines of 8 bits. Sums of several of their products fit 16 bits.
enum class Codes : std::uint8_t { bits2, bits3, bits4, table4, bits5, bits6, bits8, byte5, byte6 };

struct BlockLayout {
  Codes codes = Codes::bits8;
  std::int32_t lowest = 0;             // of codes that are not signed: q = code + lowest
  const std::int8_t* table = nullptr;  // of 16 numbers
  std::int64_t code_bytes = layout::kGroupBytes;  // of a group
  int scale_shift = 0;                 // 1 << scale_shift groups under one record of scales
  int parts = 0;                       // sub-groups in a group: 0 (no sub-scales), 1, 2
  bool minimum = false;
  bool wide = false;                   // scales are float32
  float unit = 1;                      // d = unit * what is kept

  // A scale of half precision for each group, and nothing else.
  bool plain() const { return parts == 0 && !minimum && !wide && unit == 1 && scale_shift == 0; }
  std::int64_t scale_bytes() const { return (wide ? 64 : 32) * (minimum ? 2 : 1); }
  std::int64_t sub_bytes() const { return layout::kStrip * parts * (minimum ? 2 : 1); }
  // Whether codes are numbers from `lowest` on, not bytes or places in a table.
  bool narrow() const { return codes != Codes::bits8 && table == nullptr; }
  // The same scales over the numbers as bytes; `as_codes`: over codes in a byte each, if narrow.
  BlockLayout unpacked(bool as_codes) const {
    BlockLayout eight = *this;
    eight.code_bytes = layout::kGroupBytes;
    if (as_codes && narrow()) {
      eight.codes = codes == Codes::bits6 ? Codes::byte6 : Codes::byte5;
      return eight;
    }
    eight.codes = Codes::bits8;
    eight.lowest = 0;
    eight.table = nullptr;
    return eight;
  }
};

BlockLayout layout_of(const Packing& packing);

}  // namespace bantam::kernels
