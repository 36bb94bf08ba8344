// Weights of block types repacked into strips (blocks.h), and read back.
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "blocks/format.h"
#include "blocks/half.h"
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/split.h"
#include "kernels/memory_size.h"

namespace bantam::kernels {

using namespace layout;

namespace {

using Line = std::uint8_t[kLine];
using GroupRows = Line[8];

// The rows of a group, one code a byte, to their width.
void squeeze(const BlockLayout& layout, const GroupRows& rows, std::uint8_t* out) {
  const auto line = [&](int index, auto&& value) {
    for (std::int64_t i = 0; i < kLine; ++i)
      out[index * kLine + i] = static_cast<std::uint8_t>(value(i));
  };
  const auto four_bits = [&] {
    for (int l = 0; l < 4; ++l)
      line(l, [&](auto i) { return (rows[l][i] & 15) | (rows[l + 4][i] & 15) << 4; });
  };
  const auto two_bits = [&](int first, int shift) {
    for (int l = 0; l < 2; ++l)
      line(first + l, [&](auto i) {
        int bits = 0;
        for (int r = 0; r < 4; ++r) bits |= (rows[4 * l + r][i] >> shift & 3) << 2 * r;
        return bits;
      });
  };
  const auto one_bit = [&](int index, int shift) {
    line(index, [&](auto i) {
      int bits = 0;
      for (int r = 0; r < 8; ++r) bits |= (rows[r][i] >> shift & 1) << r;
      return bits;
    });
  };
  switch (layout.codes) {
    case Codes::bits2: return two_bits(0, 0);
    case Codes::bits3: two_bits(0, 0); return one_bit(2, 2);
    case Codes::bits4:
    case Codes::table4: return four_bits();
    case Codes::bits5: four_bits(); return one_bit(4, 4);
    case Codes::bits6: four_bits(); return two_bits(4, 4);
    default: std::memcpy(out, rows, sizeof rows);
  }
}

// Where numbers are those of a table: q to its place there, by q's byte.
std::array<std::uint8_t, 256> codes_by_byte(const BlockLayout& layout) {
  std::array<std::uint8_t, 256> code{};
  if (layout.table != nullptr)
    for (int c = 15; c >= 0; --c)
      code[static_cast<std::uint8_t>(layout.table[c])] = static_cast<std::uint8_t>(c);
  return code;
}

// The codes that stand for a group's numbers.
void encode(const BlockLayout& layout, const std::int8_t* q,
            const std::array<std::uint8_t, 256>& code, std::uint8_t* codes) {
  if (layout.table != nullptr)
    for (std::int64_t i = 0; i < kGroup; ++i) codes[i] = code[static_cast<std::uint8_t>(q[i])];
  else  // apart, as vectors can do this
    for (std::int64_t i = 0; i < kGroup; ++i)
      codes[i] = static_cast<std::uint8_t>(q[i] - layout.lowest);
}

// Where the parts of one strip go.
struct Strip {
  const BlockLayout& layout;
  std::byte* codes;
  std::byte* scales;
  std::byte* subs;

