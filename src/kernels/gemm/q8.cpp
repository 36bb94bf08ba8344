// The exact product: q8_0 weights in strips of 16 outputs, activations quantised on the fly.
#include <cstring>

#include "blocks/format.h"
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/numbers.h"
#include "kernels/gemm/split.h"

namespace bantam {

namespace {

constexpr std::int64_t kGroup = 32, kLanes = 16, kTileRows = 16, kGroupBytes = 512;
constexpr std::int64_t kBlockBytes = 34;  // of q8_0
// Weights and activations of a pass are 16 KiB each and share L1.
constexpr std::int64_t kPassGroups = 32;

// Quantised activations: tiles of 16 rows; in a tile, groups; in a group, rows of 32 bytes.
struct Activations {
  std::int64_t groups, tiles;
  std::int8_t* q;
  float* scales;  // [tile][group][16]
  std::int32_t* sums;

  Activations(Scratch& scratch, std::int64_t m, std::int64_t groups_)
      : groups(groups_), tiles(ceil_div(m, kTileRows)) {
    const auto count = static_cast<std::size_t>(tiles * groups * kTileRows);
    auto* memory = scratch.get<std::byte>(count * (kGroup + 2 * sizeof(float)));
    q = reinterpret_cast<std::int8_t*>(memory);
    scales = reinterpret_cast<float*>(memory + count * kGroup);
    sums = reinterpret_cast<std::int32_t*>(scales + count);
  }
  std::int64_t at(std::int64_t tile, std::int64_t group) const {
    return (tile * groups + group) * kTileRows;
  }
};

struct Product {
  const Exec& exec;
  const Activations& a;
  const PackedQ8& w;
  std::int64_t m;
  const float* bias;
  Into y;
};

// One strip over all rows, groups [g, g + count): sums [tiles * 16][16].
void one_pass(const Product& p, std::int64_t strip, std::int64_t g, std::int64_t count,
              float* sums) {
  for (std::int64_t t = 0; t < p.a.tiles; ++t) {
    const std::int64_t rows = std::min(kTileRows, p.m - t * kTileRows), at = p.a.at(t, g);
    const auto kernel = rows > 8 ? p.exec.kernels.strip_q8_tall : p.exec.kernels.strip_q8;
    kernel({.quants = p.w.quants(strip) + g * kGroupBytes,
            .w_scales = p.w.scales(strip) + g * kLanes,
            .a = p.a.q + at * kGroup,
            .a_scales = p.a.scales + at,
            .a_sums = p.a.sums + at,
            .groups = count,
            .sums = sums + t * kTileRows * kLanes,
            .stride = kLanes,
            .rows = rows,
            .resume = g > 0});
  }
}

// One row of a strip; a constant `columns` makes vectors of it.
inline void write_row(const float* sums, const float* bias, bool add, std::int64_t columns,
                      float* y) {
  float value[kLanes];
  for (std::int64_t c = 0; c < columns; ++c) value[c] = sums[c];
  if (bias != nullptr)
    for (std::int64_t c = 0; c < columns; ++c) value[c] += bias[c];
  if (add)
    for (std::int64_t c = 0; c < columns; ++c) value[c] = y[c] + value[c];
  for (std::int64_t c = 0; c < columns; ++c) y[c] = canonical(value[c]);
}

void write_strip(const Product& p, std::int64_t strip, const float* sums) {
  const std::int64_t j = strip * kLanes, columns = std::min(kLanes, p.w.n() - j);
  const float* bias = p.bias == nullptr ? nullptr : p.bias + j;
  for (std::int64_t r = 0; r < p.m; ++r) {
    float* y = p.y.view.as<float>() + r * p.y.view.stride + j;
    if (columns == kLanes)
      write_row(sums + r * kLanes, bias, p.y.add, kLanes, y);
    else
      write_row(sums + r * kLanes, bias, p.y.add, columns, y);
  }
}

}  // namespace

PackedQ8::PackedQ8(const Exec& exec, const ConstView& w, MemoryBlocks& memory,
                   const PartPacked& done)
    : n_(w.rows()), k_(w.columns()) {
  const auto groups_of_strips = static_cast<std::size_t>(ceil_div(n_, kLanes) * (k_ / kGroup));
  quants_ = memory.take(groups_of_strips * kGroupBytes);
  scales_ = memory.take(groups_of_strips * kLanes * 2);
  if (exec.kernels.empty) return;
  run_tasks(exec, ceil_div(n_, kLanes), n_ * k_ < kSmallWork, [&](std::int64_t strip, unsigned) {
    const std::int64_t columns = std::min(kLanes, n_ - strip * kLanes);
    for (std::int64_t column = 0; column < columns; ++column)
      for (std::int64_t g = 0; g < groups(); ++g) {
        const std::byte* block = w.data + ((strip * kLanes + column) * groups() + g) * kBlockBytes;
        const std::int64_t at = strip * groups() + g;
        std::memcpy(scales_.get() + (at * kLanes + column) * 2, block, 2);
        for (std::int64_t row = 0; row < kGroup / 4; ++row)
          std::memcpy(quants_.get() + at * kGroupBytes + row * 64 + column * 4, block + 2 + 4 * row,
                      4);
      }
    if (done)
      done({w.data + strip * kLanes * groups() * kBlockBytes,
            static_cast<std::size_t>(columns * groups() * kBlockBytes)});
  });
}

const std::uint8_t* PackedQ8::quants(std::int64_t strip) const {
  return reinterpret_cast<const std::uint8_t*>(quants_.get()) + strip * groups() * kGroupBytes;
}

const std::uint16_t* PackedQ8::scales(std::int64_t strip) const {
  return reinterpret_cast<const std::uint16_t*>(scales_.get()) + strip * groups() * kLanes;
}

RowReader PackedQ8::reader() const {
  const auto read = [this](std::int64_t row, std::int64_t count, std::int64_t column,
                           std::int64_t width, float* to) {
    for (std::int64_t n = row; n < row + count; ++n)
      for (std::int64_t k = column; k < column + width; ++k) {
        const std::int64_t strip = n / kLanes, c = n % kLanes, g = k / kGroup;
        const auto q = static_cast<std::int8_t>(
            quants(strip)[g * kGroupBytes + k % kGroup / 4 * 64 + c * 4 + k % 4]);
        *to++ = half_to_float(scales(strip)[g * kLanes + c]) * static_cast<float>(q);
      }
  };
  return {n_, k_, read};
}

void gemm_q8(const Exec& exec, const ConstView& x, const PackedQ8& w, const float* bias, Into y) {
  const std::int64_t m = x.rows(), strips = ceil_div(w.n(), kLanes);
  if (exec.kernels.empty || m == 0 || strips == 0) return;
  const bool small = m * w.n() * w.k() < 4 * kSmallWork;
  const Activations a(exec.scratch.back(), m, w.groups());
  const QuantiseRows quantise{x, a.q, a.scales, a.sums};
  if (m <= kTileRows || small)
    exec.kernels.quantise_rows(quantise, 0, m);  // sooner done than shared
  else
    run_range(exec, exec.kernels.quantise_rows, quantise, m, kTileRows);

  const Product p{exec, a, w, m, bias, y};
  // Few rows: a whole strip in one go, read from end to end. Many: passes whose weights stay in L1
  // for all tiles of rows.
  const std::int64_t pass = a.tiles == 1 ? w.groups() : kPassGroups;
  const std::int64_t size =
      piece(strips, 1, a.tiles == 1 ? strips : 4, 6 * static_cast<std::int64_t>(exec.pool.size()));
  const std::int64_t sums_size = a.tiles * kTileRows * kLanes;
  run_tasks(exec, ceil_div(strips, size), small, [&](std::int64_t task, unsigned worker) {
    const std::int64_t begin = task * size, end = std::min(strips, begin + size);
    auto* sums = exec.scratch[worker].get<float>(static_cast<std::size_t>(size * sums_size));
    if (m > 8) exec.kernels.tiles_begin_q8();
    for (std::int64_t g = 0; g < w.groups(); g += pass)
      for (std::int64_t strip = begin; strip < end; ++strip)
        one_pass(p, strip, g, std::min(pass, w.groups() - g), sums + (strip - begin) * sums_size);
    for (std::int64_t strip = begin; strip < end; ++strip)
      write_strip(p, strip, sums + (strip - begin) * sums_size);
    if (m > 8) exec.kernels.tiles_end();
  });
}

}  // namespace bantam
