// The output head and the loss in one: logits exist for some rows at a time, never all.
#include <algorithm>
#include <functional>

#include "base/error.h"
#include "ops/ops.h"
#include "ops/products.h"

namespace bantam::ops {

namespace {

// Rows of logits at a time: at most 16 MiB of them, which a shared cache keeps, since the head goes
// through memory for each piece. A multiple of 32, so that bf16 sums over tokens fall into the same
// steps as if all rows were taken at once.
std::int64_t rows_at_a_time(std::int64_t rows, std::int64_t vocabulary) {
  const std::int64_t fit = (std::int64_t{1} << 22) / vocabulary / 32 * 32;
  return std::min(rows, std::max<std::int64_t>(fit, 32));
}

View rows_of(View v, std::int64_t first, std::int64_t count) {
  v.data += first * v.stride * (v.type == Type::f32 ? 4 : 2);
  v.shape = {count, v.columns()};
  return v;
}

// What the loss is made of, and where its gradients go (nowhere: views without memory).
struct LossHead {
  Tensor x;
  Weight w;
  Tensor bias;
  std::span<const std::int32_t> targets;
  float cap;
  std::span<const SoftTarget> soft;
};
struct HeadGradients {
  Into dx, dw;
  float* dbias = nullptr;
  bool any() const { return dx.view.data || dw.view.data || dbias; }
};

// A row's loss for one target t is log sum exp - z[t], for shares q it is log sum exp - sum of q[i] z[i]: what
// lies between the two.
std::vector<double> between(const LossHead& head, std::int64_t first, const Tensor& logits) {
  std::vector<double> out(static_cast<std::size_t>(logits.rows()));
  for (std::size_t r = 0; r < out.size(); ++r) {
    const std::size_t row = static_cast<std::size_t>(first) + r;
    const SoftTarget& soft = head.soft[row];
    if (soft.ids.empty()) continue;
    const float* z = logits.f32() + static_cast<std::int64_t>(r) * logits.columns();
    out[r] = static_cast<double>(z[head.targets[row]]);
    for (std::size_t i = 0; i < soft.ids.size(); ++i)
      out[r] -= static_cast<double>(soft.shares[i]) * static_cast<double>(z[soft.ids[i]]);
  }
  return out;
}

// The gradient of a row for one target is weight * (p - [target]); for shares weight * (p - q).
void take_shares(const LossHead& head, std::int64_t first, const float* weights, const Tensor& gradient) {
  for (std::int64_t r = 0; r < gradient.rows(); ++r) {
    const auto row = static_cast<std::size_t>(first + r);
    const SoftTarget& soft = head.soft[row];
    if (soft.ids.empty()) continue;
    float* g = gradient.f32() + r * gradient.columns();
    g[head.targets[row]] += weights[row];
    for (std::size_t i = 0; i < soft.ids.size(); ++i) g[soft.ids[i]] -= weights[row] * soft.shares[i];
  }
}

// Losses of all rows, times `weights`, and their gradients. Logits exist for a piece at a time.
void run_head(Context& ctx, const LossHead& head, const float* weights, float* losses,
              HeadGradients to) {
  const std::int64_t rows = head.x.rows(), vocabulary = head.w.dim(0);
  const bool back = to.any();
  const Arena::Mark mark = ctx.arena.mark();
  const std::int64_t piece = rows_at_a_time(rows, vocabulary);
  for (std::int64_t first = 0; first < rows; first += piece) {
    ctx.arena.release(mark);
    const std::int64_t count = std::min(piece, rows - first);
    const Tensor xs(rows_of(head.x.view(), first, count), nullptr);
    const Tensor logits = ctx.make({count, vocabulary}, Type::f32);
    head.w.multiply(ctx, xs, head.bias ? head.bias.f32() : nullptr, {logits.view(), false});
    if (head.cap > 0)
      ctx.rows(ctx.kernels().softcap, SoftcapArgs{logits.view(), head.cap, logits.view()}, count,
               4 * vocabulary);
    // The gradient lies where the logits were, but capped logits are needed once more. Shares are taken
    // from it before it is narrowed.
    const bool soft = !head.soft.empty() && !ctx.kernels().empty;
    const std::vector<double> more = soft ? between(head, first, logits) : std::vector<double>();
    Tensor gradient;
    if (back)
      gradient = (soft || ctx.activation == Type::f32) && head.cap <= 0
                     ? logits
                     : ctx.make(logits.shape(), soft ? Type::f32 : ctx.activation);
    ctx.rows(ctx.kernels().cross_entropy,
             CrossEntropyArgs{logits.view(), head.targets.data() + first, weights + first,
                              losses + first, gradient.view()},
             count, 8 * vocabulary);
    for (std::size_t r = 0; r < more.size(); ++r) {
      const std::size_t row = static_cast<std::size_t>(first) + r;
      losses[row] = static_cast<float>(static_cast<double>(losses[row]) + static_cast<double>(weights[row]) * more[r]);
    }
    if (!back) continue;
    if (soft) {
      take_shares(head, first, weights, gradient);
      if (ctx.activation != Type::f32) {
        const Tensor narrow = ctx.make(gradient.shape(), ctx.activation);
        ctx.rows(ctx.kernels().convert, ConvertArgs{gradient.view(), {narrow.view(), false}}, count, vocabulary);
        gradient = narrow;
      }
    }
    if (head.cap > 0)
      ctx.rows(ctx.kernels().softcap_back,
               SoftcapBackArgs{gradient.view(), logits.view(), head.cap, {gradient.view(), false}},
               count, 2 * vocabulary);
    if (to.dbias)
      ctx.rows(ctx.kernels().column_sum, ColumnSumArgs{gradient.view(), to.dbias}, vocabulary,
               count);
    if (to.dw.view.data) linear_weight_gradient(ctx, gradient, xs, to.dw);
    to.dw.add = true;
    if (to.dx.view.data)
      head.w.multiply_transposed(ctx, gradient, {rows_of(to.dx.view, first, count), to.dx.add});
  }
  ctx.arena.release(mark);
}

// The loss makes its gradient while its logits are at hand; what backward does is to hand it on.
Tensor with_gradient(Context& ctx, const LossHead& head, std::span<const float> weights) {
  Tensor losses = ctx.make({head.x.rows()}, Type::f32);
  const Tensor dx = head.x.slot() >= 0 ? ctx.make(head.x.shape(), head.x.type()) : Tensor();
  Grads grads(ctx, ctx.tape);
  run_head(ctx, head, weights.data(), losses.f32(),
           {{dx.view(), false}, grads[head.w.tensor()], grads.sums(head.bias)});
  ctx.tape->record_root(
      losses, {head.x, head.w.tensor(), head.bias},
      [x = head.x, dx](Context& c, const Tensor& dy, Grads& d) {
        if (dy) throw Error("cross_entropy: seeds were not expected");
        if (dx) c.rows(c.kernels().convert, ConvertArgs{dx.view(), d[x]}, dx.rows(), dx.columns());
      });
  return losses;
}

// The loss whose gradient backward will be told: logits are made again then.
Tensor for_seeds(Context& ctx, const LossHead& head, std::span<const float> weights) {
  Tensor losses = ctx.make({head.x.rows()}, Type::f32);
  run_head(ctx, head, weights.data(), losses.f32(), {});
  ctx.tape->record(
      losses, {head.x, head.w.tensor(), head.bias}, [head, weights](Context& c, const Tensor& dy, Grads& d) {
        const HeadGradients to{d[head.x], d[head.w.tensor()], d.sums(head.bias)};
        const Arena::Mark mark = c.arena.mark();
        const Tensor scaled = c.make(dy.shape(), Type::f32);
        const Tensor again = c.make(dy.shape(), Type::f32);
        if (!c.kernels().empty)
          std::transform(weights.begin(), weights.end(), dy.f32(), scaled.f32(), std::multiplies());
        run_head(c, head, scaled.f32(), again.f32(), to);
        c.arena.release(mark);
      });
  return losses;
}

}  // namespace

Tensor cross_entropy(Context& ctx, const Tensor& x, const Weight& w,
                     std::span<const std::int32_t> targets, std::span<const float> weights,
                     float cap, const Tensor& bias, std::span<const SoftTarget> soft) {
  if (!soft.empty() && soft.size() != targets.size())
    throw Error("cross_entropy: shares for each row were expected");
  for (const SoftTarget& s : soft) {
    if (s.ids.size() != s.shares.size()) throw Error("cross_entropy: a share for each token was expected");
    for (const std::int32_t id : s.ids)
      if (id < 0 || id >= w.dim(0)) throw Error("cross_entropy: a share of a token outside the vocabulary");
  }
  if (static_cast<std::int64_t>(targets.size()) != x.rows() || targets.size() != weights.size())
    throw Error("cross_entropy: a target and a weight for each row were expected");
  if (bias) require_shape("cross_entropy: bias", bias, {w.dim(0)});
  const LossHead head{x, w, bias, targets, cap, soft};
  if (ctx.records({x, w.tensor(), bias}))
    return ctx.tape->seeds_expected() ? for_seeds(ctx, head, weights)
                                      : with_gradient(ctx, head, weights);
  Tensor losses = ctx.make({x.rows()}, Type::f32);
  run_head(ctx, head, weights.data(), losses.f32(), {});
  return losses;
}

}  // namespace bantam::ops
