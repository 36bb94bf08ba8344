// The bf16 product: B packed beforehand, A packed by the worker that needs it while it is in that
// core's cache, results by blocks of 32 x 32.
#include <algorithm>

#include "blocks/format.h"
#include "blocks/half.h"
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/split.h"

namespace bantam::kernels {

namespace {

constexpr std::int64_t kPanel = 32, kDepth = 32, kStepElements = 1024, kBlock = kPanel * kPanel;
// A pass over K of 8 steps makes a panel 16 KiB: a panel of B stays in L1 while panels of A stream
// from L2. (Measured on AMX: 84 % of the block's rate with all in L1; without passes 49 %.)
constexpr std::int64_t kPassSteps = 8;

// What one task computes: `rows` by `columns` of C, A packed `pack_steps` at a time.
struct Blocking {
  std::int64_t rows, columns, pack_steps;
};

// Tiles wait for L3, so that their blocks are tall and B is read seldom; a long K is packed pass by
// pass, for many columns. (Of 2 MiB of L2.)
Blocking choose_for_tiles(std::int64_t steps) {
  constexpr std::int64_t kCapacity = 512 * 1024;
  if (steps * kDepth * 512 <= kCapacity) return {512, 128, steps};
  return {256, 768, kPassSteps};
}

// Vector units are a tenth as fast, so blocks may be smaller: packed A takes half of 1 MiB, the
// sums of a long K a quarter. Blocks of fewer rows would read B from L3 more often.
Blocking choose_for_vectors(std::int64_t steps) {
  constexpr std::int64_t kCapacity = 256 * 1024;
  const std::int64_t rows = steps * kDepth <= kCapacity / 256 ? 256 : 128;
  return {rows, 256, std::min(steps, kCapacity / (rows * kDepth))};
}

Blocking choose(const Exec& exec, std::int64_t m, std::int64_t n, std::int64_t steps) {
  Blocking block = exec.kernels.tiles ? choose_for_tiles(steps) : choose_for_vectors(steps);
  block.rows = std::min(block.rows, round_up(m, kPanel));
  block.columns = std::min(block.columns, round_up(n, kPanel));
  const std::int64_t wanted = 4 * static_cast<std::int64_t>(exec.pool.size());
  const auto halve = [](std::int64_t& size) { size = round_up(size / 2, kPanel); };
  for (const std::int64_t least : {2 * kPanel, kPanel})
    while (ceil_div(m, block.rows) * ceil_div(n, block.columns) < wanted &&
           std::max(block.rows, block.columns) > least)
      halve(block.rows >= block.columns ? block.rows : block.columns);
  return block;
}

// The memory of a worker: packed A of its block of rows, kept from task to task, and the sums of a
// block that takes several passes.
struct Worker {
  std::int64_t row_block, first_step;
  std::uint16_t* a;
  float* sums;
};

struct Product {
  const Exec& exec;
  std::int64_t m;
  const PackSource& a;
  const PackedB& b;
  const float* bias;
  Into c;
  Blocking block;
  std::int64_t across;  // blocks of columns

