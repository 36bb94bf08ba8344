// Two strips at a time, four rows of activations in one plane or two at a time: included once a file,
// after strip-inl.h.
//
//             a[row][k .. k+3], broadcast once
//                     |
//      +--------------+--------------+
//      v                             v
//   strip 0, 4 k of 16 outputs    strip 1, 4 k of 16 outputs
//
// The products of both strips take the same broadcast from a register. With one strip each product
// has a load of its own, and loads are then what the processor runs out of (Zen 4: one of 64 bytes a
// cycle, and one product; Zen 5: two and two). For codes that lie in L1.

// Whole numbers of two strips and four rows.
template <class S>
struct PairTotals {
  typename S::I at[2][4];
};

// Line i of both strips times four rows: added to `total`, with two planes the upper one to `high`.
template <class S, class C, bool low, int i>
BANTAM_INLINE void pair_line(const GroupWeights (&w)[2], typename S::B table, const GroupInput& in,
                             PairTotals<S>& total, PairTotals<S>& high) {
  const typename S::B first = C::template row<S, i, S::kFlips>(w[0].codes, table);
  const typename S::B second = C::template row<S, i, S::kFlips>(w[1].codes, table);
  BANTAM_UNROLL
  for (int r = 0; r < 4; ++r) {
    PairTotals<S>& upper = low ? high : total;
    const typename S::I a = S::four(in.a + r * kGroup + 4 * i);
    S::add_four(upper.at[0][r], first, a);
    S::add_four(upper.at[1][r], second, a);
    if constexpr (low) {
      const typename S::I rest = S::four(in.low + r * kGroup + 4 * i);
      S::add_four(total.at[0][r], first, rest);
      S::add_four(total.at[1][r], second, rest);
    }
  }
}

// The whole numbers of a group, from where the caller says they begin.
template <class S, class C, bool low>
BANTAM_INLINE void pair_group(const GroupWeights (&w)[2], typename S::B table, const GroupInput& in,
                              PairTotals<S>& total) {
  PairTotals<S> high;
  BANTAM_UNROLL
  for (int r = 0; r < 4; ++r) {
    total.at[0][r] = total.at[1][r] = S::all_ints(in.starts[r]);
    if constexpr (low) high.at[0][r] = high.at[1][r] = typename S::I{};
  }
  pair_line<S, C, low, 0>(w, table, in, total, high);
  pair_line<S, C, low, 1>(w, table, in, total, high);
  pair_line<S, C, low, 2>(w, table, in, total, high);
  pair_line<S, C, low, 3>(w, table, in, total, high);
  pair_line<S, C, low, 4>(w, table, in, total, high);
  pair_line<S, C, low, 5>(w, table, in, total, high);
  pair_line<S, C, low, 6>(w, table, in, total, high);
  pair_line<S, C, low, 7>(w, table, in, total, high);
  if constexpr (low) {
    BANTAM_UNROLL
    for (int r = 0; r < 4; ++r) {
      total.at[0][r] += S::times_128(high.at[0][r]);
      total.at[1][r] += S::times_128(high.at[1][r]);
    }
  }
}

// Two strips, which begin with `w`, times rows [first, first + 4), of which `keep` are wanted.
template <class S, class C, Kind kind, bool low>
void pair_pass(const StripBlock& p, GroupWeights first_strip, GroupWeights second_strip,
               std::int64_t first, std::int64_t keep) {
  using F = typename S::F;
  const BlockLayout l = p.w.layout;
  const typename S::B table = table_of<S>(l.table, S::kFlips);
  const std::int64_t scale_step = kind == Kind::plain ? 32 : scale_size(l);
  const std::int64_t sub_step = kind == Kind::plain ? 0 : sub_size(l);
  const std::int64_t in_record = (std::int64_t{1} << l.scale_shift) - 1;
  GroupWeights w[2]{first_strip, second_strip};
  GroupInput in{p.a + first * kGroup, low ? p.a_low + first * kGroup : nullptr, p.a_scales + first,
                p.a_sums + first,     p.a_firsts + first,       p.a_starts + first};
  float* to = p.sums + first * p.stride;
  F sum[2][4];
  BANTAM_UNROLL
  for (int r = 0; r < 4; ++r) {
    sum[0][r] = p.resume && r < keep ? read_floats<S>(to + r * p.stride) : F{};
    sum[1][r] = p.resume && r < keep ? read_floats<S>(to + p.sums_step + r * p.stride) : F{};
  }
  for (std::int64_t g = 0; g < p.groups; ++g) {
    PairTotals<S> total;
    pair_group<S, C, low>(w, table, in, total);
    add_group<S, 4, kind>(l, w[0], 0, in, total.at[0], sum[0]);
    add_group<S, 4, kind>(l, w[1], 0, in, total.at[1], sum[1]);
    const bool record = kind == Kind::plain || ((g + 1) & in_record) == 0;
    BANTAM_UNROLL
    for (int s = 0; s < 2; ++s) {
      w[s].codes += C::kSize;
      w[s].scales += record ? scale_step : 0;
      if constexpr (kind != Kind::plain) w[s].subs += sub_step;
    }
    in.a += kTileRows * kGroup;
    if constexpr (low) in.low += kTileRows * kGroup;
    in.scales += kTileRows;
    in.sums += kTileRows;
    in.firsts += kTileRows;
    in.starts += kTileRows;
  }
  BANTAM_UNROLL
  for (int s = 0; s < 2; ++s) {
    BANTAM_UNROLL
    for (int r = 0; r < 4; ++r)
      if (r < keep) {
        const F value = S::canonical(sum[s][r]);
        __builtin_memcpy(to + s * p.sums_step + r * p.stride, &value, sizeof value);
      }
  }
}

// All rows of the tile.
template <class S, class C, Kind kind, bool low>
void run_pair(const StripBlock& p) {
  const BlockLayout& l = p.w.layout;
  const GroupWeights first{p.w.codes, p.w.scales, p.w.subs};
  GroupWeights second = first;
  second.codes += p.codes_step;
  second.scales += (p.groups_step >> l.scale_shift) * (kind == Kind::plain ? 32 : scale_size(l));
  if constexpr (kind != Kind::plain) second.subs += p.groups_step * sub_size(l);
  for (std::int64_t r = 0; r < p.rows; r += 4)
    pair_pass<S, C, kind, low>(p, first, second, r, p.rows - r < 4 ? p.rows - r : 4);
}
