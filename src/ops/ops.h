// The ops that models are written with. Each has a file of its own with forward and backward, and a
// row in the gradient check (tests/ops/grad_cases.cpp). With ctx.tape an op whose inputs need a
// gradient names them and records how to go back.
// T tokens (rows), D width, H heads, N outputs, K inputs, V vocabulary. All throw Error when shapes
// do not fit; none reads numbers itself, so that a run with empty kernels only counts.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/rooms.h"
#include "ops/soft_target.h"
#include "tensor/context.h"

namespace bantam::ops {

// table [V,D] of any type, ids [T] -> [T,D]. Ids are in range (the batch has checked them). `ids`
// outlives the tape.
Tensor embed(Context& ctx, const Tensor& table, std::span<const std::int32_t> ids);

// x [T,K] w [N,K] (, bias [N]) -> [T,N]: y = x w^T + bias, in the context's arithmetic
// (Weight::multiply). The result is of the context's activation type.
Tensor matmul(Context& ctx, const Tensor& x, const Weight& w, const Tensor& bias = {});
// The same of several weights over one x, as one piece of work: what each gives, in order. The same
// bytes as one by one.
struct Factor {
  const Weight& w;
  const Tensor& bias;  // or none
};
std::vector<Tensor> matmul_each(Context& ctx, const Tensor& x, std::span<const Factor> factors);

// A linear layer and what an adapter adds: y = x w^T (+ bias) + scale (x a^T) b^T, a [R,K], b [N,R].
Tensor low_rank(Context& ctx, const Tensor& x, const Weight& w, const Tensor& bias, const Weight& a,
                const Weight& b, float scale);

// y[t,d] = x[t,d] gain[d] inverse[d] (+ bias[d]). `inverse` is a number to the gradient.
Tensor scale_columns(Context& ctx, const Tensor& x, const Tensor& gain, const Tensor& inverse,
                     const Tensor& bias = {});

// y = x / sqrt(mean(x^2) + eps) * gain per row (Zhang & Sennrich 2019, eq. 4). x [T,D], gain [D];
// with x [T, heads * D] each head is a row of its own.
Tensor rms_norm(Context& ctx, const Tensor& x, const Tensor& gain, float eps);

// y = (x - mean(x)) / sqrt(mean((x - mean(x))^2) + eps) * gain + bias per row (Ba et al. 2016, eq.
// 4). x [T, D], one gain [D]; with more gains each is of the columns of a head, and each head is
// normalised by itself. bias: of all columns, or none.
Tensor layer_norm(Context& ctx, const Tensor& x, std::span<const Tensor> gains, const Tensor& bias,
                  float eps);

// a + b, same shapes.
Tensor add(Context& ctx, const Tensor& a, const Tensor& b);

// factor * x; x itself where the factor is 1.
Tensor scale(Context& ctx, const Tensor& x, float factor);

// cap * tanh(x / cap): numbers that stay within +-cap. x itself where the cap is 0.
Tensor softcap(Context& ctx, const Tensor& x, float cap);

// act(gate) * up (Shazeer 2020, "GLU variants"), gate and up [T,F].
Tensor glu(Context& ctx, Activation activation, const Tensor& gate, const Tensor& up);

// act(x), element by element.
Tensor activate(Context& ctx, Activation activation, const Tensor& x);

// Rotary position embedding (Su et al. 2021, eq. 34) in the half layout: pairs (i, i + half) of
// each head turn by position * frequency[i]. x [T, heads * head_dim]. `positions` outlives the
// tape.
struct Rope {
  std::shared_ptr<const std::vector<double>> frequencies;  // one for each pair
  float scale = 1;                                         // of cosines and sines (longrope, YaRN)
};
Tensor rope(Context& ctx, const Tensor& x, const Rope& rope,
            std::span<const std::int32_t> positions, std::int64_t heads);

// Who attends to whom: row t of the queries sees the stored rows first[t] ... first[t] + count[t]
// - 1.
struct AttentionRows {
  std::vector<std::int32_t> first, count;
  std::vector<std::int32_t> documents;  // training: first rows of the documents, and the end
  std::int64_t window = 0;              // training: 0 for none
};
struct AttentionShape {
  std::int64_t heads, kv_heads, head_dim;
  float scale;    // of the scores, usually 1 / sqrt(head_dim)
  float cap = 0;  // cap * tanh(score / cap) when positive
};
// Softmax attention (Vaswani et al. 2017, eq. 1) with grouped heads (Ainslie et al. 2023).
// q [T, heads*head_dim] -> the same shape. Over the batch's own k and v [T, kv_heads*head_dim]:
Tensor attention(Context& ctx, const Tensor& q, const Tensor& k, const Tensor& v,
                 const AttentionShape& shape, std::shared_ptr<const AttentionRows> rows);
// Over a cache (no gradient).
Tensor attention(Context& ctx, const Tensor& q, const KeyValues& cache, const AttentionShape& shape,
                 const AttentionRows& rows);

// The same in two steps, for those who look at the weights (f32 alone). weights [T, heads * T]: row
// t holds, for each head, how much it takes of each row; zeros of those that it does not see.
Tensor attention_weights(Context& ctx, const Tensor& q, const Tensor& k,
                         const AttentionShape& shape, std::shared_ptr<const AttentionRows> rows);
// weights, v [T, kv_heads*head_dim] -> [T, heads*head_dim].
Tensor attend(Context& ctx, const Tensor& weights, const Tensor& v, const AttentionShape& shape);

// The rows of x that are asked for, in that order. All rows: x itself.
Tensor rows(Context& ctx, const Tensor& x, std::span<const std::int32_t> wanted);

// Losses [T] f32: weight[t] * (log sum exp of row t of x w^T - its element at target[t]). Logits
// are made for some rows at a time and never kept. A root: backward takes the gradient of the sum
// of the losses; where the tape expects seeds, of their sum times what is seeded for each row.
// x [T,D], w [V,D], f32 or trained in bf16. targets and weights outlive the tape.
// Where `cap` is positive the logits are capped first, as by softcap; `bias` [V], if any, is added
// before. `soft`, if any, has an entry for each row: one that is not empty takes the place of the target in
// the loss (the sum over its tokens of share times loss); the target is then any of the vocabulary.
Tensor cross_entropy(Context& ctx, const Tensor& x, const Weight& w,
                     std::span<const std::int32_t> targets, std::span<const float> weights,
                     float cap = 0, const Tensor& bias = {}, std::span<const SoftTarget> soft = {});

}  // namespace bantam::ops
