// Attention of query rows over stored keys and values.
#include "kernels/elementwise/attention_layout.h"
#include "kernels/elementwise/parts.h"
#include "kernels/lane_types.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise/attention.cpp"
#include "hwy/foreach_target.h"
#include "kernels/elementwise/attention-inl.h"
#include "kernels/elementwise/attention_chain-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bantam::kernels {
namespace HWY_NAMESPACE {
namespace {

// One row of one query head, and the keys [first, end) that it attends to.
struct Item {
  std::int64_t row, head, first, end;
};
// Items that are worked on together because their keys overlap; [low, high) is the union.
struct Tile {
  std::int64_t most_items, count = 0, low = 0, high = 0, longest = 0;
  Item items[kAttentionMost];

  explicit Tile(std::int64_t items_at_most) : most_items(items_at_most) {}

  bool takes(const Item& item) const {
    if (count == 0) return true;
    if (count == most_items || item.first >= high || item.end <= low) return false;
    const std::int64_t span = most(high, item.end) - least(low, item.first);
    return span <= most(longest, item.end - item.first) + kAttentionSlack;
  }
  void add(const Item& item) {
    low = count == 0 ? item.first : least(low, item.first);
    high = count == 0 ? item.end : most(high, item.end);
    longest = most(longest, item.end - item.first);
    items[count++] = item;
  }
};

// So many queries take keys and values as they are stored; more of them share rows that are widened
// first.
inline constexpr std::int64_t kFewQueries = 4;

// Transposed keys [start, end) of one head, kept from tile to tile.
struct Panel {
  float* data;
  std::int64_t capacity, start = 0, end = 0;
  bool holds(std::int64_t j) const { return start <= j && j < end; }
};

class Attention {
 public:
  Attention(const AttentionArgs& a, const AttentionLayout& layout, float* scratch)
      : a_(a),
        width_(layout.width),
        score_stride_(layout.score_stride),
        tile_(layout.tile),
        columns_(a.head_dim),
        mixed_(layout.width),
        direct_(layout.width == a.head_dim),
        in_place_(direct_ && a.kv.type == Type::f32),
        queries_(scratch + layout.queries),
        sums_(scratch + layout.sums),
        values_(scratch + layout.values),
        block_(scratch + layout.block),
        scores_(scratch + layout.scores),
        panel_{scratch + layout.panel, layout.panel_keys} {}

  // Rows [begin, end) of the query heads that share stored head `kv`.
  void rows(std::int64_t kv, std::int64_t begin, std::int64_t end) {
    const std::int64_t group = a_.heads / a_.kv_heads;
    kv_ = kv;
    panel_.start = panel_.end = 0;
    Tile tile(tile_);
    for (std::int64_t row = begin; row < end; ++row) {
      const std::int64_t first = a_.key_first[row], count = a_.key_count[row];
      for (std::int64_t head = kv * group; head < (kv + 1) * group; ++head) {
        const Item item{row, head, first, first + count};
        if (count <= 0) {
          nothing(item);
          continue;
        }
        if (!tile.takes(item)) finish(tile);
        tile.add(item);
      }
    }
    finish(tile);
  }

  // One part of a row (AttentionPart): `scores_` are the row's own, kept from stage to stage.
  void part(const AttentionPart& p) {
    const std::int64_t first = a_.key_first[p.row], count = a_.key_count[p.row], end = first + count;
    if (count <= 0) return no_keys(p);
    score_stride_ = p.stride;
    if (p.stage == AttentionPart::Stage::weigh) {
      base_ = first;
      p.scales[p.head] = weigh({p.row, p.head, first, end}, p.scores + p.head * p.stride);
      return;
    }
    const bool scoring = p.stage == AttentionPart::Stage::score;
    const std::int64_t group = a_.heads / a_.kv_heads;
    kv_ = p.head;
    for (std::int64_t head = kv_ * group; head < (kv_ + 1) * group; head += kFewQueries) {
      Tile tile(kFewQueries);
      for (std::int64_t h = head; h < least(head + kFewQueries, (kv_ + 1) * group); ++h)
        tile.add(scoring ? Item{p.row, h, first + p.begin, first + p.end}
                         : Item{p.row, h, first, end});
      scores_ = p.scores + head * p.stride;
      if (scoring) {
        scores_ += p.begin;
        widen_queries(tile);
        score_directly(tile);
      } else {
        base_ = first;
        column_ = p.begin;
        columns_ = p.end - p.begin;
        mixed_ = round_up16(columns_);
        mix_and_write(tile, p.scales + head);
      }
    }
  }