  std::int64_t a_capacity() const {
    return round_up(std::min(block.rows, m), kPanel) / kPanel * block.pack_steps * kStepElements;
  }
  std::int64_t sums_capacity() const {
    return ceil_div(block.rows, kPanel) * ceil_div(block.columns, kPanel) * kBlock;
  }
};

// The part of C and K that a task works on.
struct Area {
  std::int64_t first_row, rows, a_panels, first_panel, end_panel;
};

// The panels of one pass lie together: if each held all of K, powers of two would put them in the
// same sets of L2.
void pack_a(const Product& p, const Area& area, std::int64_t start, std::int64_t count,
            std::uint16_t* out) {
  const auto pack = [&](std::int64_t panel, std::int64_t s) {
    const std::int64_t k = (start + s) * kDepth, pass = s / kPassSteps * kPassSteps;
    const std::int64_t at =
        pass * area.a_panels + panel * std::min(kPassSteps, count - pass) + s - pass;
    p.exec.kernels.pack_a({.source = p.a,
                           .i = area.first_row + panel * kPanel,
                           .rows = std::min(kPanel, area.rows - panel * kPanel),
                           .k = k,
                           .depth = std::min(kDepth, p.b.k() - k),
                           .out = out + at * kStepElements});
  };
  for (std::int64_t i = 0; i < area.a_panels * count;
       ++i)  // along the rows of the matrix in memory
    p.a.k_contiguous ? pack(i / count, i % count) : pack(i % area.a_panels, i / area.a_panels);
}

// C from `row` and `panel` on.
View block_of(const Product& p, std::int64_t row, std::int64_t panel) {
  View c = p.c.view;
  c.data += (row * c.stride + panel * kPanel) * (c.type == Type::f32 ? 4 : 2);
  return c;
}

void one_block(const Product& p, const Area& area, Worker& mine, std::int64_t panel,
               std::int64_t a_panel, std::int64_t step, std::int64_t steps,
               std::int64_t pack_start) {
  alignas(64) float local[kBlock];
  const bool first = step == 0, last = step + steps == p.b.steps();
  float* sums = first && last
                    ? local
                    : mine.sums + ((panel - area.first_panel) * area.a_panels + a_panel) * kBlock;
  const std::int64_t rows = std::min(kPanel, area.rows - a_panel * kPanel);
  const std::int64_t columns = std::min(kPanel, p.b.n() - panel * kPanel);
  const View c = block_of(p, area.first_row + a_panel * kPanel, panel);
  const bool in_place = p.c.add && c.type == Type::f32;
  if (first && in_place) {
    std::fill_n(sums, kBlock, 0.0f);
    p.exec.kernels.panel_read({c, rows, columns, sums});
  }
  const std::int64_t at = (step - pack_start) * area.a_panels + a_panel * steps;
  p.exec.kernels.panel_block({.a = mine.a + at * kStepElements,
                              .b = p.b.panel(panel) + step * kStepElements,
                              .steps = steps,
                              .sums = sums,
                              .resume = !first || in_place,
                              .rows = rows});
  if (last)
    p.exec.kernels.panel_write({sums, rows, columns, c, p.c.add && !in_place,
                                p.bias == nullptr ? nullptr : p.bias + panel * kPanel});
}

void one_task(const Product& p, std::int64_t task, Worker& mine) {
  const std::int64_t row_block = task / p.across, column_block = task % p.across;
  Area area;
  area.first_row = row_block * p.block.rows;
  area.rows = std::min(p.block.rows, p.m - area.first_row);
  area.a_panels = ceil_div(area.rows, kPanel);
  area.first_panel = column_block * p.block.columns / kPanel;
  area.end_panel = std::min(ceil_div(p.b.n(), kPanel), area.first_panel + p.block.columns / kPanel);
  p.exec.kernels.tiles_begin();
  for (std::int64_t start = 0; start < p.b.steps(); start += p.block.pack_steps) {
    const std::int64_t count = std::min(p.block.pack_steps, p.b.steps() - start);
    if (mine.row_block != row_block || mine.first_step != start)
      pack_a(p, area, start, count, mine.a);
    mine.row_block = row_block;
    mine.first_step = start;
    for (std::int64_t step = start; step < start + count; step += kPassSteps) {
      const std::int64_t steps = std::min(kPassSteps, start + count - step);
      for (std::int64_t panel = area.first_panel; panel < area.end_panel; ++panel)
        for (std::int64_t a_panel = 0; a_panel < area.a_panels; ++a_panel)
          one_block(p, area, mine, panel, a_panel, step, steps, start);
    }
  }
  p.exec.kernels.tiles_end();
}

}  // namespace

PackedB::PackedB(std::int64_t k, std::int64_t n) : PackedB(k, n, nullptr) {
  memory_ = allocate_bytes(static_cast<std::size_t>(bytes(k, n)));
  data_ = reinterpret_cast<std::uint16_t*>(memory_.get());
}

PackedB::PackedB(std::int64_t k, std::int64_t n, std::byte* memory)
    : k_(k), n_(n), steps_(ceil_div(k, kDepth)), data_(reinterpret_cast<std::uint16_t*>(memory)) {}

namespace {

// Steps of one panel of B from a source whose first element is that of k = `first_step` * 32 and
// the panel's first column.
struct PanelPacker {
  const Exec& exec;
  std::int64_t k, n, steps;
  std::uint16_t* data;

