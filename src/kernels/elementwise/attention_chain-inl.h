// Chains: sums over keys in rising order, which attention's values and its gradient are made of.
#if defined(BANTAM_KERNELS_ATTENTION_CHAIN_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BANTAM_KERNELS_ATTENTION_CHAIN_INL_H_
#undef BANTAM_KERNELS_ATTENTION_CHAIN_INL_H_
#else
#define BANTAM_KERNELS_ATTENTION_CHAIN_INL_H_
#endif

#include "kernels/elementwise/attention_layout.h"
#include "kernels/elementwise/attention_rows-inl.h"
#include "kernels/elementwise/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bantam::kernels {
namespace HWY_NAMESPACE {

// R rows whose sums continue over their own ranges of steps; `low` to `high` is common to all.
template <std::size_t R>
struct Ragged {
  std::int64_t begin[R], end[R];
  std::int64_t low, high;  // low <= high; if there is nothing in common, any place between
};

// sums[r][...] continued: fma(factors[r * row + i * step], x[i][...], .) over rising i, for R rows
// and C pieces of 16 columns, from `column` on.
template <std::size_t R, std::size_t C, class Rows>
struct ChainTile {
  const float* factors;
  std::int64_t row, step;
  Rows x;
  std::int64_t column;
  float* sums;
  std::int64_t sums_stride;

  struct Registers {
    Lanes at[R * C];
  };
  template <class F>
  static HWY_INLINE void each(F f) {
    repeat<int{R}>([&](auto r) BANTAM_INLINED {
      repeat<int{C}>([&](auto c) BANTAM_INLINED { f(r, c, Index<r.value* int{C} + c.value>()); });
    });
  }
  HWY_INLINE void load_sums(Registers& acc) const {
    each([&](auto r, auto c, auto i) BANTAM_INLINED {
      acc.at[i.value] = load(sums + r.value * sums_stride + c.value * 16);
    });
  }
  HWY_INLINE void store_sums(const Registers& acc) const {
    each([&](auto r, auto c, auto i) BANTAM_INLINED {
      store(sums + r.value * sums_stride + c.value * 16, acc.at[i.value]);
    });
  }
  HWY_INLINE void together(Registers& acc, std::int64_t begin, std::int64_t end) const {
    for (std::int64_t i = begin; i < end; ++i) {
      if constexpr (Rows::kAsks) {
        repeat<(C + 1) / 2>([&](auto line) BANTAM_INLINED {
          x.row(i + kRowsAhead, column).ask(line.value * 32);
        });
      }
      Lanes values[C];
      x.row(i, column).pieces(values);
      repeat<int{R}>([&](auto r) BANTAM_INLINED {
        const Lanes factor = lanes(factors[r.value * row + i * step]);
        repeat<int{C}>([&](auto c) BANTAM_INLINED {
          Lanes& sum = acc.at[r.value * int{C} + c.value];
          sum = fma(factor, values[c.value], sum);
        });
      });
    }
  }
  HWY_INLINE void alone(Registers& acc, const Ragged<R>& rows, std::int64_t begin,
                        std::int64_t end) const {
    for (std::int64_t i = begin; i < end; ++i)
      repeat<int{R}>([&](auto r) BANTAM_INLINED {
        if (i < rows.begin[r.value] || i >= rows.end[r.value]) return;
        const Lanes factor = lanes(factors[r.value * row + i * step]);
        Lanes values[C];
        x.row(i, column).pieces(values);
        repeat<int{C}>([&](auto c) BANTAM_INLINED {
          Lanes& sum = acc.at[r.value * int{C} + c.value];
          sum = fma(factor, values[c.value], sum);
        });
      });
  }
  HWY_INLINE void run(std::int64_t steps) const {
    Registers acc;
    load_sums(acc);
    together(acc, 0, steps);
    store_sums(acc);
  }
  HWY_INLINE void run(const Ragged<R>& rows, std::int64_t steps) const {
    Registers acc;
    load_sums(acc);
    alone(acc, rows, 0, rows.low);
    together(acc, rows.low, rows.high);
    alone(acc, rows, rows.high, steps);
    store_sums(acc);
  }
};

// The same for a width that is any multiple of 16. `steps`: their number, and for Ragged before it
// the ranges.
template <std::size_t R, class Rows, class... Steps>
void chain_rows(const float* factors, std::int64_t row, std::int64_t step, const Rows& x,
                float* sums, std::int64_t sums_stride, std::int64_t width, const Steps&... steps) {
  constexpr std::int64_t kPieces = kParts == 1 ? 4 : 1;
  std::int64_t d = 0;
  for (; d + 16 * kPieces <= width; d += 16 * kPieces)
    ChainTile<R, kPieces, Rows>{factors, row, step, x, d, sums + d, sums_stride}.run(steps...);
  if constexpr (kPieces > 1) {
    for (; d + 32 <= width; d += 32)
      ChainTile<R, 2, Rows>{factors, row, step, x, d, sums + d, sums_stride}.run(steps...);
    for (; d < width; d += 16)
      ChainTile<R, 1, Rows>{factors, row, step, x, d, sums + d, sums_stride}.run(steps...);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace bantam::kernels
HWY_AFTER_NAMESPACE();

#endif  // toggled guard
