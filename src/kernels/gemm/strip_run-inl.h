// Which pass of strip-inl.h goes over which rows and strips, by layout, kind of scales and codes:
// included by it at its end.

// The strips of `p`, each as a block of its own.
template <class Run>
void strip_by_strip(const StripBlock& p, Run&& run) {
  const BlockLayout& l = p.w.layout;
  StripBlock one = p;
  one.strips = 1;
  for (std::int64_t strip = 0; strip < p.strips; ++strip) {
    run(one);
    one.w.codes += p.groups * l.code_bytes;
    one.w.scales += (p.groups >> l.scale_shift) * scale_size(l);
    if (l.parts > 0) one.w.subs += p.groups * sub_size(l);
    one.sums += kTileRows * p.stride;
  }
}

// Rows that a pass takes at most.
template <class S, bool low>
constexpr int kMostOf = low ? S::kMostRows / 2 : S::kMostRows;

// A pass of `rows` rows from `r` on. `memory`: the strips come from there, and the first pass over one asks for
// what comes next; half of that is left to a second one, where it takes as many rows.
template <class S, class C, int rows, Kind kind, bool low, bool memory>
void pass_from(const StripBlock& p, std::int64_t r) {
  constexpr int kMost = kMostOf<S, low>;
  const std::int64_t keep = p.rows - r < rows ? p.rows - r : rows;
  if constexpr (memory && rows == kMost && kMost >= 4) {
    if (p.rows > kMost * 3 / 2) {
      if (r == 0) return pass<S, C, rows, kind, low, Ahead::even>(p, r, keep);
      if (r == kMost) return pass<S, C, rows, kind, low, Ahead::odd>(p, r, keep);
    }
  }
  constexpr Ahead first = memory ? Ahead::stream : Ahead::nothing;
  if (r == 0)
    pass<S, C, rows, kind, low, first>(p, r, keep);
  else
    pass<S, C, rows, kind, low, Ahead::nothing>(p, r, keep);
}

// All rows of the tile.
template <class S, class C, Kind kind, bool low, bool memory>
void run_rows(const StripBlock& p) {
  constexpr int kMost = kMostOf<S, low>;
  for (std::int64_t r = 0; r < p.rows;) {
    const std::int64_t left = p.rows - r;
    if (kMost == 8 && left > 4) {
      pass_from<S, C, kMost == 8 ? 8 : 4, kind, low, memory>(p, r);
      r += 8;
    } else if (kMost >= 4 && left > 2) {
      pass_from<S, C, kMost >= 4 ? 4 : 2, kind, low, memory>(p, r);
      r += 4;
    } else if (left > 1) {
      pass_from<S, C, 2, kind, low, memory>(p, r);
      r += 2;
    } else {
      if (p.groups >= kLongRow)
        row_pass<S, C, kind, low>(p, r);
      else
        pass_from<S, C, 1, kind, low, memory>(p, r);
      r += 1;
    }
  }
}
// Units that take two strips at a time (pairs-inl.h, which they include).
template <class S>
constexpr bool kHasPairs = requires { S::kPairs; };
template <class S, class C, Kind kind, bool low>
void run_pair(const StripBlock& p);

// Rows that one pass takes: all strips in one go; others: a strip at a time, which stays in L1.
template <class S, class C, Kind kind, bool low>
void run_strips(const StripBlock& p) {
  if constexpr (kHasPairs<S> && kind != Kind::halves)
    if (p.sums_step > 0 && p.strips == 2) return run_pair<S, C, kind, low>(p);
  if (p.strips == 1 && !p.fetch) return run_rows<S, C, kind, low, false>(p);
  if (p.strips == 1 || p.rows <= kMostOf<S, low>) return run_rows<S, C, kind, low, true>(p);
  strip_by_strip(p, run_rows<S, C, kind, low, true>);
}
template <class S, class C, Kind kind>
void run_strip(const StripBlock& p) {
  if (p.a_low != nullptr)
    run_strips<S, C, kind, true>(p);
  else
    run_strips<S, C, kind, false>(p);
}

