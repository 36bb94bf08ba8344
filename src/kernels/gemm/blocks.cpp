// The int8 product: weights of block types in strips of 16 outputs, activations quantised on the
// fly.
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/numbers.h"
#include "kernels/gemm/split.h"
#include "kernels/memory_size.h"

namespace bantam::kernels {

using namespace layout;

namespace {

// Weights and activations of a pass are 16 KiB each and share L1.
constexpr std::int64_t kPassGroups = 32;
// A few more where that saves a second pass over the sums: worth more than what L1 then lacks.
constexpr std::int64_t kMostGroups = 40;
constexpr std::int64_t kFewRows = 8;

// Quantised activations (QuantiseRows in kernels.h).
struct Activations {
  std::int64_t groups, tiles;
  std::int8_t* q;
  std::int8_t* q_low;  // null: one plane
  float* scales;       // [tile][group][16], as the sums
  std::int32_t* sums;
  std::int32_t* firsts;

  // `more`: further lists of a number for each row and group, behind `firsts`.
  Activations(Scratch& scratch, std::int64_t m, std::int64_t groups_, Planes planes, std::size_t more)
      : groups(groups_), tiles(ceil_div(m, kTileRows)) {
    const std::int64_t count = tiles * groups * kTileRows, low = planes == Planes::two ? kGroup : 0;
    auto* memory = scratch.get<std::byte>(static_cast<std::size_t>(
        rounded_rows_size(m, groups * kGroup, planes) + count * 4 * static_cast<std::int64_t>(more)));
    q = reinterpret_cast<std::int8_t*>(memory);
    q_low = low > 0 ? q + count * kGroup : nullptr;
    scales = reinterpret_cast<float*>(memory + count * (kGroup + low));
    sums = reinterpret_cast<std::int32_t*>(scales + count);
    firsts = sums + count;
  }
  std::int64_t at(std::int64_t tile, std::int64_t group) const {
    return (tile * groups + group) * kTileRows;
  }
};

struct Product {
  const Exec& exec;
  const Activations& a;
  const PackedBlocks& w;
  std::int64_t m;
  const float* bias;
  Into y;
  const std::int32_t* starts;  // [tile][group][16], where strip_tall takes them

