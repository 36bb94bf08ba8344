// Gradients of self-attention over documents.
//
// With s = scale q.k (capped: s = cap tanh(scale q.k / cap)), p = e^(s - lse), D = dout . out:
//   dp = dout . v;  ds = p (dp - D) slope, slope = scale [(1 - (s / cap)^2)];
//   dq_t: chain over rising j of fma(ds, k_j, .);
//   dk_j, dv_j: chains over the query heads of the group, then rising t, of fma(ds, q_t, .) and
//   fma(p, dout_t, .)  (Dao et al. 2022, FlashAttention, algorithm 4).
// Rows go by blocks of 16 and keys by blocks of 16; in a pair of blocks, keys that a row does not
// attend to take part with weight 0.
#include "kernels/elementwise/attention_layout.h"
#include "kernels/elementwise/parts.h"
#include "kernels/lane_types.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise/attention_back.cpp"
#include "hwy/foreach_target.h"
#include "kernels/elementwise/attention-inl.h"
#include "kernels/elementwise/attention_chain-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bantam::kernels {
namespace HWY_NAMESPACE {
namespace {

// One document and one stored head.
class AttentionBack {
 public:
  AttentionBack(const AttentionBackArgs& a, std::int64_t task, float* scratch)
      : a_(a),
        kv_(task % a.kv_heads),
        begin_(a.start[task / a.kv_heads]),
        rows_(a.start[task / a.kv_heads + 1] - begin_),
        layout_(rows_, a.head_dim),
        width_(layout_.width),
        scratch_(scratch) {}

  void run() {
    fill_panels();
    fill_zero(part(layout_.dkeys), layout_.padded * width_);
    fill_zero(part(layout_.dvalues), layout_.padded * width_);
    const std::int64_t group = a_.heads / a_.kv_heads;
    for (std::int64_t head = kv_ * group; head < (kv_ + 1) * group; ++head)
      for (std::int64_t row = 0; row < rows_; row += 16) block(head, row, least(16, rows_ - row));
    for (std::int64_t j = 0; j < rows_; ++j) {
      if (wanted(a_.dk)) write(a_.dk, j, kv_, layout_.dkeys + j * width_);
      if (wanted(a_.dv)) write(a_.dv, j, kv_, layout_.dvalues + j * width_);
    }
  }

 private:
  // Keys and values turned around for the scores; keys also as they are, for dq.
  void fill_panels() {
    for (std::int64_t j = 0; j < layout_.padded; j += 16) {
      float* keys = part(layout_.keys) + j * width_;
      float* values = part(layout_.block);
      load_rows(a_.k, j, kv_, least(16, rows_ - j), keys);
      fill_block(keys, width_, part(layout_.key_panel) + j * width_);
      load_rows(a_.v, j, kv_, least(16, rows_ - j), values);
      fill_block(values, width_, part(layout_.value_panel) + j * width_);
    }
  }

  // Rows [row, row + count) of one query head.
  void block(std::int64_t head, std::int64_t row, std::int64_t count) {
    load_rows(a_.q, row, head, count, part(layout_.queries));
    load_rows(a_.dout, row, head, count, part(layout_.douts));
    // Keys [low, high) in whole blocks.
    const std::int64_t low = most(0, row - a_.window + 1) / 16 * 16, high = row + 16;
    float* weights = part(layout_.weights);
    float* dscores = part(layout_.dscores);
    dots(part(layout_.queries), width_, count, part(layout_.key_panel) + low * width_, 16 * width_,
         (high - low) / 16, width_, weights, layout_.padded);
    dots(part(layout_.douts), width_, count, part(layout_.value_panel) + low * width_, 16 * width_,
         (high - low) / 16, width_, dscores, layout_.padded);
    for (std::int64_t i = 0; i < count; ++i)
      weigh(head, row + i, part(layout_.douts) + i * width_, low, high,
            weights + i * layout_.padded, dscores + i * layout_.padded);
    if (wanted(a_.dq)) query_gradients(head, row, count, low, high);
    if (wanted(a_.dk))
      chains_over_rows(dscores, part(layout_.queries), count, low, high, part(layout_.dkeys));
    if (wanted(a_.dv))
      chains_over_rows(weights, part(layout_.douts), count, low, high, part(layout_.dvalues));
  }

