// Strips of block-type weights times rows of activations, and codes unpacked: included once a file,
// within its target marks, its namespace and an anonymous one. Written over a vector unit S:
//
//   kColumns   outputs that a vector holds (16, 8, 4); kMostRows: rows that its registers hold
//   B, W       vectors of 4 * kColumns bytes, as bytes and as 16-bit numbers (unsigned)
//   I, F       kColumns int32, float32
//   load(p)    B from memory; half(p): F from half precision; bytes(p): I from signed bytes
//   fma(a, b, c); all(x), all_ints(x): F, I of one number
//   lookup(table, codes)   each of the codes in a table of 16 bytes, repeated in every 16
//   kFlips     whether dot4 takes bytes unsigned: then 128 is added to those that are signed
//   dot4<C>(codes, a)      I: for each output the sum over 16 k of four rows of codes times a
//   times_128(i)
//   kBothHalves            whether there is dot8<C>(codes, more, a, first, second), which adds two dot4
//   kFast                  whether the products of a row are much faster than memory
//
// Units are exact, so what they differ in is speed.

#include "kernels/gemm/scales-inl.h"

// Four rows of codes, 16 k: those of one half of a group.
template <class S, class C, int half, bool flipped>
BANTAM_INLINE void read_codes(const std::uint8_t* w, typename S::B table,
                              typename S::B (&codes)[4]) {
  codes[0] = C::template row<S, 4 * half, flipped>(w, table);
  codes[1] = C::template row<S, 4 * half + 1, flipped>(w, table);
  codes[2] = C::template row<S, 4 * half + 2, flipped>(w, table);
  codes[3] = C::template row<S, 4 * half + 3, flipped>(w, table);
}

// The table repeated along a vector.
template <class S>
BANTAM_INLINE typename S::B table_of(const std::int8_t* table, bool flipped) {
  typename S::B v = {};
  if (table == nullptr) return v;
  for (int i = 0; i < 4 * S::kColumns; i += 16)
    __builtin_memcpy(reinterpret_cast<char*>(&v) + i, table, 16);
  return flipped ? v ^ 128 : v;
}

// What the scales of a group come to.
enum class Kind {
  plain,   // a d in half precision for each group
  whole,   // d, maybe a sub-scale and a minimum, of whole groups
  halves,  // sub-scales, maybe minima, of half groups
};

// The weights of one group.
struct GroupWeights {
  const std::uint8_t* codes;
  const std::byte* scales;
  const std::int8_t* subs;
};
// The activations of one group.
struct GroupInput {
  const std::int8_t* a;
  const std::int8_t* low;
  const float* scales;
  const std::int32_t* sums;
  const std::int32_t* firsts;
  const std::int32_t* starts;
};

// What codes that are not the numbers themselves have added, times a sum of activations.
template <class S, class C>
BANTAM_INLINE typename S::I added(typename S::I sum, typename S::I lowest) {
  if constexpr (!C::kBytes)
    return sum * lowest;
  else if constexpr (S::kFlips)
    return -S::times_128(sum);
  else
    return typename S::I{};
}