template <class S, class C>
void unpack_all(const UnpackCodes& u) {
  const typename S::B table = table_of<S>(u.layout.table, false);
  const auto lowest = static_cast<std::uint8_t>(C::kBytes || u.as_codes ? 0 : u.layout.lowest);
  const std::uint8_t* from = u.codes;
  std::uint8_t* to = u.out;
  for (std::int64_t g = 0; g < u.groups; ++g, from += C::kSize, to += kGroupBytes)
    for (int column = 0; column < kStrip; column += S::kColumns) {
      typename S::B rows[2][4];
      read_codes<S, C, 0, false>(from + 4 * column, table, rows[0]);
      read_codes<S, C, 1, false>(from + 4 * column, table, rows[1]);
      BANTAM_UNROLL
      for (int r = 0; r < 8; ++r) {
        const typename S::B row = rows[r / 4][r % 4] + lowest;
        __builtin_memcpy(to + r * kLine + 4 * column, &row, sizeof row);
      }
    }
}
template <class S>
void unpack_any(const UnpackCodes& u) {
  switch (u.layout.codes) {
    case Codes::bits2: return unpack_all<S, Bits2>(u);
    case Codes::bits3: return unpack_all<S, Bits3>(u);
    case Codes::bits4: return unpack_all<S, Bits4>(u);
    case Codes::table4: return unpack_all<S, Table4>(u);
    case Codes::bits5: return unpack_all<S, Bits5>(u);
    case Codes::bits6: return unpack_all<S, Bits6>(u);
    default: return unpack_all<S, Bits8>(u);
  }
}

// Through codes of 8 bits in L1, some groups at a time.
template <class S, Kind kind>
void run_one_unpacked(const StripBlock& p) {
  constexpr std::int64_t kGroups = 16;
  alignas(64) std::uint8_t room[kGroups * kGroupBytes];
  const BlockLayout packed = p.w.layout;
  StripBlock part = p;
  part.w.layout.codes = Codes::bits8;
  part.w.layout.table = nullptr;
  part.w.codes = room;
  for (std::int64_t g = 0; g < p.groups; g += kGroups) {
    part.groups = p.groups - g < kGroups ? p.groups - g : kGroups;
    unpack_any<S>({packed, p.w.codes + g * packed.code_bytes, part.groups, room, false});
    run_strip<S, Bits8, kind>(part);
    part.w.scales += (kGroups >> packed.scale_shift) * scale_size(packed);
    if (packed.parts > 0) part.w.subs += kGroups * sub_size(packed);
    part.a += kGroups * kTileRows * kGroup;
    if (part.a_low != nullptr) part.a_low += kGroups * kTileRows * kGroup;
    part.a_scales += kGroups * kTileRows;
    part.a_sums += kGroups * kTileRows;
    part.a_firsts += kGroups * kTileRows;
    if (part.a_starts != nullptr) part.a_starts += kGroups * kTileRows;
    part.resume = true;
  }
}
template <class S, Kind kind>
void run_unpacked(const StripBlock& p) {
  strip_by_strip(p, run_one_unpacked<S, kind>);
}

// Codes are read as they stream in where there is a pass for them; else they are unpacked first.
template <class S, Kind kind>
void run_kind(const StripBlock& p) {
  switch (p.w.layout.codes) {
    case Codes::bits4:
      if constexpr (kind != Kind::halves) return run_strip<S, Bits4, kind>(p);
      break;
    case Codes::table4:
      if constexpr (kind != Kind::halves) return run_strip<S, Table4, kind>(p);
      break;
    case Codes::bits5:
      if constexpr (kind != Kind::halves) return run_strip<S, Bits5, kind>(p);
      break;
    case Codes::bits2:
      if constexpr (kind != Kind::plain) return run_strip<S, Bits2, kind>(p);
      break;
    case Codes::bits3:
      if constexpr (kind == Kind::halves) return run_strip<S, Bits3, kind>(p);
      break;
    case Codes::bits6:
      if constexpr (kind == Kind::halves) return run_strip<S, Bits6, kind>(p);
      break;
    default: break;
  }
  run_unpacked<S, kind>(p);
}
template <class S, Kind kind, bool fused>
void run_fused(const StripBlock& p) {
  switch (p.w.layout.codes) {
    case Codes::bits8: return run_strip<S, Bits8, kind>(p);
    case Codes::byte5: return run_strip<S, Bytes<31>, kind>(p);
    case Codes::byte6:
      if constexpr (kind == Kind::halves) return run_strip<S, Bytes<63>, kind>(p);
      break;
    default: break;
  }
  if constexpr (fused)
    run_kind<S, kind>(p);
  else
    run_unpacked<S, kind>(p);
}
template <class S, bool fused>
void run_any(const StripBlock& p) {
  const BlockLayout& l = p.w.layout;
  if (l.parts == 2) return run_fused<S, Kind::halves, fused>(p);
  if (l.parts == 0 && !l.minimum && !l.wide && l.unit == 1.0f && l.scale_shift == 0)
    return run_fused<S, Kind::plain, fused>(p);
  run_fused<S, Kind::whole, fused>(p);
}
