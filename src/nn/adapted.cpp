// A linear layer under an adapter: one for all rows, or one that each row has chosen.
#include <cstring>

#include "base/error.h"
#include "blocks/format.h"
#include "nn/layers.h"

namespace bantam::nn {

Tensor adapted(Context& ctx, const Tensor& x, const Linear& l) {
  const LowRank& add = *l.adapter;
  if (!add.magnitude) return ops::low_rank(ctx, x, l.w, l.bias, add.a, add.b, add.scale);
  const Tensor turned = ops::low_rank(ctx, x, l.w, {}, add.a, add.b, add.scale);
  return ops::scale_columns(ctx, turned, add.magnitude, add.inverse, l.bias);
}

namespace {

// Rows [begin, end) of t, in its memory.
Tensor part_of(const Tensor& t, const AdaptedRows& rows) {
  const View& v = t.view();
  std::byte* const first = v.data + rows.begin * byte_size(v.type, Shape{v.stride});
  return {View(first, v.type, {rows.end - rows.begin, v.columns()}, v.stride), nullptr};
}

void put(Context& ctx, const Tensor& from, const Tensor& to) {
  if (!ctx.arena.counting())
    std::memcpy(to.view().data, from.view().data,
                static_cast<std::size_t>(byte_size(from.type(), from.shape())));
}

}  // namespace

void add_adapters(Context& ctx, const Tensor& x, std::span<const LayerOutput> outputs) {
  if (ctx.tape) throw Error("several adapters at once are there to answer, not to be trained");
  std::vector<Weight::LowRankPart> parts;
  struct Turned {
    const LowRank& add;
    Tensor y;
  };
  std::vector<Turned> turned;
  for (const auto& [l, y] : outputs) {
    if (l.adapter) {
      parts.push_back({x, l.adapter->a, l.adapter->b, l.adapter->scale, y});
      continue;
    }
    for (const AdaptedRows& rows : ctx.adapted_rows) {
      const auto number = static_cast<std::size_t>(rows.adapter);
      if (number >= l.choices.size() || !l.choices[number]) continue;
      const LowRank& add = *l.choices[number];
      const Tensor of_x = part_of(x, rows), of_y = part_of(y, rows);
      if (add.magnitude && l.bias) {
        // The bias is in y already, but magnitudes do not scale it: these rows are made anew.
        const Arena::Mark mark = ctx.arena.mark();
        put(ctx, adapted(ctx, of_x, {l.w, l.bias, l.choices[number]}), of_y);
        ctx.arena.release(mark);
        continue;
      }
      parts.push_back({of_x, add.a, add.b, add.scale, of_y});
      if (add.magnitude) turned.push_back({add, of_y});
    }
  }
  Weight::add_low_rank(ctx, parts);
  for (const auto& [add, y] : turned) {
    const Arena::Mark mark = ctx.arena.mark();
    put(ctx, ops::scale_columns(ctx, y, add.magnitude, add.inverse), y);
    ctx.arena.release(mark);
  }
}

}  // namespace bantam::nn