// The whole numbers of half a group added to `total` (the first half: written), for the outputs
// from `column` on; with sub-scales of halves, times those.
template <class S, class C, int rows, Kind kind, bool low, int half>
BANTAM_INLINE void add_half(const GroupWeights& w, std::int64_t column, typename S::B table,
                            typename S::I lowest, const GroupInput& in,
                            typename S::I (&total)[rows]) {
  using I = typename S::I;
  typename S::B codes[4];
  read_codes<S, C, half, S::kFlips>(w.codes + 4 * column, table, codes);
  BANTAM_UNROLL
  for (int r = 0; r < rows; ++r) {
    I dot = S::template dot4<C>(codes, in.a + r * kGroup + 16 * half);
    if constexpr (low)
      dot = S::times_128(dot) + S::template dot4<C>(codes, in.low + r * kGroup + 16 * half);
    if constexpr (kind == Kind::halves) {
      const std::int32_t sum = half == 0 ? in.firsts[r] : in.sums[r] - in.firsts[r];
      dot = (dot + added<S, C>(S::all_ints(sum), lowest)) * sub_of<S>(w.subs, half, column);
    }
    total[r] = half == 0 ? dot : total[r] + dot;
  }
}
// Both halves for all 16 outputs at once, where registers hold them: narrow codes are read once.
template <class S, class C, int rows, Kind kind, bool low>
BANTAM_INLINE void add_both(const GroupWeights& w, typename S::B table, typename S::I lowest,
                            const GroupInput& in, typename S::I (&total)[rows]) {
  using I = typename S::I;
  typename S::B codes[4], more[4];
  read_codes<S, C, 0, S::kFlips>(w.codes, table, codes);
  read_codes<S, C, 1, S::kFlips>(w.codes, table, more);
  BANTAM_UNROLL
  for (int r = 0; r < rows; ++r) {
    I first = {}, second = {};
    S::template dot8<C>(codes, more, in.a + r * kGroup, first, second);
    if constexpr (low) {
      I low_first = {}, low_second = {};
      S::template dot8<C>(codes, more, in.low + r * kGroup, low_first, low_second);
      first = S::times_128(first) + low_first;
      second = S::times_128(second) + low_second;
    }
    if constexpr (kind == Kind::halves) {
      const I sum = S::all_ints(in.firsts[r]), rest = S::all_ints(in.sums[r]) - sum;
      first = (first + added<S, C>(sum, lowest)) * sub_of<S>(w.subs, 0, 0);
      second = (second + added<S, C>(rest, lowest)) * sub_of<S>(w.subs, 1, 0);
    }
    total[r] = first + second;
  }
}
// Units whose callers say what a row's whole numbers begin from (S::kStarts): what the codes have added is in
// it, so that nothing is left to do behind the products.
template <class S>
constexpr bool kHasStarts = requires { S::kStarts; };

// Whole groups, each row in one chain from its start: there are rows enough to hide its latency.
template <class S, class C, int rows, bool low>
BANTAM_INLINE void add_from_starts(const GroupWeights& w, typename S::B table, const GroupInput& in,
                                   typename S::I (&total)[rows]) {
  typename S::B codes[2][4];
  read_codes<S, C, 0, S::kFlips>(w.codes, table, codes[0]);
  read_codes<S, C, 1, S::kFlips>(w.codes, table, codes[1]);
  typename S::I high[rows];
  BANTAM_UNROLL
  for (int r = 0; r < rows; ++r) {
    total[r] = S::all_ints(in.starts[r]);
    if constexpr (low) high[r] = typename S::I{};
  }
  BANTAM_UNROLL
  for (int i = 0; i < 8; ++i) {
    BANTAM_UNROLL
    for (int r = 0; r < rows; ++r) {
      if constexpr (low) {
        S::add(high[r], codes[i / 4][i % 4], in.a + r * kGroup + 4 * i);
        S::add(total[r], codes[i / 4][i % 4], in.low + r * kGroup + 4 * i);
      } else {
        S::add(total[r], codes[i / 4][i % 4], in.a + r * kGroup + 4 * i);
      }
    }
  }
  if constexpr (low) {
    BANTAM_UNROLL
    for (int r = 0; r < rows; ++r) total[r] += S::times_128(high[r]);
  }
}

// What is still added to whole groups' numbers.
template <class S, class C, int rows, Kind kind>
BANTAM_INLINE void add_rest(typename S::I lowest, const GroupInput& in,
                            typename S::I (&total)[rows]) {
  if constexpr (kind == Kind::halves || (C::kBytes && !S::kFlips)) return;
  BANTAM_UNROLL
  for (int r = 0; r < rows; ++r) total[r] += added<S, C>(S::all_ints(in.sums[r]), lowest);
}
// The whole numbers of a group: by part of the outputs and row. Lines are read in the order in
// which they lie, as far as that goes: the processor reads ahead of that.
template <class S, class C, int rows, Kind kind, bool low>
BANTAM_INLINE void group_totals(const GroupWeights& w, typename S::B table,
                                typename S::I lowest, const GroupInput& in,
                                typename S::I (&total)[kStrip / S::kColumns][rows]) {
  constexpr int kParts = kStrip / S::kColumns;
  if constexpr (kHasStarts<S> && kind != Kind::halves) {
    add_from_starts<S, C, rows, low>(w, table, in, total[0]);
    return;
  }
  if constexpr (S::kBothHalves) {
    add_both<S, C, rows, kind, low>(w, table, lowest, in, total[0]);
  } else {
    BANTAM_UNROLL
    for (int part = 0; part < kParts; ++part)
      add_half<S, C, rows, kind, low, 0>(w, part * S::kColumns, table, lowest, in, total[part]);
    BANTAM_UNROLL
    for (int part = 0; part < kParts; ++part)
      add_half<S, C, rows, kind, low, 1>(w, part * S::kColumns, table, lowest, in, total[part]);
  }
  BANTAM_UNROLL
  for (int part = 0; part < kParts; ++part) add_rest<S, C, rows, kind>(lowest, in, total[part]);
}

