// The table of kernels: the arithmetic of the program, one row an instruction set. Filled once from
// what the processor has (detect.h); planning runs the same program with empty_kernels().
//
// Every kernel works on a range of rows (or columns, or tasks) so that the caller splits the work
// over the pool; it never allocates, never throws, and its result for a row does not depend on the
// range. Same bytes from every row of the table: multiply-adds are fused, reductions use 16 virtual
// lanes folded in one tree (lanes-inl.h), and exp, tanh, sin, cos, log and pow are ours.
//
// "Activation" views are f32 or bf16 (what lies between ops in bf16 training); arithmetic inside is
// f32 and a bf16 result is rounded once, to nearest even. Where an argument has `add`, the kernel
// adds to what the view holds (read as f32, added, rounded once) instead of writing it.
#pragma once

#include <cstdint>

#include "base/view.h"
#include "kernels/gemm/blocks.h"

namespace bantam::kernels {

// A result that is written, or added to what is there.
struct Into {
  View view;
  bool add = false;
};

// ---- element-wise and by rows ------------------------------------------------------------------

// y = x / sqrt(mean(x^2) + eps) * gain; inv[row] = 1 / sqrt(mean(x^2) + eps). x, y [T,D]; gain f32
// [D]; inv f32 [T] or null.
struct RmsNormArgs {
  ConstView x;
  const float* gain;
  float eps;
  View y;
  float* inv;
};
// dx of the above: inv * (g dy - x * inv^2 * mean(g dy x)).
struct RmsNormBackArgs {
  ConstView dy, x;
  const float* gain;
  const float* inv;
  Into dx;
};
// dgain[d] (f32) continued by one chain of FMAs over the rows: fma(dy * x, inv, dgain) hence
// rounded as fma(round(dy x), inv, dgain). The range is of columns.
struct RmsNormGainBackArgs {
  ConstView dy, x;
  const float* inv;
  float* dgain;
};

// y = (x - mean(x)) / sqrt(mean((x - mean(x))^2) + eps) * gain + bias; gain and bias f32 [D] or
// null. mean, inv (1 / the root): f32 [T] or null.
struct LayerNormArgs {
  ConstView x;
  const float* gain;
  const float* bias;
  float eps;
  View y;
  float* mean;
  float* inv;
};
// dx of the above: inv * (g dy - mean(g dy) - xh mean(g dy xh)), xh = (x - mean) * inv.
struct LayerNormBackArgs {
  ConstView dy, x;
  const float* gain;  // or null
  const float* mean;
  const float* inv;
  Into dx;
};
// Chains over the rows, continued: dgain = fma(dy * (x - mean), inv, dgain), dbias = dbias + dy;
// f32 [D], either may be null. The range is of columns.
struct LayerNormGainBackArgs {
  ConstView dy, x;
  const float* mean;
  const float* inv;
  float* dgain;
  float* dbias;
};

// The non-linearity of a feed-forward block: x sigmoid(x); 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715
// x^3))); 0.5 x (1 + erf(x / sqrt(2))); max(x, 0); its square.
enum class Activation : std::uint8_t { silu, gelu_tanh, gelu_erf, relu, relu2 };
// y = act(gate) * up, or act(gate) when up.data is null. [T,F] each; the views may be strided parts
// of one wider tensor.
struct GluArgs {
  Activation activation;
  ConstView gate, up;
  View y;
};
struct GluBackArgs {  // a gradient without memory is left out, here and in attention
  Activation activation;
  ConstView dy, gate, up;
  Into dgate, dup;
};

// y = a + b (by rows).
struct AddArgs {
  ConstView a, b;
  View y;
};
// y = x + bias; bias f32 [D].
struct AddBiasArgs {
  ConstView x;
  const float* bias;
  View y;
};
// y = factor * x.
struct ScaleArgs {
  ConstView x;
  float factor;
  Into y;
};
// y = cap * tanh(x / cap): bounded logits. dx = dy * (1 - (y / cap)^2).
struct SoftcapArgs {
  ConstView x;
  float cap;
  View y;
};
struct SoftcapBackArgs {
  ConstView dy, y;
  float cap;
  Into dx;
};
// Rows converted between f32, bf16 and f16 (to nearest even), or added to `to`.
struct ConvertArgs {
  ConstView from;
  Into to;
};

// Rotates pairs (i, i + half) of the first 2*half elements of each head, the rest is copied:
// y_i = x_i c - x_{i+half} s, y_{i+half} = x_{i+half} c + x_i s, with c and s at table rows
// `positions[t]`: [half] cosines then [half] sines, f32. `inverse` turns back (sine negated): the
// gradient. x, y [T, heads*head_dim].
struct RopeArgs {
  ConstView x;
  Into y;
  const std::int32_t* positions;
  const float* table;
  std::int64_t heads, head_dim, half;
  bool inverse;
};

// Attention of query rows over keys and values. Row t of q attends to the stored rows key_first[t]
// ... key_first[t] + key_count[t] - 1 of k and v. The element (row, head, d) of k lies at
// k.data[(row * row_stride + head * head_stride + d) * size]; types f32, f16, bf16. Query head h
// uses stored head h / (heads / kv_heads). Scores: dot of q and k in 16 lanes, times scale, (then
// cap * tanh(score / cap) when cap > 0); e_j = exp(s_j - max); the sum of e in 16 lanes by j -
// key_first; a count of 0 or less: no keys, and zeros; out = (chain over rising j of fma(e_j, v_j, .)) * (1 / sum). lse[t*heads+h] = max +
// log(sum) when not null.
struct KeyValues {
  const std::byte* k;
  const std::byte* v;
  Type type;
  std::int64_t row_stride, head_stride;
};
struct AttentionArgs {
  ConstView q;  // [T, heads*head_dim], f32 or bf16
  KeyValues kv;
  const std::int32_t* key_first;
  const std::int32_t* key_count;
  std::int64_t heads, kv_heads, head_dim;
  float scale, cap;
  View out;  // [T, heads*head_dim]
  float* lse;
};

// A part of one row's attention, for when rows and stored heads are too few for all threads: first
// the scores by ranges of keys, then the weights by query head, then the values by ranges of
// columns, each stage done before the next begins. The same bytes as `attention`.
struct AttentionPart {
  enum class Stage { score, weigh, mix } stage;
  std::int64_t row, head;   // a stored head; in `weigh` a query head
  std::int64_t begin, end;  // of the row's keys (score) or of head_dim (mix: multiples of 32)
  float* scores;            // [heads, stride], of this row alone
  std::int64_t stride;      // at least the row's keys, rounded up to 16
  float* scales;            // [heads]
};

// Scratch floats that a worker needs: forward for rows with at most `keys` keys each, backward for
// documents of at most `rows` rows. (Forward alone: rows = 0.)
std::int64_t attention_scratch(std::int64_t keys, std::int64_t rows, std::int64_t head_dim);

// Backward for self-attention over documents that lie one after another in the rows: document i is
// rows [start[i], start[i+1]); row t attends to its document's rows from max(start, t - window + 1)
// to t. A task is (document, stored head): task = document * kv_heads + head. dk and dv are sums
// over the query heads of the group, then rows, in rising order. Gradients without memory are left
// out.
struct AttentionBackArgs {
  ConstView q, k, v, out, dout;  // [T, heads*head_dim] and [T, kv_heads*head_dim], f32 or bf16
  const float* lse;
  const std::int32_t* start;
  std::int64_t heads, kv_heads, head_dim, window;  // window: T or more for none
  float scale, cap;
  Into dq, dk, dv;
};

// Rows of logits [R,V] f32 to losses and, in place, gradients. loss[r] = weight[r] * (log sum exp -
// logit[target]); logits become weight * (softmax - onehot), f32 or rounded into `gradient` when
// that is set (bf16 [R,V]). weight 0: loss 0 and a row of zeros. target < 0 likewise.
struct CrossEntropyArgs {
  View logits;
  const std::int32_t* targets;
  const float* weights;
  float* losses;
  View gradient;  // data null: only losses; may be the logits themselves (f32)
};

// column[n] = chain over rows of (column + x[row,n]); the range is of columns.
struct ColumnSumArgs {
  ConstView x;
  float* column;
};

// y[t] = table[ids[t]], decoded from any type. y [T,D] f32 or bf16.
struct GatherArgs {
  ConstView table;
  const std::int32_t* ids;
  View y;
};
// dtable[ids[t]] += dy[t] for rising t (f32 [V,D]). The range is of columns.
struct ScatterAddArgs {
  ConstView dy;
  const std::int32_t* ids;
  float* dtable;
  std::int64_t dtable_stride;
};

// ---- optimisers, over flat ranges of f32 --------------------------------------------------------

// Decoupled weight decay Adam (Loshchilov & Hutter 2019, algorithm 2): m, v moments; g is scaled by
// `clip` first; step_size = lr / (1 - beta1^t), v_scale = 1 / (1 - beta2^t); p *= 1 - lr*decay.
struct AdamArgs {
  float* p;
  const float* g;
  float* m;
  float* v;
  float clip, lr, step_size, v_scale, beta1, beta2, eps, decay;
};
// y = a x + b y elementwise: fma(a, x, b * y).
struct AxpbyArgs {
  const float* x;
  float* y;
  float a, b;
};
// y[r, 0 ... columns) = sums + bias, or y + (sums + bias), for rows r of the range; sums of 16
// columns (a strip) lie together: [strip][rows of a strip][16]. Every NaN is written as the same.
struct WriteStripsArgs {
  const float* sums;
  std::int64_t strip_size;  // floats from strip to strip
  std::int64_t columns;
  const float* bias;  // may be null
  bool add;
  float* y;
  std::int64_t y_stride;
};
// out[i] for each block i of 4096 elements: the sum of squares, 16 lanes, folded. The range is of
// blocks; `count` is the number of elements.
struct SquareSumArgs {
  const float* x;
  std::int64_t count;
  float* out;
};

// ---- products
// ------------------------------------------------------------------------------------
// Micro-kernels for the drivers of gemm/*.h; see there for layouts.

struct DotBlock {  // y[r][c] = fold of 16 lanes of x[r][k] w[c][k]
  const float* x;
  std::int64_t x_stride;
  const std::byte* w;
  std::int64_t w_stride;  // elements
  std::int64_t k;
  float* y;
  std::int64_t y_stride;
  std::int64_t rows, columns;  // any; the kernel goes over them in its own tiles
  const float* bias;           // per column, or null
  bool add;                    // y += value (+ bias)
};
struct ChainBlock {  // c[i][j] continued from c (or 0): fma(a(i,k), b[k][j], .) for rising k
  const float* a;
  std::int64_t a_row, a_k;  // strides of a
  const float* b;
  std::int64_t b_stride;
  std::int64_t k;
  float* c;
  std::int64_t c_stride;
  std::int64_t rows, columns;
  bool resume;
};

struct PackSource {  // a factor in memory; element (i, k) at i*stride + k, or k*stride + i
  const std::byte* data;
  Type type;  // f32, bf16
  std::int64_t stride;
  bool k_contiguous;
};
struct PackStep {  // 32 rows (A) or columns (B) by 32 k into two tiles of 16 x 32, zero padded
  PackSource source;
  std::int64_t i, rows, k, depth;
  std::uint16_t* out;  // 1024 bf16
};
struct PanelBlock {  // sums[32][32] (+)= panel of a times panel of b over `steps` steps of 32 k
  const std::uint16_t* a;
  const std::uint16_t* b;
  std::int64_t steps;
  float* sums;
  bool resume;
  std::int64_t rows = 32;  // of a; what the kernel leaves in the sums of others is undefined
};
struct PanelWrite {  // a finished block: bias, then written, added, or rounded to bf16
  const float* sums;
  std::int64_t rows, columns;
  View c;  // first element of the block; stride of the whole matrix
  bool add;
  const float* bias;
};
struct PanelRead {  // the sums a block continues from (gradients accumulated in place), f32
  ConstView c;
  std::int64_t rows, columns;
  float* sums;
};

// f32 rows to int8 in groups of 32. Tiles of 16 rows; in a tile, groups; in a group, rows of 32
// bytes; the scales and sums of a group's 16 rows side by side.
struct QuantiseRows {
  ConstView x;
  std::int8_t* q;
  std::int8_t* q_low;  // or null: one plane; else 15 bits in two planes, 128 q + q_low
  float* scales;
  std::int32_t* sums;    // of a group's 32 numbers
  std::int32_t* firsts;  // of its first 16
};
struct StripWeights {  // groups of one strip; see gemm/blocks.h
  BlockLayout layout;
  const std::uint8_t* codes;
  const std::byte* scales;
  const std::int8_t* subs;
};
struct StripBlock {  // strips of 16 outputs times one tile of rows
  StripWeights w;
  const std::int8_t* a;
  const std::int8_t* a_low;  // or null
  const float* a_scales;
  const std::int32_t* a_sums;
  const std::int32_t* a_firsts;
  std::int64_t groups;  // from one whose scales begin a record
  float* sums;
  std::int64_t stride, rows;  // up to 16 rows; the tile has memory for all of them
  bool resume;
  // Strips that lie one after the other, the sums of each 16 rows after those of the one before:
  // `strip` takes more than one (whole ones), strip_tall where `tall_starts`. Short strips cost what a
  // call costs.
  std::int64_t strips = 1;
  // Whether a single strip comes from memory, as several do: what comes next is asked for meanwhile.
  bool fetch = false;
  // Where `tall_starts`, for whole groups: what the codes have added to a row's whole numbers, to begin
  // from: its sum times the smallest number, or of bytes, whose sign is flipped, times -128.
  const std::int32_t* a_starts = nullptr;
  // With `tall_starts` strip_tall takes two strips (not of parts == 2) that are not whole or whose sums
  // do not follow each other: bytes of codes, groups of scales and numbers of sums from one to the other.
  // They should lie in L1. groups_step is also where the strip lies that is asked
  // for while one is multiplied; 0: behind it.
  std::int64_t codes_step = 0, groups_step = 0, sums_step = 0;
};
struct UnpackCodes {  // groups of a strip to a byte each, as layout.unpacked(as_codes) has them
  BlockLayout layout;
  const std::uint8_t* codes;
  std::int64_t groups;
  std::uint8_t* out;
  bool as_codes = false;
};

// A kernel that is called on a range.
template <class Args>
using RangeKernel = void (*)(const Args&, std::int64_t begin, std::int64_t end) noexcept;
template <class Args>
using BlockKernel = void (*)(const Args&) noexcept;

struct Kernels {
  const char* name = "scalar";
  bool empty = false;  // planning: what touches memory beside the kernels does nothing either
  bool tiles = false;  // panel_block is so fast that blocks are shaped for the caches' sake