  void step(const PackSource& from, std::int64_t i, std::int64_t source_k, std::int64_t panel,
            std::int64_t s) const {
    exec.kernels.pack_b({.source = from,
                         .i = i,
                         .rows = std::min(kPanel, n - panel * kPanel),
                         .k = source_k,
                         .depth = std::min(kDepth, k - s * kDepth),
                         .out = data + (panel * steps + s) * kStepElements});
  }
  bool small() const { return k * n < kSmallWork / 4; }
};

}  // namespace

void PackedB::pack(const Exec& exec, const ConstView& source, bool k_contiguous,
                   const PartPacked& done) {
  if (exec.kernels.empty || k_ == 0 || n_ == 0) return;
  const std::int64_t row_bytes = format(source.type).bytes(source.stride);
  const auto tell = [&](std::int64_t row, std::int64_t count) {
    if (done) done({source.data + row * row_bytes, static_cast<std::size_t>(count * row_bytes)});
  };
  if (source.type != Type::f32 && source.type != Type::bf16)
    return pack_read(exec, reader_of(source), k_contiguous, tell);
  // Along the rows of the matrix in memory: a task is a panel, or steps of 32 rows across panels.
  const PackSource all{source.data, source.type, source.stride, k_contiguous};
  const PanelPacker packer{exec, k_, n_, steps_, data_};
  const std::int64_t panels = ceil_div(n_, kPanel);
  if (k_contiguous)
    run_tasks(exec, panels, packer.small(), [&](std::int64_t panel, unsigned) {
      for (std::int64_t s = 0; s < steps_; ++s)
        packer.step(all, panel * kPanel, s * kDepth, panel, s);
      tell(panel * kPanel, std::min(kPanel, n_ - panel * kPanel));
    });
  else
    run_tasks(exec, steps_, packer.small(), [&](std::int64_t s, unsigned) {
      for (std::int64_t panel = 0; panel < panels; ++panel)
        packer.step(all, panel * kPanel, s * kDepth, panel, s);
    });
}

void PackedB::pack(const Exec& exec, const RowReader& source, bool k_contiguous) {
  if (exec.kernels.empty || k_ == 0 || n_ == 0) return;
  pack_read(exec, source, k_contiguous, [](std::int64_t, std::int64_t) {});
}

// A task decodes 32 rows, whole: those of a panel, or those of a step for all panels.
void PackedB::pack_read(const Exec& exec, const RowReader& source, bool k_contiguous,
                        const std::function<void(std::int64_t, std::int64_t)>& tell) {
  const PanelPacker packer{exec, k_, n_, steps_, data_};
  const std::int64_t panels = ceil_div(n_, kPanel);
  const auto decode = [&](std::int64_t row, unsigned worker) {
    auto* rows =
        exec.scratch[worker].get<float>(static_cast<std::size_t>(kPanel * source.columns));
    source.read(row, std::min(kPanel, source.rows - row), 0, source.columns, rows);
    return PackSource{reinterpret_cast<std::byte*>(rows), Type::f32, source.columns, k_contiguous};
  };
  if (k_contiguous)
    run_tasks(exec, panels, packer.small(), [&](std::int64_t panel, unsigned worker) {
      const PackSource rows = decode(panel * kPanel, worker);
      for (std::int64_t s = 0; s < steps_; ++s) packer.step(rows, 0, s * kDepth, panel, s);
      tell(panel * kPanel, std::min(kPanel, n_ - panel * kPanel));
    });
  else
    run_tasks(exec, steps_, packer.small(), [&](std::int64_t s, unsigned worker) {
      const PackSource rows = decode(s * kDepth, worker);
      for (std::int64_t panel = 0; panel < panels; ++panel)
        packer.step(rows, panel * kPanel, 0, panel, s);
    });
}

RowReader PackedB::reader() const {
  const auto read = [this](std::int64_t row, std::int64_t count, std::int64_t column,
                           std::int64_t width, float* to) {
    for (std::int64_t i = row; i < row + count; ++i)
      for (std::int64_t k = column; k < column + width; ++k) {
        const std::uint16_t* step = panel(i / kPanel) + k / kDepth * kStepElements;
        const std::int64_t in_step = k % kDepth;
        *to++ = bf16_to_float(
            step[i % kPanel / 16 * 512 + in_step / 2 * 32 + i % 16 * 2 + in_step % 2]);
      }
  };
  return {n_, k_, read};
}

RowReader reader_of(const ConstView& rows) {
  const auto read = [rows](std::int64_t row, std::int64_t count, std::int64_t column,
                           std::int64_t width, float* to) {
    const Format& from = format(rows.type);
    for (std::int64_t i = 0; i < count; ++i)
      from.decode(rows.data + from.bytes((row + i) * rows.stride + column), to + i * width, width);
  };
  return {rows.rows(), rows.columns(), read};
}

void gemm_bf16(const Exec& exec, std::int64_t m, const PackSource& a, const PackedB& b,
               const float* bias, Into c) {
  if (exec.kernels.empty || m == 0 || b.n() == 0) return;
  const Blocking block = choose(exec, m, b.n(), std::max<std::int64_t>(b.steps(), 1));
  const Product p{exec, m, a, b, bias, c, block, ceil_div(b.n(), block.columns)};
  const bool one_pass = b.steps() <= kPassSteps;
  const auto a_bytes = static_cast<std::size_t>(p.a_capacity()) * sizeof(std::uint16_t);
  const auto sums_bytes =
      one_pass ? 0 : static_cast<std::size_t>(p.sums_capacity()) * sizeof(float);
  for (unsigned w = 0; w < exec.pool.size(); ++w) {
    auto* memory = exec.scratch[w].get<std::byte>(64 + a_bytes + sums_bytes);
    new (memory) Worker{-1, -1, reinterpret_cast<std::uint16_t*>(memory + 64),
                        reinterpret_cast<float*>(memory + 64 + a_bytes)};
  }
  run_tasks(exec, ceil_div(m, block.rows) * p.across, m * b.n() * b.k() < kSmallWork,
            [&](std::int64_t task, unsigned worker) {
              one_task(p, task, *exec.scratch[worker].get<Worker>(1));
            });
}

}  // namespace bantam::kernels