  // From q.k and dp to p and ds, for row t of the document and keys [low, high).
  void weigh(std::int64_t head, std::int64_t t, const float* dout, std::int64_t low,
             std::int64_t high, float* weights, float* dscores) {
    Lanes products = lanes(0);
    const ConstRow<AnyElement> out(a_.out, begin_ + t);
    each16(a_.head_dim, [&](std::int64_t d, auto some) {
      products = fma(load(dout + d), out.load(head * a_.head_dim + d, some), products);
    });
    const Lanes shift = lanes(sum(products));
    const Lanes lse = lanes(a_.lse[(begin_ + t) * a_.heads + head]);
    const Lanes scale = lanes(a_.scale), cap = lanes(a_.cap), one = lanes(1);
    const bool capped = a_.cap > 0;
    const std::int64_t first_key = most(0, t - a_.window + 1), end = t + 1;
    for (std::int64_t j = low; j < high; j += 16) {
      Lanes s = load(weights + (j - low)) * scale, slope = scale;
      if (capped) {
        const Lanes bend = tanh(s / cap);
        s = cap * bend;
        slope = scale * fma(-bend, bend, one);
      }
      Lanes p = exp(s - lse);
      Lanes ds = p * (load(dscores + (j - low)) - shift) * slope;
      if (j < first_key || j + 16 > end) {
        const Mask inside = between(first_key - j, end - j);
        p = select(inside, p, lanes(0));
        ds = select(inside, ds, lanes(0));
      }
      store(weights + (j - low), p);
      store(dscores + (j - low), ds);
    }
  }

  void query_gradients(std::int64_t head, std::int64_t row, std::int64_t count, std::int64_t low,
                       std::int64_t high) {
    float* dqueries = part(layout_.dqueries);
    const float* keys = part(layout_.keys) + low * width_;
    fill_zero(dqueries, 16 * width_);
    // Rows past the document's end are worked on with those before them, and not written.
    for (std::int64_t i = 0; i < count; i += 4)
      chain_rows<4>(part(layout_.dscores) + i * layout_.padded, layout_.padded, 1,
                    PlainRows<float>{keys, width_}, dqueries + i * width_, width_, width_,
                    high - low);
    for (std::int64_t i = 0; i < count; ++i)
      write(a_.dq, row + i, head, layout_.dqueries + i * width_);
  }

  // sums_j continued over the block's rows, for keys [low, high).
  void chains_over_rows(const float* factors, const float* x, std::int64_t count, std::int64_t low,
                        std::int64_t high, float* sums) {
    for (std::int64_t j = low; j < high; j += 4)
      chain_rows<4>(factors + (j - low), 1, layout_.padded, PlainRows<float>{x, width_},
                    sums + j * width_, width_, width_, count);
  }

  // 16 rows of one head as float32, zeros after `count`.
  void load_rows(const ConstView& view, std::int64_t row, std::int64_t head, std::int64_t count,
                 float* to) {
    widen_rows(view.data, view.type, (begin_ + row) * view.stride + head * a_.head_dim, view.stride,
               count, a_.head_dim, to, width_);
    fill_zero(to + count * width_, (16 - count) * width_);
  }
  void write(const Into& into, std::int64_t row, std::int64_t head, std::int64_t from) {
    write_row(into, begin_ + row, head * a_.head_dim, a_.head_dim, part(from), 1);
  }
  static bool wanted(const Into& gradient) { return gradient.view.data != nullptr; }
  float* part(std::int64_t offset) const { return scratch_ + offset; }

  const AttentionBackArgs& a_;
  std::int64_t kv_, begin_, rows_;
  AttentionBackLayout layout_;
  std::int64_t width_;
  float* scratch_;
};

void attention_back(const AttentionBackArgs& a, std::int64_t task, float* scratch) noexcept {
  AttentionBack(a, task, scratch).run();
}

}  // namespace

void fill_attention_back(Kernels& k) { k.attention_back = attention_back; }

}  // namespace HWY_NAMESPACE
}  // namespace bantam::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bantam::kernels {

void fill_attention_back(Kernels& kernels, Isa isa) {
  pick_target(isa, HWY_CHOOSE_FALLBACK(fill_attention_back), HWY_CHOOSE_AVX2(fill_attention_back),
              HWY_CHOOSE_AVX3(fill_attention_back), HWY_CHOOSE_NEON(fill_attention_back))(kernels);
}

}  // namespace bantam::kernels
#endif
