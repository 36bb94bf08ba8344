// The small products that attention and its gradient are made of, over float32 in scratch memory.
//
// Scores are dots over head_dim in 16 lanes (lane = index mod 16, missing ones zero). With keys
// transposed (a "panel": blocks of 16 keys, in a block for each dimension the 16 keys' values) a
// vector holds 16 keys, each lane of the definition is an accumulator, and the tree that folds the
// lanes is plain vector sums. With keys in rows the accumulators of 16 keys are folded together.
#if defined(BANTAM_KERNELS_ATTENTION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BANTAM_KERNELS_ATTENTION_INL_H_
#undef BANTAM_KERNELS_ATTENTION_INL_H_
#else
#define BANTAM_KERNELS_ATTENTION_INL_H_
#endif

#include "kernels/elementwise/attention_layout.h"
#include "kernels/elementwise/attention_rows-inl.h"
#include "kernels/elementwise/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bantam::kernels {
namespace HWY_NAMESPACE {

HWY_INLINE std::int64_t round_up16(std::int64_t n) { return (n + 15) & ~std::int64_t{15}; }
HWY_INLINE std::int64_t least(std::int64_t a, std::int64_t b) { return a < b ? a : b; }
HWY_INLINE std::int64_t most(std::int64_t a, std::int64_t b) { return a > b ? a : b; }

// ---- copies
// --------------------------------------------------------------------------------------

// Elements [column, column + width) of a row that is written or added to, from padded float32.
inline void write_row(const Into& into, std::int64_t row, std::int64_t column, std::int64_t width,
                      const float* from, float scale) {
  const IntoRow<AnyElement> to(into, row);
  each16(width, [&](std::int64_t d, auto some) {
    to.put(column + d, load(from + d) * lanes(scale), some);
  });
}
HWY_INLINE void fill_zero(float* to, std::int64_t count) {  // a multiple of 16
  for (std::int64_t i = 0; i < count; i += 16) store(to + i, lanes(0));
}

// Columns d ... d+3 of 16 rows (`stride` apart) as 4 vectors of 16.
HWY_INLINE void transpose4(const float* rows, std::int64_t stride, float* to) {
#if HWY_TARGET == HWY_SCALAR
  for (int d = 0; d < 4; ++d)
    for (int l = 0; l < 16; ++l) to[d * 16 + l] = rows[l * stride + d];
#else
  // In each 128-bit block four rows are transposed, 4 by 4.
  const FloatTag f;
  const hn::RepartitionToWide<hn::RebindToUnsigned<FloatTag>> pairs;
  for (int p = 0; p < kParts; ++p) {
    const float* first_row = rows + p * kWidth * stride;
    const auto blocks = [&](int i) {
      Vec x = hn::LoadDup128(f, first_row + i * stride);
      for (int b = 1; b < kWidth / 4; ++b)
        x = hn::IfThenElse(hn::FirstN(f, static_cast<std::size_t>(4 * b)), x,
                           hn::LoadDup128(f, first_row + (4 * b + i) * stride));
      return x;
    };
    const Vec x0 = blocks(0), x1 = blocks(1), x2 = blocks(2), x3 = blocks(3);
    const auto low01 = hn::BitCast(pairs, hn::InterleaveLower(f, x0, x1));
    const auto high01 = hn::BitCast(pairs, hn::InterleaveUpper(f, x0, x1));
    const auto low23 = hn::BitCast(pairs, hn::InterleaveLower(f, x2, x3));
    const auto high23 = hn::BitCast(pairs, hn::InterleaveUpper(f, x2, x3));
    float* out = to + p * kWidth;
    store_vec(out, hn::BitCast(f, hn::InterleaveLower(pairs, low01, low23)));
    store_vec(out + 16, hn::BitCast(f, hn::InterleaveUpper(pairs, low01, low23)));
    store_vec(out + 32, hn::BitCast(f, hn::InterleaveLower(pairs, high01, high23)));
    store_vec(out + 48, hn::BitCast(f, hn::InterleaveUpper(pairs, high01, high23)));
  }
#endif
}

// One block of a panel from 16 float32 rows of `width` (a multiple of 16) elements.
HWY_INLINE void fill_block(const float* rows, std::int64_t width, float* block) {
  for (std::int64_t d = 0; d < width; d += 4) transpose4(rows + d, width, block + d * 16);
}

// ---- dots over a panel --------------------------------------------------------------------------

// The dots of Q queries with B blocks of 16 keys; X lanes (l, l + 16/X, ...) at a time, so that few
// partial sums wait in memory and each load feeds several multiply-adds. `width` is a multiple
// of 16.
template <std::size_t Q, std::size_t B, std::size_t X>
struct DotTile {
  struct Sums {
    Lanes at[Q * B];
  };
  static constexpr int kCount = Q * B, kLanes = X, kStep = 16 / X;
  const float* queries;
  std::int64_t query_stride;
  const float* panel;
  std::int64_t block_stride, width;