// The sums of `rows` rows, for the outputs from `column` on, continued by one group.
template <class S, int rows, Kind kind>
BANTAM_INLINE void add_group(const BlockLayout& l, const GroupWeights& w, std::int64_t column,
                             const GroupInput& in, const typename S::I (&dot)[rows],
                             typename S::F (&sum)[rows]) {
  using F = typename S::F;
  F scale;
  if constexpr (kind == Kind::plain)
    scale = S::half(reinterpret_cast<const std::uint16_t*>(w.scales) + column);
  else
    scale = scale_of<S>(l, w.scales, 0, column);
  if (kind == Kind::whole && l.parts == 1) scale *= to_floats<S>(sub_of<S>(w.subs, 0, column));
  BANTAM_UNROLL
  for (int r = 0; r < rows; ++r)
    sum[r] = S::fma(to_floats<S>(dot[r]) * scale, S::all(in.scales[r]), sum[r]);
  if (kind == Kind::plain || !l.minimum) return;
  const F minimum = scale_of<S>(l, w.scales, 1, column);
  if constexpr (kind == Kind::halves) {
    const F m0 = -(minimum * to_floats<S>(sub_of<S>(w.subs, 2, column)));
    const F m1 = -(minimum * to_floats<S>(sub_of<S>(w.subs, 3, column)));
    BANTAM_UNROLL
    for (int r = 0; r < rows; ++r) {
      const std::int32_t first = in.firsts[r], rest = in.sums[r] - first;
      sum[r] = S::fma(m0, S::all(in.scales[r] * static_cast<float>(first)), sum[r]);
      sum[r] = S::fma(m1, S::all(in.scales[r] * static_cast<float>(rest)), sum[r]);
    }
  } else {
    const F m = l.parts == 1 ? -(minimum * to_floats<S>(sub_of<S>(w.subs, 1, column))) : -minimum;
    BANTAM_UNROLL
    for (int r = 0; r < rows; ++r)
      sum[r] = S::fma(m, S::all(in.scales[r] * static_cast<float>(in.sums[r])), sum[r]);
  }
}

#include "kernels/gemm/strip_row-inl.h"

// Bytes ahead, into L2: into L1 it holds up the loads. Measured on Zen 4: one or two rows with codes of 8 bits
// are fastest at 4 KiB, more of them at 6 (4 and 12 are 4 % slower, 8 is 2 %), narrower codes at 8 or more.
template <class C, int rows>
constexpr std::int64_t kPrefetch = C::kSize < kGroupBytes ? 8192 : rows > 2 ? 6144 : 4096;

// What a pass asks memory for while it multiplies.
enum class Ahead {
  nothing,  // the strip lies in L1 already: asking for it would only cost
  stream,   // every line, kPrefetch bytes ahead: few rows wait for memory
  // Every other line of the strip behind (StripBlock::groups_step): two passes over a strip share the way of the next one
  // through memory, so that it goes on during both.
  even,
  odd
};