  RangeKernel<RmsNormArgs> rms_norm;
  RangeKernel<RmsNormBackArgs> rms_norm_back;
  RangeKernel<RmsNormGainBackArgs> rms_norm_gain_back;
  RangeKernel<LayerNormArgs> layer_norm;
  RangeKernel<LayerNormBackArgs> layer_norm_back;
  RangeKernel<LayerNormGainBackArgs> layer_norm_gain_back;
  RangeKernel<GluArgs> glu;
  RangeKernel<GluBackArgs> glu_back;
  RangeKernel<AddArgs> add;
  RangeKernel<AddBiasArgs> add_bias;
  RangeKernel<ScaleArgs> scale;
  RangeKernel<SoftcapArgs> softcap;
  RangeKernel<SoftcapBackArgs> softcap_back;
  RangeKernel<ConvertArgs> convert;
  RangeKernel<RopeArgs> rope;
  // The range is of (row, stored head) pairs: row * kv_heads + head.
  void (*attention)(const AttentionArgs&, std::int64_t begin, std::int64_t end,
                    float* scratch) noexcept;
  void (*attention_part)(const AttentionArgs&, const AttentionPart&, float* scratch) noexcept;
  void (*attention_back)(const AttentionBackArgs&, std::int64_t task, float* scratch) noexcept;
  RangeKernel<CrossEntropyArgs> cross_entropy;
  RangeKernel<ColumnSumArgs> column_sum;
  RangeKernel<GatherArgs> gather;
  RangeKernel<ScatterAddArgs> scatter_add;
  RangeKernel<AdamArgs> adam;
  RangeKernel<AxpbyArgs> axpby;
  RangeKernel<SquareSumArgs> square_sum;
  RangeKernel<WriteStripsArgs> write_strips;