  static HWY_INLINE Sums add(const Sums& a, const Sums& b) {
    Sums out;
    repeat<kCount>([&](auto i) BANTAM_INLINED { out.at[i.value] = a.at[i.value] + b.at[i.value]; });
    return out;
  }
  // The chains of lane l (and l + 8), added.
  HWY_INLINE Sums leaf(std::int64_t l) const {
    static_assert(X <= 2);
    Sums sums[X];
    repeat<kLanes>([&](auto x) BANTAM_INLINED {
      repeat<kCount>([&](auto i) BANTAM_INLINED { sums[x.value].at[i.value] = lanes(0); });
    });
    const float* key = panel + l * 16;
    const float* query = queries + l;
    for (std::int64_t d = 0; d < width; d += 16, key += 256, query += 16)
      repeat<kLanes>([&](auto x) BANTAM_INLINED {
        Lanes keys[B];
        repeat<int{B}>([&](auto b) BANTAM_INLINED {
          keys[b.value] = load(key + b.value * block_stride + x.value * kStep * 16);
        });
        repeat<int{Q}>([&](auto q) BANTAM_INLINED {
          const Lanes one = lanes(query[q.value * query_stride + x.value * kStep]);
          repeat<int{B}>([&](auto b) BANTAM_INLINED {
            Lanes& sum = sums[x.value].at[q.value * int{B} + b.value];
            sum = fma(one, keys[b.value], sum);
          });
        });
      });
    if constexpr (X == 2) return add(sums[0], sums[1]);
    return sums[0];
  }
  // r[l] = r[l] + r[l + Distance], from the leaves up.
  template <int Distance>
  HWY_INLINE Sums tree(std::int64_t l) const {
    if constexpr (Distance == kStep) {
      return leaf(l);
    } else {
      const Sums first = tree<Distance * 2>(l);
      return add(first, tree<Distance * 2>(l + Distance));
    }
  }
  HWY_INLINE void run(float* scores, std::int64_t score_stride) const {
    const Sums sums = tree<1>(0);
    repeat<kCount>([&](auto i) BANTAM_INLINED {
      constexpr int q = i.value / int{B}, b = i.value % int{B};
      store(scores + q * score_stride + b * 16, sums.at[i.value]);
    });
  }
};

// scores[q * score_stride + j] = dot(queries[q], key j) for `blocks` blocks of keys. The number of
// queries is rounded up to a multiple of 4.
inline void dots(const float* queries, std::int64_t query_stride, std::int64_t query_count,
                 const float* panel, std::int64_t block_stride, std::int64_t blocks,
                 std::int64_t width, float* scores, std::int64_t score_stride) {
  // As many as the registers hold.
  constexpr std::size_t kBlocks = kParts == 1 ? 2 : 1, kLanes = kParts == 1 ? 2 : 1;
  for (std::int64_t b = 0; b < blocks;) {
    const bool whole = b + std::int64_t{kBlocks} <= blocks;
    for (std::int64_t q = 0; q < query_count; q += 4) {
      const float* query = queries + q * query_stride;
      const float* keys = panel + b * block_stride;
      float* to = scores + q * score_stride + b * 16;
      if (whole)
        DotTile<4, kBlocks, kLanes>{query, query_stride, keys, block_stride, width}.run(
            to, score_stride);
      else
        DotTile<4, 1, kLanes>{query, query_stride, keys, block_stride, width}.run(to, score_stride);
    }
    b += whole ? std::int64_t{kBlocks} : 1;
  }
}

// ---- dots over keys in rows
// ----------------------------------------------------------------------

#if HWY_CAP_GE512
// The tree of 16 accumulators at once, for registers of 16 lanes: lane i of the result is the fold
// of a[i]. Each step halves what is left of every accumulator and puts two into one register.
HWY_INLINE Vec fold16(const Vec (&a)[16]) {
  const FloatTag f;
  const hn::RepartitionToWide<hn::RebindToUnsigned<FloatTag>> pairs;
  const auto eights = [&](int x, int y) {  // l, l + 8: [x0 x1 y0 y1] in blocks of four
    return hn::Add(hn::ConcatLowerLower(f, a[y], a[x]), hn::ConcatUpperUpper(f, a[y], a[x]));
  };
  const auto fours = [&](int x, int z, int y, int w) {  // l, l + 4: [x z y w]
    const Vec xy = eights(x, y), zw = eights(z, w);
    return hn::Add(hn::OddEvenBlocks(hn::SwapAdjacentBlocks(zw), xy),
                   hn::OddEvenBlocks(zw, hn::SwapAdjacentBlocks(xy)));
  };
  const auto twos = [&](int i) {  // l, l + 2: pairs of keys i, i+1 | i+2, i+3 | ...
    const auto even = hn::BitCast(pairs, fours(i, i + 2, i + 4, i + 6));
    const auto odd = hn::BitCast(pairs, fours(i + 1, i + 3, i + 5, i + 7));
    return hn::Add(hn::BitCast(f, hn::InterleaveLower(pairs, even, odd)),
                   hn::BitCast(f, hn::InterleaveUpper(pairs, even, odd)));
  };
  const Vec low = twos(0), high = twos(8);
  return hn::Add(hn::ConcatEven(f, high, low), hn::ConcatOdd(f, high, low));
}
#endif

// Dots of Q <= 4 queries with rows of keys as they are stored, each key being read and widened once
// for all queries. `width` is a multiple of the rows' step.
//
// With registers of 16 lanes K = 16, 8 or 4 keys are met at a time, so that sixteen accumulators
// are folded in one go; lane (q, k) of the fold is q * K + k.
template <std::size_t Q, class Rows>
struct DotsOfRows {
  static constexpr int kStep = Rows::kStep;
  static constexpr std::size_t kPieces = kStep / 16;
  const float* queries;
  std::int64_t query_stride;
  Rows keys;
  std::int64_t width;
  float* scores;
  std::int64_t score_stride;