 private:
  void finish(Tile& tile) {
    if (tile.count == 0) return;
    widen_queries(tile);
    // Turning keys around pays when several queries meet them.
    if (tile.count < 8 && !panel_.holds(tile.low))
      score_directly(tile);
    else
      score(tile);
    float scales[kAttentionMost];
    for (std::int64_t i = 0; i < tile.count; ++i) scales[i] = weigh(tile.items[i], scores_of(i));
    mix_and_write(tile, scales);
    tile.count = tile.longest = 0;
  }
  void widen_queries(const Tile& tile) {
    for (std::int64_t i = 0; i < tile.count; ++i)
      widen_rows(a_.q.data, a_.q.type, place(a_.q, tile.items[i]), 0, 1, a_.head_dim,
                 queries_ + i * width_, width_);
  }
  void mix_and_write(const Tile& tile, const float* scales) {
    fill_zero(sums_, tile.count * width_);
    mix(tile);
    for (std::int64_t i = 0; i < tile.count; ++i) {
      const Item& item = tile.items[i];
      write_row({a_.out, false}, item.row, item.head * a_.head_dim + column_, columns_,
                sums_ + i * width_, scales[i]);
    }
  }

  // ---- scores: dots of the tile's queries with keys [base_, high) ----

  void score(const Tile& tile) {
    if (tile.high - panel_.start > panel_.capacity && tile.high - tile.low <= panel_.capacity)
      panel_.start = panel_.end = tile.low;
    base_ = tile.low;
    if (panel_.holds(base_)) base_ -= (base_ - panel_.start) % 16;
    for (std::int64_t j = base_; j < tile.high;) {
      const std::int64_t end = fill_panel(j, tile.high);
      dots(queries_, width_, tile.count, panel_.data + (j - panel_.start) * width_, 16 * width_,
           (end - j + 15) / 16, width_, scores_ + (j - base_), score_stride_);
      j = end;
    }
  }

  // Makes the panel hold keys from j (the start of a block, or a new start) on; returns up to
  // where.
  std::int64_t fill_panel(std::int64_t j, std::int64_t high) {
    if (!panel_.holds(j)) panel_.start = panel_.end = j;
    const std::int64_t last = least(high, panel_.start + panel_.capacity);
    if (last <= panel_.end) return last;
    for (std::int64_t k = panel_.end - (panel_.end - panel_.start) % 16; k < last; k += 16) {
      const std::int64_t count = least(16, last - k);
      widen_stored(a_.kv.k, k, count, block_);
      fill_zero(block_ + count * width_, (16 - count) * width_);
      fill_block(block_, width_, panel_.data + (k - panel_.start) * width_);
    }
    panel_.end = last;
    return last;
  }

  void score_directly(const Tile& tile) {
    base_ = tile.low;
    if (direct_)
      return stored_rows(a_.kv.k, a_.kv.type, element(tile.low), a_.kv.row_stride,
                         [&](const auto& keys) { score_rows(tile, keys, tile.low, tile.high); });
    for (std::int64_t j = base_; j < tile.high; j += 16) {
      const std::int64_t end = least(j + 16, tile.high);
      widen_stored(a_.kv.k, j, end - j, block_);
      score_rows(tile, PlainRows<float>{block_, width_}, j, end);
    }
  }
  template <class Rows>
  void score_rows(const Tile& tile, const Rows& keys, std::int64_t begin, std::int64_t end) {
    dots_of_rows(queries_, width_, tile.count, keys, end - begin, width_, scores_ + (begin - base_),
                 score_stride_);
  }

  // ---- weights: e^(score - max); returns 1 / sum ----

  float weigh(const Item& item, float* scores) {
    float* s = scores + (item.first - base_);
    const std::int64_t count = item.end - item.first;
    const Lanes scale = lanes(a_.scale), cap = lanes(a_.cap);
    const bool capped = a_.cap > 0;
    // Whole vectors: the buffer goes on after the last score.
    Lanes top = lanes(-__builtin_inff());
    each16(count, [&](std::int64_t j, auto some) {
      Lanes x = load(s + j) * scale;
      if (capped) x = cap * tanh(x / cap);
      store(s + j, x);
      top = select(some, greater(x, top), top);
    });
    const float peak = highest(top);
    const Lanes shift = lanes(peak);
    Lanes sums = lanes(0);
    each16(count, [&](std::int64_t j, auto some) {
      const Lanes e = exp(load(s + j) - shift);
      store(s + j, e);
      sums = select(some, sums + e, sums);
    });
    const float total = sum(sums);
    if (a_.lse != nullptr) a_.lse[item.row * a_.heads + item.head] = peak + log(total);
    return 1.0f / total;
  }

  // ---- values: chains over rising keys ----

  void mix(const Tile& tile) {
    if (in_place_)
      return mix_values(
          tile, PlainRows<float>{stored(a_.kv.v, tile.low) + column_, a_.kv.row_stride}, tile.low,
          tile.high);
    for (std::int64_t j = tile.low; j < tile.high; j += kAttentionValues) {
      const std::int64_t end = least(j + kAttentionValues, tile.high);
      if (direct_ && tile.count <= kFewQueries) {
        stored_rows(a_.kv.v, a_.kv.type, element(j) + column_, a_.kv.row_stride,
                    [&](const auto& values) { mix_values(tile, values, j, end); });
      } else {
        widen_rows(a_.kv.v, a_.kv.type, element(j) + column_, a_.kv.row_stride, end - j, columns_,
                   values_, width_);
        mix_values(tile, PlainRows<float>{values_, width_}, j, end);
      }
    }
  }