// One strip: `rows` rows from `first` on, of which `keep` are wanted: the others are computed from
// what lies there and left. `w` goes on to the strip after.
template <class S, class C, int rows, Kind kind, bool low, Ahead ahead>
BANTAM_INLINE void strip_pass(const StripBlock& p, const BlockLayout& l, std::int64_t first,
                              std::int64_t keep, GroupWeights& w, float* sums) {
  using F = typename S::F;
  constexpr int kParts = kStrip / S::kColumns;
  const typename S::I lowest = S::all_ints(l.lowest);
  const typename S::B table = table_of<S>(l.table, S::kFlips);
  const std::int64_t scale_step = kind == Kind::plain ? 32 : scale_size(l);
  const std::int64_t sub_step = kind == Kind::plain ? 0 : sub_size(l);
  constexpr bool shared = ahead == Ahead::even || ahead == Ahead::odd;
  const std::int64_t groups_ahead = shared ? (p.groups_step > 0 ? p.groups_step : p.groups) : kPrefetch<C, rows> / C::kSize;
  const std::int64_t scale_ahead = (groups_ahead >> l.scale_shift) * scale_step;
  const std::int64_t sub_ahead = groups_ahead * sub_step;
  const std::int64_t in_record = (std::int64_t{1} << l.scale_shift) - 1;
  F sum[kParts][rows];
  BANTAM_UNROLL
  for (int part = 0; part < kParts; ++part) {
    BANTAM_UNROLL
    for (int r = 0; r < rows; ++r)
      sum[part][r] = p.resume && r < keep
                         ? read_floats<S>(sums + r * p.stride + part * S::kColumns)
                         : F{};
  }
  GroupInput in{p.a + first * kGroup, low ? p.a_low + first * kGroup : nullptr, p.a_scales + first,
                p.a_sums + first, p.a_firsts + first, nullptr};
  constexpr bool from_starts = kHasStarts<S> && kind != Kind::halves;
  if constexpr (from_starts) in.starts = p.a_starts + first;
  for (std::int64_t g = 0; g < p.groups; ++g) {
    if constexpr (ahead != Ahead::nothing) {
      const std::uint8_t* codes = w.codes + groups_ahead * C::kSize;
      BANTAM_UNROLL
      for (int line = ahead == Ahead::odd ? kLine : 0; line < C::kSize;
           line += shared ? 2 * kLine : kLine)
        __builtin_prefetch(codes + line, 0, 2);
      if constexpr (ahead != Ahead::odd) {
        __builtin_prefetch(w.scales + scale_ahead, 0, 2);
        if (kind != Kind::plain && sub_step > 0) __builtin_prefetch(w.subs + sub_ahead, 0, 2);
      }
    }
    if constexpr (kParts > 1 && rows > 1) {  // a part at a time: what registers hold
      BANTAM_UNROLL
      for (int part = 0; part < kParts; ++part) {
        const int column = part * S::kColumns;
        typename S::I total[rows];
        add_half<S, C, rows, kind, low, 0>(w, column, table, lowest, in, total);
        add_half<S, C, rows, kind, low, 1>(w, column, table, lowest, in, total);
        add_rest<S, C, rows, kind>(lowest, in, total);
        add_group<S, rows, kind>(l, w, column, in, total, sum[part]);
      }
    } else {
      typename S::I total[kParts][rows];
      group_totals<S, C, rows, kind, low>(w, table, lowest, in, total);
      BANTAM_UNROLL
      for (int part = 0; part < kParts; ++part)
        add_group<S, rows, kind>(l, w, part * S::kColumns, in, total[part], sum[part]);
    }
    w.codes += C::kSize;
    if constexpr (kind == Kind::plain) {
      w.scales += 32;
    } else {
      w.scales += ((g + 1) & in_record) == 0 ? scale_step : 0;
      w.subs += sub_step;
    }
    in.a += kTileRows * kGroup;
    if constexpr (low) in.low += kTileRows * kGroup;
    in.scales += kTileRows;
    in.sums += kTileRows;
    in.firsts += kTileRows;
    if constexpr (from_starts) in.starts += kTileRows;
  }
  BANTAM_UNROLL
  for (int part = 0; part < kParts; ++part) {
    BANTAM_UNROLL
    for (int r = 0; r < rows; ++r)
      if (r < keep) {
        const F value = S::canonical(sum[part][r]);
        __builtin_memcpy(sums + r * p.stride + part * S::kColumns, &value, sizeof value);
      }
  }
}

// All strips, a pass over each.
template <class S, class C, int rows, Kind kind, bool low, Ahead ahead>
void pass(const StripBlock& p, std::int64_t first, std::int64_t keep) {
  const BlockLayout l = p.w.layout;
  GroupWeights w{p.w.codes, p.w.scales, p.w.subs};
  float* sums = p.sums + first * p.stride;
  for (std::int64_t strip = 0; strip < p.strips; ++strip, sums += kTileRows * p.stride)
    strip_pass<S, C, rows, kind, low, ahead>(p, l, first, keep, w, sums);
}

#include "kernels/gemm/strip_run-inl.h"