  HWY_INLINE void one(std::int64_t j) const {
    Lanes sums[Q];
    repeat<int{Q}>([&](auto q) BANTAM_INLINED { sums[q.value] = lanes(0); });
    for (std::int64_t d = 0; d < width; d += kStep) {
      Lanes key[kPieces];
      keys.row(j, d).pieces(key);
      repeat<int{kPieces}>([&](auto p) BANTAM_INLINED {
        repeat<int{Q}>([&](auto q) BANTAM_INLINED {
          const float* query = queries + q.value * query_stride + d + p.value * 16;
          sums[q.value] = fma(load(query), key[p.value], sums[q.value]);
        });
      });
    }
    repeat<int{Q}>(
        [&](auto q) BANTAM_INLINED { scores[q.value * score_stride + j] = sum(sums[q.value]); });
  }
#if HWY_CAP_GE512
  static constexpr int kKeys = Q == 1 ? 16 : Q == 2 ? 8 : 4;
  HWY_INLINE void several(std::int64_t j) const {
    Vec sums[16];
    repeat<16>([&](auto i) BANTAM_INLINED { sums[i.value] = hn::Zero(FloatTag()); });
    for (std::int64_t d = 0; d < width; d += kStep) {
      Vec query[Q * kPieces];
      repeat<int{Q * kPieces}>([&](auto i) BANTAM_INLINED {
        constexpr int q = i.value / int{kPieces}, p = i.value % int{kPieces};
        query[i.value] = load_vec(queries + q * query_stride + d + p * 16);
      });
      repeat<kKeys>([&](auto k) BANTAM_INLINED {
        if constexpr (Rows::kAsks)
          if (d % 32 == 0) keys.row(j + k.value + kRowsAhead).ask(d);
        Lanes key[kPieces];
        keys.row(j + k.value, d).pieces(key);
        repeat<int{kPieces}>([&](auto p) BANTAM_INLINED {
          repeat<int{Q}>([&](auto q) BANTAM_INLINED {
            Vec& sum = sums[q.value * kKeys + k.value];
            sum = fma(query[q.value * int{kPieces} + p.value], key[p.value].part[0], sum);
          });
        });
      });
    }
    HWY_ALIGN float folded[16];
    store_vec(folded, fold16(sums));
    repeat<int{Q}>([&](auto q) BANTAM_INLINED {
      __builtin_memcpy(scores + q.value * score_stride + j, folded + q.value * kKeys,
                       kKeys * sizeof(float));
    });
  }
#endif
  HWY_INLINE void run(std::int64_t count) const {
    std::int64_t j = 0;
#if HWY_CAP_GE512
    for (; j + kKeys <= count; j += kKeys) several(j);
#endif
    for (; j < count; ++j) one(j);
  }
};

// scores[q * score_stride + j] = dot(query q, row j of keys) for `count` rows.
template <class Rows>
void dots_of_rows(const float* queries, std::int64_t query_stride, std::int64_t query_count,
                  const Rows& keys, std::int64_t count, std::int64_t width, float* scores,
                  std::int64_t score_stride) {
  const auto go = [&](auto q, std::int64_t first) {
    DotsOfRows<q.value, Rows>{queries + first * query_stride, query_stride, keys, width,
                              scores + first * score_stride,  score_stride}
        .run(count);
  };
  for (std::int64_t first = 0; first < query_count; first += 4) {
    const std::int64_t some = query_count - first;
    if (some == 1)
      go(Index<1>(), first);
    else if (some == 2)
      go(Index<2>(), first);
    else if (some == 3)
      go(Index<3>(), first);
    else
      go(Index<4>(), first);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace bantam::kernels
HWY_AFTER_NAMESPACE();

#endif  // toggled guard