  BlockKernel<DotBlock> dot_f32, dot_f16, dot_bf16;  // by the type of w
  BlockKernel<ChainBlock> chain;
  BlockKernel<PackStep> pack_a, pack_b;
  BlockKernel<PanelBlock> panel_block;
  BlockKernel<PanelWrite> panel_write;
  BlockKernel<PanelRead> panel_read;
  RangeKernel<QuantiseRows> quantise_rows;
  BlockKernel<UnpackCodes> unpack_codes;
  BlockKernel<StripBlock> strip;       // codes of any width; few rows are read as they stream in
  BlockKernel<StripBlock> strip_tall;  // codes unpacked, more than 8 rows (tiles where faster)
  bool tall_as_codes = false;          // strip_tall is faster on narrow codes than on numbers
  bool tall_starts = false;            // strip_tall takes a_starts
  // Up to so many rows narrow codes are sooner taken by `strip` as they lie than by strip_tall unpacked.
  std::int64_t narrow_rows = 8;
  // Around work on tiles, once a task: AMX configures and releases; elsewhere nothing.
  void (*tiles_begin)() noexcept;     // for panel_block
  void (*tiles_begin_q8)() noexcept;  // for strip_tall
  void (*tiles_end)() noexcept;
};

// What this processor and operating system offer, limited by the environment variable BANTAM_ISA.
enum class Isa : std::uint8_t { scalar, avx2, avx512, amx, neon };
const char* isa_name(Isa isa);
// The highest row usable here; throws Error when BANTAM_ISA names none, or one this machine lacks.
Isa best_isa();
// Every row usable here, scalar first: what tests compare.
bool isa_available(Isa isa);
Kernels kernels_for(Isa isa);
// Kernels that do nothing: a run with them only counts.
Kernels empty_kernels();

}  // namespace bantam::kernels