  // Number `number` of output `column` in record `record`: d, or dmin.
  void scale(std::int64_t record, std::int64_t column, int number, float value) const {
    std::byte* to = scales + record * layout.scale_bytes();
    if (layout.wide) {
      std::memcpy(to + (number * kStrip + column) * 4, &value, 4);
    } else {
      const std::uint16_t half = float_to_half(value / layout.unit);
      std::memcpy(to + (number * kStrip + column) * 2, &half, 2);
    }
  }
  // Byte `number` of a group's record: its subs, then its ms.
  void sub(std::int64_t group, std::int64_t column, int number, int value) const {
    subs[group * layout.sub_bytes() + number * kStrip + column] = static_cast<std::byte>(value);
  }
};

// The block of one output that begins with `group`: its scales are put in place, its codes into the
// rows of its groups.
void place(const Strip& strip, const BlockIntegers& block, std::int64_t groups, std::int64_t group,
           std::int64_t column, const std::array<std::uint8_t, 256>& code, GroupRows* rows) {
  const BlockLayout& l = strip.layout;
  const std::int64_t per_record = std::int64_t{1} << l.scale_shift;
  for (std::int64_t g = 0; g < groups; g += per_record) {
    strip.scale((group + g) / per_record, column, 0, block.d);
    if (l.minimum) strip.scale((group + g) / per_record, column, 1, block.dmin);
  }
  for (std::int64_t g = 0; g < groups; ++g) {
    for (int part = 0; part < l.parts; ++part) {
      strip.sub(group + g, column, part, block.sub[2 * g + part]);
      if (l.minimum) strip.sub(group + g, column, l.parts + part, block.m[2 * g + part]);
    }
    std::uint8_t codes[kGroup];
    encode(l, block.q + g * kGroup, code, codes);
    for (std::int64_t r = 0; r < 8; ++r) std::memcpy(rows[g][r] + 4 * column, codes + 4 * r, 4);
  }
}

}  // namespace

BlockLayout layout_of(const Packing& p) {
  BlockLayout l;
  constexpr Codes kByBits[] = {Codes::bits8, Codes::bits8, Codes::bits2, Codes::bits3, Codes::bits4,
                               Codes::bits5, Codes::bits6, Codes::bits8, Codes::bits8};
  l.codes = p.table != nullptr ? Codes::table4 : kByBits[p.bits];
  l.table = p.table;
  l.lowest = l.codes == Codes::bits8 || p.table != nullptr ? 0 : p.lowest;
  l.code_bytes = l.codes == Codes::bits8 ? kGroupBytes : p.bits * kLine;
  l.scale_shift = std::countr_zero(static_cast<unsigned>(p.scale_group / kGroup));
  l.parts = p.sub_group == 0 ? 0 : static_cast<int>(kGroup) / p.sub_group;
  l.minimum = p.minimum;
  l.wide = p.unit == 0;
  l.unit = l.wide ? 1 : p.unit;
  return l;
}

PackedSize packed_size(const BlockLayout& layout, std::int64_t n, std::int64_t k) {
  const std::int64_t strips = ceil_div(n, kStrip), groups = k / kGroup;
  return {strips * groups * layout.code_bytes,
          strips * (groups >> layout.scale_shift) * layout.scale_bytes(),
          strips * groups * layout.sub_bytes()};
}

PackedSize packed_size(Type type, std::int64_t n, std::int64_t k) {
  return packed_size(layout_of(format(type).packing), n, k);
}

PackedBlocks::PackedBlocks(const Exec& exec, const ConstView& w, MemoryBlocks& memory,
                           const PartPacked& done)
    : n_(w.rows()), k_(w.columns()), layout_(layout_of(format(w.type).packing)) {
  const std::int64_t strips = ceil_div(n_, kStrip), records = groups() >> layout_.scale_shift;
  const PackedSize size = packed_size(layout_, n_, k_);
  const auto take = [&](std::int64_t bytes) { return memory.take(static_cast<std::size_t>(bytes)); };
  codes_ = take(size.codes);
  scales_ = take(size.scales);
  if (layout_.parts > 0) subs_ = take(size.subs);
  if (exec.kernels.empty) return;
  const Format& from = format(w.type);
  const std::int64_t row_bytes = from.bytes(k_), in_block = from.block / kGroup;
  const std::array<std::uint8_t, 256> code = codes_by_byte(layout_);
  run_tasks(exec, strips, n_ * k_ < kSmallWork, [&](std::int64_t s, unsigned) {
    const std::int64_t columns = std::min(kStrip, n_ - s * kStrip);
    const Strip strip{layout_, codes_.get() + s * groups() * layout_.code_bytes,
                      scales_.get() + s * records * layout_.scale_bytes(),
                      subs_.get() + s * groups() * layout_.sub_bytes()};
    BlockIntegers block;
    GroupRows rows[kMostBlock / kGroup] = {};
    for (std::int64_t g = 0; g < groups(); g += in_block) {
      for (std::int64_t c = 0; c < columns; ++c) {
        from.integers(w.data + (s * kStrip + c) * row_bytes + g / in_block * from.block_bytes,
                      block);
        place(strip, block, in_block, g, c, code, rows);
      }
      for (std::int64_t i = 0; i < in_block; ++i)
        squeeze(layout_, rows[i],
                reinterpret_cast<std::uint8_t*>(strip.codes) + (g + i) * layout_.code_bytes);
    }
    if (done)
      done({w.data + s * kStrip * row_bytes, static_cast<std::size_t>(columns * row_bytes)});
  });
}

StripWeights PackedBlocks::at(std::int64_t strip, std::int64_t group) const {
  const std::int64_t first = strip * groups();
  const std::byte* subs = subs_ ? subs_.get() + (first + group) * layout_.sub_bytes() : nullptr;
  return {layout_,
          reinterpret_cast<const std::uint8_t*>(codes_.get()) +
              (first + group) * layout_.code_bytes,
          scales_.get() + ((first + group) >> layout_.scale_shift) * layout_.scale_bytes(),
          reinterpret_cast<const std::int8_t*>(subs)};
}

namespace {

// One output's group of numbers: d sub q - dmin m, as the format decodes them.
void read_group(const StripWeights& w, const std::uint8_t* rows, std::int64_t group,
                std::int64_t column, float* to) {
  const BlockLayout& l = w.layout;
  const auto scale = [&](int number) {
    const std::byte* from = w.scales + (group >> l.scale_shift) * l.scale_bytes();
    const std::int64_t at = number * kStrip + column;
    if (l.wide) return reinterpret_cast<const float*>(from)[at];
    return l.unit * half_to_float(reinterpret_cast<const std::uint16_t*>(from)[at]);
  };
  const std::int8_t* subs = w.subs + group * l.sub_bytes() + column;
  for (std::int64_t part = 0; part < 2; ++part) {
    const std::int64_t own = l.parts == 2 ? part : 0;
    float d = scale(0), minimum = l.minimum ? scale(1) : 0.0f;
    if (l.parts > 0) d *= static_cast<float>(subs[own * kStrip]);
    if (l.parts > 0 && l.minimum) minimum *= static_cast<float>(subs[(l.parts + own) * kStrip]);
    for (std::int64_t i = 0; i < kGroup / 2; ++i) {
      const std::int64_t k = part * kGroup / 2 + i;
      const auto q = static_cast<std::int8_t>(rows[k / 4 * kLine + column * 4 + k % 4]);
      to[k] = d * static_cast<float>(q) - minimum;
    }
  }
}

}  // namespace

RowReader PackedBlocks::reader(const Kernels& kernels) const {
  // A strip at a time, as far as its rows are wanted.
  const auto read = [this, unpack = kernels.unpack_codes](
                        std::int64_t row, std::int64_t count, std::int64_t column,
                        std::int64_t width, float* to) {
    for (std::int64_t s = row / kStrip; s * kStrip < row + count; ++s) {
      const std::int64_t first = std::max(row, s * kStrip),
                         end = std::min(row + count, (s + 1) * kStrip);
      const StripWeights w = at(s, 0);
      for (std::int64_t g = column / kGroup; g * kGroup < column + width; ++g) {
        alignas(kLine) std::uint8_t rows[kGroupBytes];
        unpack({w.layout, w.codes + g * w.layout.code_bytes, 1, rows});
        for (std::int64_t n = first; n < end; ++n)
          read_group(w, rows, g, n - s * kStrip, to + (n - row) * width + g * kGroup - column);
      }
    }
  };
  return {n_, k_, read};
}

}  // namespace bantam::kernels