  // Continues the sums of all items over keys [begin, end), whose values start at `values`.
  template <class Rows>
  void mix_values(const Tile& tile, const Rows& values, std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = 0; i < tile.count; i += 4) {
      const std::int64_t some = tile.count - i;
      if (some == 1)
        mix_rows<1>(tile, i, values, begin, end);
      else if (some == 2)
        mix_rows<2>(tile, i, values, begin, end);
      else if (some == 3)
        mix_rows<3>(tile, i, values, begin, end);
      else
        mix_rows<4>(tile, i, values, begin, end);
    }
  }

  // R items from i on.
  template <std::size_t R, class Rows>
  void mix_rows(const Tile& tile, std::int64_t i, const Rows& values, std::int64_t begin,
                std::int64_t end) {
    Ragged<R> rows;
    rows.low = 0;
    rows.high = end - begin;
    for (std::size_t r = 0; r < R; ++r) {
      const Item& item = tile.items[i + static_cast<std::int64_t>(r)];
      rows.begin[r] = item.first - begin;
      rows.end[r] = item.end - begin;
      rows.low = most(rows.low, rows.begin[r]);
      rows.high = least(rows.high, rows.end[r]);
    }
    rows.low = least(rows.low, end - begin);
    rows.high = most(rows.low, rows.high);
    chain_rows<R>(scores_of(i) + (begin - base_), score_stride_, 1, values, sums_ + i * width_,
                  width_, mixed_, rows, end - begin);
  }

  // ---- rows in memory ----

  void no_keys(const AttentionPart& p) {
    const std::int64_t group = a_.heads / a_.kv_heads;
    if (p.stage != AttentionPart::Stage::mix || p.begin > 0) return;
    for (std::int64_t h = p.head * group; h < (p.head + 1) * group; ++h)
      nothing({p.row, h, 0, 0});
  }
  // No keys: zeros.
  void nothing(const Item& item) {
    fill_zero(sums_, width_);
    write_row({a_.out, false}, item.row, item.head * a_.head_dim, a_.head_dim, sums_, 1);
    if (a_.lse != nullptr) a_.lse[item.row * a_.heads + item.head] = -__builtin_inff();
  }
  std::int64_t place(const ConstView& view, const Item& item) const {
    return item.row * view.stride + item.head * a_.head_dim;
  }
  // The first element of the stored head's row j.
  std::int64_t element(std::int64_t j) const {
    return j * a_.kv.row_stride + kv_ * a_.kv.head_stride;
  }
  const float* stored(const std::byte* data, std::int64_t j) const {
    return reinterpret_cast<const float*>(data) + element(j);
  }
  void widen_stored(const std::byte* data, std::int64_t j, std::int64_t count, float* to) const {
    widen_rows(data, a_.kv.type, element(j), a_.kv.row_stride, count, a_.head_dim, to, width_);
  }
  float* scores_of(std::int64_t i) const { return scores_ + i * score_stride_; }

  const AttentionArgs& a_;
  std::int64_t kv_ = 0;  // the stored head being worked on
  std::int64_t width_, score_stride_;
  std::int64_t tile_;  // queries worked on together
  // What of a head is mixed: columns [column_, column_ + columns_), and columns_ rounded up to 16.
  std::int64_t column_ = 0, columns_, mixed_;
  bool direct_;    // rows can be widened as they are read
  bool in_place_;  // rows need no widening
  float *queries_, *sums_, *values_, *block_, *scores_;
  Panel panel_;
  std::int64_t base_ = 0;  // the key of scores_[0]
};

void attention(const AttentionArgs& a, std::int64_t begin, std::int64_t end,
               float* scratch) noexcept {
  std::int64_t keys = 0;
  for (std::int64_t row = begin / a.kv_heads; row * a.kv_heads < end; ++row)
    keys = most(keys, a.key_count[row]);
  Attention attention(a, AttentionLayout(keys, a.head_dim), scratch);
  for (std::int64_t kv = 0; kv < a.kv_heads; ++kv)  // rows with begin <= row * kv_heads + kv < end
    attention.rows(kv, (begin - kv + a.kv_heads - 1) / a.kv_heads,
                   (end - kv + a.kv_heads - 1) / a.kv_heads);
}

void attention_part(const AttentionArgs& a, const AttentionPart& part, float* scratch) noexcept {
  Attention(a, AttentionLayout(0, a.head_dim), scratch).part(part);
}

}  // namespace

void fill_attention(Kernels& k) {
  k.attention = attention;
  k.attention_part = attention_part;
}

}  // namespace HWY_NAMESPACE
}  // namespace bantam::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bantam::kernels {

std::int64_t attention_scratch(std::int64_t keys, std::int64_t rows, std::int64_t head_dim) {
  return std::max(AttentionLayout(keys, head_dim).total, AttentionBackLayout(rows, head_dim).total);
}

void fill_attention(Kernels& kernels, Isa isa) {
  pick_target(isa, HWY_CHOOSE_FALLBACK(fill_attention), HWY_CHOOSE_AVX2(fill_attention),
              HWY_CHOOSE_AVX3(fill_attention), HWY_CHOOSE_NEON(fill_attention))(kernels);
}

}  // namespace bantam::kernels
#endif