  // Whether codes are taken as they lie, whole strips from end to end.
  bool few() const {
    return m <= (w.layout().narrow() ? exec.kernels.narrow_rows : kFewRows);
  }
};

// Whole strips for few rows, whose codes are taken as they lie: sums [strips][tile][16][16]. Rows of one tile
// take all strips in one go; more of them a strip at a time, which the other tiles find in the cache.
void few_rows(const Product& p, std::int64_t begin, std::int64_t end, float* sums) {
  const Activations& a = p.a;
  const std::int64_t together = a.tiles == 1 ? end - begin : 1;
  for (std::int64_t strip = begin; strip < end; strip += together)
    for (std::int64_t t = 0; t < a.tiles; ++t, sums += kTileRows * kStrip) {
      const std::int64_t at = a.at(t, 0);
      p.exec.kernels.strip({.w = p.w.at(strip, 0),
                            .a = a.q + at * kGroup,
                            .a_low = a.q_low == nullptr ? nullptr : a.q_low + at * kGroup,
                            .a_scales = a.scales + at,
                            .a_sums = a.sums + at,
                            .a_firsts = a.firsts + at,
                            .groups = p.w.groups(),
                            .sums = sums,
                            .stride = kStrip,
                            .rows = std::min(kTileRows, p.m - t * kTileRows),
                            .resume = false,
                            .strips = together,
                            .fetch = t == 0});
    }
}

// The same for a tile of more rows, with codes in bytes, where strip_tall takes several strips.
void tile_of_rows(const Product& p, std::int64_t begin, std::int64_t end, float* sums) {
  const StripWeights w = p.w.at(begin, 0);
  p.exec.kernels.strip_tall({.w = w,
                             .a = p.a.q,
                             .a_low = p.a.q_low,
                             .a_scales = p.a.scales,
                             .a_sums = p.a.sums,
                             .a_firsts = p.a.firsts,
                             .groups = p.w.groups(),
                             .sums = sums,
                             .stride = kStrip,
                             .rows = p.m,
                             .resume = false,
                             .strips = end - begin,
                             .fetch = true,
                             .a_starts = p.starts});
}

// Where sums of strips are: rows lie `stride` apart, strips `strip_step`.
struct Sums {
  float* at;
  std::int64_t stride, strip_step;
};

// `strips` strips (one, or two where strip_tall takes both) over all of many rows, groups
// [g, g + count). Narrow codes are unpacked once, for all tiles.
void one_pass(const Product& p, std::int64_t strip, std::int64_t strips, std::int64_t g,
              std::int64_t count, std::uint8_t* room, const Sums& sums) {
  StripWeights w = p.w.at(strip, g);
  std::int64_t codes_step = p.w.groups() * w.layout.code_bytes;
  const bool unpacked = w.layout.codes != Codes::bits8;
  if (unpacked) {
    const bool as_codes = p.exec.kernels.tall_as_codes && w.layout.narrow();
    for (std::int64_t s = 0; s < strips; ++s)
      p.exec.kernels.unpack_codes({w.layout, w.codes + s * codes_step, count,
                                   room + s * count * kGroupBytes, as_codes});
    w.codes = room;
    w.layout = w.layout.unpacked(as_codes);
    codes_step = count * kGroupBytes;
  }
  for (std::int64_t t = 0; t < p.a.tiles; ++t) {
    const std::int64_t rows = std::min(kTileRows, p.m - t * kTileRows), at = p.a.at(t, g);
    StripBlock block{.w = w,
                     .a = p.a.q + at * kGroup,
                     .a_low = p.a.q_low == nullptr ? nullptr : p.a.q_low + at * kGroup,
                     .a_scales = p.a.scales + at,
                     .a_sums = p.a.sums + at,
                     .a_firsts = p.a.firsts + at,
                     .groups = count,
                     .sums = sums.at + t * kTileRows * sums.stride,
                     .stride = sums.stride,
                     .rows = rows,
                     .resume = g > 0,
                     .strips = strips,
                     .fetch = t == 0 && !unpacked,
                     .a_starts = p.starts == nullptr ? nullptr : p.starts + at,
                     .codes_step = codes_step,
                     .groups_step = p.w.groups(),
                     .sums_step = strips > 1 ? sums.strip_step : 0};
    if (rows > kFewRows) {
      p.exec.kernels.strip_tall(block);
      continue;
    }
    block.strips = 1;
    for (std::int64_t s = 0; s < strips; ++s) {
      p.exec.kernels.strip(block);
      const StripWeights next = p.w.at(strip + s + (s + 1 < strips ? 1 : 0), g);
      block.w.codes += codes_step;
      block.w.scales = next.scales;
      block.w.subs = next.subs;
      block.sums += sums.strip_step;
    }
  }
}

// Strips [begin, end) of all rows into y.
void write(const Product& p, std::int64_t begin, std::int64_t end, const float* sums) {
  const std::int64_t j = begin * kStrip, columns = std::min(end * kStrip, p.w.n()) - j;
  p.exec.kernels.write_strips({.sums = sums,
                               .strip_size = p.a.tiles * kTileRows * kStrip,
                               .columns = columns,
                               .bias = p.bias == nullptr ? nullptr : p.bias + j,
                               .add = p.y.add,
                               .y = p.y.view.as<float>() + j,
                               .y_stride = p.y.view.stride},
                              0, p.m);
}

// What a task needs: sums of the strips of a piece, and codes unpacked.
struct Room {
  std::uint8_t* codes;
  float* sums;
};

// Strips [begin, end) of a product. Few rows: whole strips in one go, read from end to end. Many:
// passes whose weights stay in L1 for all tiles of rows.
void run_strips(const Product& p, std::int64_t begin, std::int64_t end, const Room& room) {
  const std::int64_t sums_size = p.a.tiles * kTileRows * kStrip, groups = p.w.groups();
  const bool whole = p.a.tiles == 1 && p.w.layout().codes == Codes::bits8;
  if (p.few()) {
    few_rows(p, begin, end, room.sums);
  } else if (whole && p.starts != nullptr) {
    tile_of_rows(p, begin, end, room.sums);
  } else {
    // Two strips at a time have half as many groups in L1.
    const bool pairs = p.starts != nullptr && p.w.layout().parts != 2;
    const std::int64_t together = pairs ? 2 : 1;
    const bool once = whole || groups <= kMostGroups / together;
    const std::int64_t pass = once ? groups : kPassGroups / together;
    // Sums that one pass makes whole go where they belong.
    const bool direct = groups <= pass && !p.y.add && p.bias == nullptr && end * kStrip <= p.w.n();
    const Sums sums =
        direct ? Sums{p.y.view.as<float>() + begin * kStrip, p.y.view.stride, kStrip}
               : Sums{room.sums, kStrip, sums_size};
    p.exec.kernels.tiles_begin_q8();
    for (std::int64_t g = 0; g < groups; g += pass)
      for (std::int64_t strip = begin; strip < end; strip += together)
        one_pass(p, strip, std::min(together, end - strip), g, std::min(pass, groups - g), room.codes,
                 {sums.at + (strip - begin) * sums.strip_step, sums.stride, sums.strip_step});
    p.exec.kernels.tiles_end();
    if (direct) return;
  }
  write(p, begin, end, room.sums);
}

// Strips of a task, of all that there are.
std::int64_t strips_of_task(std::int64_t strips, std::int64_t tiles, std::int64_t threads) {
  return piece(strips, 1, tiles == 1 ? strips : 4, 6 * threads);
}

struct RoomSize {
  std::int64_t codes, sums;
};
RoomSize room_size(std::int64_t m, std::int64_t strips) {
  return {m > kFewRows ? kMostGroups * kGroupBytes : 0,
          strips * ceil_div(m, kTileRows) * kTileRows * kStrip * 4};
}

}  // namespace

std::int64_t rounded_rows_size(std::int64_t m, std::int64_t k, Planes planes) {
  const std::int64_t codes = planes == Planes::two ? 2 * kGroup : kGroup;
  return ceil_div(m, kTileRows) * kTileRows * (k / kGroup) * (codes + 12);
}

std::int64_t strip_room_size(std::int64_t m, std::int64_t n, unsigned threads) {
  const RoomSize size =
      room_size(m, strips_of_task(ceil_div(n, kStrip), ceil_div(m, kTileRows), threads));
  return size.codes + size.sums;
}

void gemm_blocks(const Exec& exec, const ConstView& x, std::span<const BlockProduct> products,
                 Planes planes) {
  const std::int64_t m = x.rows();
  std::int64_t strips = 0, n = 0;
  for (const BlockProduct& p : products) {
    strips += ceil_div(p.w.n(), kStrip);
    n += p.w.n();
  }
  if (exec.kernels.empty || m == 0 || strips == 0) return;
  const std::int64_t k = products.front().w.k();
  const bool small = m * n * k < 4 * kSmallWork;
  const Activations a(exec.scratch.back(), m, products.front().w.groups(), planes,
                      m > kFewRows && exec.kernels.tall_starts ? products.size() : 0);
  const QuantiseRows quantise{x, a.q, a.q_low, a.scales, a.sums, a.firsts};
  if (m <= kTileRows || small)
    exec.kernels.quantise_rows(quantise, 0, m);  // sooner done than shared
  else
    run_range(exec, exec.kernels.quantise_rows, quantise, m, kTileRows);

  const std::int64_t size = strips_of_task(strips, a.tiles, exec.pool.size());
  const bool starting = m > kFewRows && exec.kernels.tall_starts;
  const std::int64_t each = a.tiles * a.groups * kTileRows;
  std::int32_t* starts = starting ? a.firsts + each : nullptr;
  for (std::size_t i = 0; starting && i < products.size(); ++i) {
    const BlockLayout& l = products[i].w.layout();
    const BlockLayout read = l.codes == Codes::bits8 ? l : l.unpacked(true);
    const std::int32_t factor = read.codes == Codes::bits8 ? -128 : read.lowest;
    std::int32_t* to = starts + static_cast<std::int64_t>(i) * each;
    for (std::int64_t at = 0; at < each; ++at) to[at] = factor * a.sums[at];
  }
  const RoomSize needed = room_size(m, size);
  std::int64_t tasks = 0;
  for (const BlockProduct& p : products) tasks += ceil_div(ceil_div(p.w.n(), kStrip), size);
  run_tasks(exec, tasks, small, [&](std::int64_t task, unsigned worker) {
    auto* memory = exec.scratch[worker].get<std::byte>(
        static_cast<std::size_t>(needed.codes + needed.sums));
    const BlockProduct* p = products.data();
    std::int64_t of_this = ceil_div(p->w.n(), kStrip);
    for (; task >= ceil_div(of_this, size); of_this = ceil_div(p->w.n(), kStrip)) {
      task -= ceil_div(of_this, size);
      ++p;
    }
    run_strips({exec, a, p->w, m, p->bias, p->y, starting ? starts + (p - products.data()) * each : nullptr},
               task * size, std::min(of_this, (task + 1) * size),
               {reinterpret_cast<std::uint8_t*>(memory), reinterpret_cast<float*>(memory + needed.codes)});
  });
}

void gemm_blocks(const Exec& exec, const ConstView& x, const PackedBlocks& w, Planes planes,
                 const float* bias, Into y) {
  const BlockProduct product{w, bias, y};
  gemm_blocks(exec, x, {&product, 1}, planes);
}

}  // namespace bantam::kernels
