// One long row of activations times strips of block-type weights, read from memory: included by strip-inl.h.
// The same sums as its passes, in the same order.

// Groups from which this pays: shorter rows stay in L1 as they lie, and what is computed for all strips here is
// more work than it saves where a task has three.
constexpr std::int64_t kLongRow = 64;
// Groups that are taken at a time: with two planes 44 KiB of a stack.
constexpr std::int64_t kRowGroups = 512;

// What the weights of a group meet. In a tile of 16 rows the groups of one lie 512 bytes apart, in an eighth of
// the sets of L1, where the weights that stream through drive them out: here they lie side by side, and what
// depends on the row alone is computed once for all strips.
template <bool low>
struct Row {
  alignas(64) std::int8_t a[kRowGroups * kGroup];
  alignas(64) std::int8_t a_low[low ? kRowGroups * kGroup : 1];
  float scales[kRowGroups];
  std::int32_t starts[2][kRowGroups];  // what codes that are not the numbers have added, of each half or of all
  float shares[2][kRowGroups];         // what minima are multiplied by, likewise
};

// Row `at` of the tile, groups [first, first + count).
template <class S, class C, Kind kind, bool low>
BANTAM_INLINE void read_row(const StripBlock& p, std::int64_t at, std::int64_t first,
                            std::int64_t count, Row<low>& row) {
  const std::int32_t factor = !C::kBytes ? p.w.layout.lowest : S::kFlips ? -128 : 0;
  const bool minima = kind != Kind::plain && p.w.layout.minimum;
  for (std::int64_t g = 0; g < count; ++g) {
    const std::int64_t from = (first + g) * kTileRows + at;
    __builtin_memcpy(row.a + g * kGroup, p.a + from * kGroup, kGroup);
    if constexpr (low) __builtin_memcpy(row.a_low + g * kGroup, p.a_low + from * kGroup, kGroup);
    const float scale = p.a_scales[from];
    const std::int32_t sum = p.a_sums[from], head = kind == Kind::halves ? p.a_firsts[from] : sum;
    row.scales[g] = scale;
    row.starts[0][g] = factor * head;
    if (minima) row.shares[0][g] = scale * static_cast<float>(head);
    if constexpr (kind == Kind::halves) {
      row.starts[1][g] = factor * (sum - head);
      if (minima) row.shares[1][g] = scale * static_cast<float>(sum - head);
    }
  }
}

// Whether what codes have added is anything at all.
template <class S, class C>
constexpr bool kAdds = !C::kBytes || S::kFlips;

// Half of group `g`, for the outputs from `column` on.
template <class S, class C, bool low, int half>
BANTAM_INLINE typename S::I row_half(const GroupWeights& w, std::int64_t column, typename S::B table,
                                     const Row<low>& row, std::int64_t g) {
  typename S::B codes[4];
  read_codes<S, C, half, S::kFlips>(w.codes + 4 * column, table, codes);
  const typename S::I dot = S::template dot4<C>(codes, row.a + g * kGroup + 16 * half);
  if constexpr (low)
    return S::times_128(dot) + S::template dot4<C>(codes, row.a_low + g * kGroup + 16 * half);
  else
    return dot;
}

// Codes that give 16 times their second half for less: whole numbers bear that until they are summed.
template <class C>
constexpr bool kHasSixteen = requires { C::kSixteen; };

// Both halves of group `g`, where registers hold all 16 outputs.
template <class S, class C, Kind kind, bool low>
BANTAM_INLINE void row_both(const GroupWeights& w, typename S::B table, const Row<low>& row,
                            std::int64_t g, typename S::I& first, typename S::I& second) {
  using I = typename S::I;
  constexpr bool kSixteen = kind != Kind::halves && kHasSixteen<C>;
  typename S::B codes[4], more[4];
  read_codes<S, C, 0, S::kFlips>(w.codes, table, codes);
  if constexpr (kSixteen)
    C::template sixteen_times<S>(w.codes, more);
  else
    read_codes<S, C, 1, S::kFlips>(w.codes, table, more);
  first = second = I{};
  if constexpr (low) {
    S::template dot8<C>(codes, more, row.a + g * kGroup, first, second);
    first = S::times_128(first);
    second = S::times_128(second);
  }
  if constexpr (kAdds<S, C>) {
    first += S::all_ints(row.starts[0][g]);
    if constexpr (kind == Kind::halves) second += S::all_ints(row.starts[1][g]);
  }
  S::template dot8<C>(codes, more, (low ? row.a_low : row.a) + g * kGroup, first, second);
  if constexpr (kSixteen) second >>= 4;
}

