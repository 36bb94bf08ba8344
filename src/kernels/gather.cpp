#include "kernels/gather.h"

#include <bit>
#include <cstring>

#include "blocks/format.h"

namespace bantam::kernels {

namespace {

float widen(std::uint16_t bf16) { return std::bit_cast<float>(std::uint32_t{bf16} << 16); }

// A block format decodes whole blocks, so rows go by pieces through a small buffer.
constexpr std::int64_t kPiece = 256;

void gather(const GatherArgs& a, std::int64_t begin, std::int64_t end) noexcept {
  const Format& from = format(a.table.type);
  const Format& to = format(a.y.type);
  const std::int64_t columns = a.y.columns(), row_bytes = from.bytes(a.table.stride);
  for (std::int64_t t = begin; t < end; ++t) {
    const std::byte* row = a.table.data + a.ids[t] * row_bytes;
    std::byte* out = a.y.data + to.bytes(t * a.y.stride);
    if (from.type == to.type) {
      std::memcpy(out, row, static_cast<std::size_t>(to.bytes(columns)));
      continue;
    }
    for (std::int64_t c = 0; c < columns; c += kPiece) {
      const std::int64_t count = columns - c < kPiece ? columns - c : kPiece;
      float piece[kPiece];
      from.decode(row + from.bytes(c), piece, count);
      to.encode(piece, out + to.bytes(c), count);
    }
  }
}

void scatter_add(const ScatterAddArgs& a, std::int64_t begin, std::int64_t end) noexcept {
  const std::int64_t rows = a.dy.rows();
  for (std::int64_t t = 0; t < rows; ++t) {
    float* to = a.dtable + a.ids[t] * a.dtable_stride;
    if (a.dy.type == Type::f32) {
      const float* from = a.dy.as<float>() + t * a.dy.stride;
      for (std::int64_t c = begin; c < end; ++c) to[c] += from[c];
    } else {
      const std::uint16_t* from = a.dy.as<std::uint16_t>() + t * a.dy.stride;
      for (std::int64_t c = begin; c < end; ++c) to[c] += widen(from[c]);
    }
  }
}

}  // namespace

void fill_gather(Kernels& kernels) {
  kernels.gather = gather;
  kernels.scatter_add = scatter_add;
}

}  // namespace bantam::kernels