// The whole numbers of group `g`, by part of the outputs. Lines are read in the order in which they lie.
template <class S, class C, Kind kind, bool low>
BANTAM_INLINE void row_totals(const GroupWeights& w, typename S::B table, const Row<low>& row,
                              std::int64_t g, typename S::I (&total)[kStrip / S::kColumns]) {
  constexpr int kParts = kStrip / S::kColumns;
  typename S::I more[kParts];
  if constexpr (S::kBothHalves) {
    row_both<S, C, kind, low>(w, table, row, g, total[0], more[0]);
  } else {
    BANTAM_UNROLL
    for (int i = 0; i < kParts; ++i)
      total[i] = row_half<S, C, low, 0>(w, i * S::kColumns, table, row, g);
    BANTAM_UNROLL
    for (int i = 0; i < kParts; ++i)
      more[i] = row_half<S, C, low, 1>(w, i * S::kColumns, table, row, g);
    if constexpr (kAdds<S, C>) {
      BANTAM_UNROLL
      for (int i = 0; i < kParts; ++i) {
        total[i] += S::all_ints(row.starts[0][g]);
        if constexpr (kind == Kind::halves) more[i] += S::all_ints(row.starts[1][g]);
      }
    }
  }
  BANTAM_UNROLL
  for (int i = 0; i < kParts; ++i) {
    if constexpr (kind == Kind::halves)
      total[i] = total[i] * sub_of<S>(w.subs, 0, i * S::kColumns) +
                 more[i] * sub_of<S>(w.subs, 1, i * S::kColumns);
    else
      total[i] += more[i];
  }
}

// d and dmin of a record, for the outputs of a part.
template <class S>
struct RowScale {
  typename S::F d, minimum;
};
template <class S, Kind kind>
BANTAM_INLINE void read_scales(const BlockLayout& l, const std::byte* scales,
                               RowScale<S> (&to)[kStrip / S::kColumns]) {
  BANTAM_UNROLL
  for (int i = 0; i < kStrip / S::kColumns; ++i) {
    const std::int64_t column = i * S::kColumns;
    if constexpr (kind == Kind::plain) {
      to[i].d = S::half(reinterpret_cast<const std::uint16_t*>(scales) + column);
    } else {
      to[i].d = scale_of<S>(l, scales, 0, column);
      if (l.minimum) to[i].minimum = scale_of<S>(l, scales, 1, column);
    }
  }
}

// The sum of the outputs from `column` on, continued by group `g`.
template <class S, Kind kind, bool low>
BANTAM_INLINE typename S::F row_sum(const BlockLayout& l, const GroupWeights& w,
                                    std::int64_t column, const Row<low>& row, std::int64_t g,
                                    typename S::I total, const RowScale<S>& scale,
                                    typename S::F sum) {
  using F = typename S::F;
  F d = scale.d;
  if (kind == Kind::whole && l.parts == 1) d *= to_floats<S>(sub_of<S>(w.subs, 0, column));
  sum = S::fma(to_floats<S>(total) * d, S::all(row.scales[g]), sum);
  if (kind == Kind::plain || !l.minimum) return sum;
  if constexpr (kind == Kind::halves) {
    const F m0 = -(scale.minimum * to_floats<S>(sub_of<S>(w.subs, 2, column)));
    const F m1 = -(scale.minimum * to_floats<S>(sub_of<S>(w.subs, 3, column)));
    sum = S::fma(m0, S::all(row.shares[0][g]), sum);
    return S::fma(m1, S::all(row.shares[1][g]), sum);
  }
  F m = scale.minimum;
  if (l.parts == 1) m *= to_floats<S>(sub_of<S>(w.subs, 1, column));
  return S::fma(-m, S::all(row.shares[0][g]), sum);
}

// Asked for ahead, measured on Zen 4. Where the arithmetic is faster than memory (S::kFast, and bytes for every
// unit) lines are asked for 3 KiB ahead, into L1: 8 KiB ahead, into L2, they come in bursts that hold up the
// loads. Where it is about as fast, that is smooth and better.
template <class S, class C>
struct RowAhead {
  static constexpr bool kNear = S::kFast || C::kSize == kGroupBytes;
  static constexpr std::int64_t kBytes = kNear ? 3072 : 8192, kGroups = kBytes / C::kSize;
  static constexpr int kLevel = kNear ? 3 : 2;
};
template <class S, class C>
BANTAM_INLINE void ask_for_codes(const std::uint8_t* codes) {
  using A = RowAhead<S, C>;
  BANTAM_UNROLL
  for (int line = 0; line < C::kSize; line += kLine)
    __builtin_prefetch(codes + A::kBytes + line, 0, A::kLevel);
  // The processor's own reading ahead stops at the end of a page and takes a while to begin again.
  constexpr std::int64_t kPage = 4096, kPageLines = 8;
  if (A::kNear && reinterpret_cast<std::uintptr_t>(codes) % kPage < C::kSize)
    for (std::int64_t line = 0; line < kPageLines; ++line)
      __builtin_prefetch(codes + 2 * kPage + line * kLine, 0, 2);
}

// One strip; `w` goes on to what comes after these groups.
template <class S, class C, Kind kind, bool low>
BANTAM_INLINE void row_strip(const BlockLayout& l, const Row<low>& row, std::int64_t groups,
                             GroupWeights& w, bool resume, float* sums) {
  constexpr int kParts = kStrip / S::kColumns;
  using A = RowAhead<S, C>;
  const typename S::B table = table_of<S>(l.table, S::kFlips);
  const std::int64_t scale_step = kind == Kind::plain ? 32 : scale_size(l);
  const std::int64_t sub_step = kind == Kind::plain ? 0 : sub_size(l);
  const std::int64_t in_record =
      kind == Kind::plain ? 0 : (std::int64_t{1} << l.scale_shift) - 1;
  const std::int64_t records_ahead =
      kind == Kind::plain ? A::kGroups : (A::kGroups >> l.scale_shift) + 1;
  typename S::F sum[kParts];
  RowScale<S> scale[kParts] = {};
  BANTAM_UNROLL
  for (int i = 0; i < kParts; ++i)
    sum[i] = resume ? read_floats<S>(sums + i * S::kColumns) : typename S::F{};
  for (std::int64_t g = 0; g < groups; ++g) {
    ask_for_codes<S, C>(w.codes);
    if ((g & in_record) == 0) {
      __builtin_prefetch(w.scales + records_ahead * scale_step, 0, A::kLevel);
      read_scales<S, kind>(l, w.scales, scale);
      w.scales += scale_step;
    }
    if (kind != Kind::plain && sub_step > 0)
      __builtin_prefetch(w.subs + A::kGroups * sub_step, 0, A::kLevel);
    typename S::I total[kParts];
    row_totals<S, C, kind, low>(w, table, row, g, total);
    BANTAM_UNROLL
    for (int i = 0; i < kParts; ++i)
      sum[i] = row_sum<S, kind, low>(l, w, i * S::kColumns, row, g, total[i], scale[i], sum[i]);
    w.codes += C::kSize;
    if constexpr (kind != Kind::plain) w.subs += sub_step;
  }
  BANTAM_UNROLL
  for (int i = 0; i < kParts; ++i) {
    const typename S::F value = S::canonical(sum[i]);
    __builtin_memcpy(sums + i * S::kColumns, &value, sizeof value);
  }
}

// Row `at` of the tile, all strips.
template <class S, class C, Kind kind, bool low>
void row_pass(const StripBlock& p, std::int64_t at) {
  const BlockLayout l = p.w.layout;
  const std::int64_t scale_step = kind == Kind::plain ? 32 : scale_size(l);
  const std::int64_t sub_step = kind == Kind::plain ? 0 : sub_size(l);
  const int shift = kind == Kind::plain ? 0 : l.scale_shift;
  Row<low> row;
  for (std::int64_t g = 0; g < p.groups; g += kRowGroups) {
    const std::int64_t count = p.groups - g < kRowGroups ? p.groups - g : kRowGroups;
    const std::int64_t rest = p.groups - count;
    read_row<S, C, kind, low>(p, at, g, count, row);
    GroupWeights w{p.w.codes + g * C::kSize, p.w.scales + (g >> shift) * scale_step,
                   kind == Kind::plain ? nullptr : p.w.subs + g * sub_step};
    float* sums = p.sums + at * p.stride;
    for (std::int64_t strip = 0; strip < p.strips; ++strip, sums += kTileRows * p.stride) {
      row_strip<S, C, kind, low>(l, row, count, w, p.resume || g > 0, sums);
      w.codes += rest * C::kSize;
      w.scales += (rest >> shift) * scale_step;
      if constexpr (kind != Kind::plain) w.subs += rest * sub_step;
    }
  }
}
