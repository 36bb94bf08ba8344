// Rows of codes as blocks.h draws them, to a code a byte: included once a file, within its target
// marks, its namespace and an anonymous one. Over a vector unit S (strip-inl.h).
//
// row<S, r>(w, table) is row r of the group at w (as far as the vector reaches): codes from 0 on,
// or where the codes are bytes of their own (kBytes), the numbers; `flipped` ones have 128 added.

template <class S, int n>
BANTAM_INLINE typename S::B shifted(typename S::B v) {  // right, or left by -n; mask what comes in
  using B = typename S::B;
  using W = typename S::W;
  if constexpr (n > 0)
    return (B)((W)v >> n);
  else if constexpr (n < 0)
    return (B)((W)v << -n);
  else
    return v;
}
template <class S, int r>
BANTAM_INLINE typename S::B four_bits(const std::uint8_t* w) {
  return shifted<S, r / 4 * 4>(S::load(w + r % 4 * kLine)) & 15;
}
template <class S, int r>
BANTAM_INLINE typename S::B two_bits(const std::uint8_t* w) {
  return shifted<S, 2 * (r % 4)>(S::load(w + r / 4 * kLine)) & 3;
}

// The low four bits of one and the bits `high` of another.
template <class S, int high>
BANTAM_INLINE typename S::B joined(typename S::B low_bits, typename S::B high_bits) {
  if constexpr (requires { S::kPicks; })
    return S::pick(low_bits, high_bits, typename S::B{} + 15) & (high | 15);
  else
    return (low_bits & 15) | (high_bits & high);
}

struct Bits2 {
  static constexpr bool kBytes = false;
  static constexpr int kMost = 3, kSize = 128;
  template <class S, int r, bool flipped>
  static BANTAM_INLINE typename S::B row(const std::uint8_t* w, typename S::B) {
    return two_bits<S, r>(w);
  }
};
struct Bits3 {
  static constexpr bool kBytes = false;
  static constexpr int kMost = 7, kSize = 192;
  template <class S, int r, bool flipped>
  static BANTAM_INLINE typename S::B row(const std::uint8_t* w, typename S::B) {
    return two_bits<S, r>(w) | (shifted<S, r - 2>(S::load(w + 2 * kLine)) & 4);
  }
};
struct Bits4 {
  static constexpr bool kBytes = false;
  static constexpr int kMost = 15, kSize = 256;
  template <class S, int r, bool flipped>
  static BANTAM_INLINE typename S::B row(const std::uint8_t* w, typename S::B) {
    return four_bits<S, r>(w);
  }
  // Rows 4 to 7, 16 times: no shift.
  static constexpr bool kSixteen = true;
  template <class S>
  static BANTAM_INLINE void sixteen_times(const std::uint8_t* w, typename S::B (&rows)[4]) {
    BANTAM_UNROLL
    for (int i = 0; i < 4; ++i) rows[i] = S::load(w + i * kLine) & 240;
  }
};
struct Table4 {
  static constexpr bool kBytes = true;
  static constexpr int kMost = 255, kSize = 256;
  template <class S, int r, bool flipped>
  static BANTAM_INLINE typename S::B row(const std::uint8_t* w, typename S::B table) {
    return S::lookup(table, four_bits<S, r>(w));  // the caller's table is flipped
  }
};
struct Bits5 {
  static constexpr bool kBytes = false;
  static constexpr int kMost = 31, kSize = 320;
  template <class S, int r, bool flipped>
  static BANTAM_INLINE typename S::B row(const std::uint8_t* w, typename S::B) {
    return joined<S, 16>(shifted<S, r / 4 * 4>(S::load(w + r % 4 * kLine)),
                         shifted<S, r - 4>(S::load(w + 4 * kLine)));
  }
};
struct Bits6 {
  static constexpr bool kBytes = false;
  static constexpr int kMost = 63, kSize = 384;
  template <class S, int r, bool flipped>
  static BANTAM_INLINE typename S::B row(const std::uint8_t* w, typename S::B) {
    const typename S::B high = S::load(w + (4 + r / 4) * kLine);
    return joined<S, 48>(shifted<S, r / 4 * 4>(S::load(w + r % 4 * kLine)),
                         shifted<S, 2 * (r % 4) - 4>(high));
  }
};
// In a byte each already.
template <int most>
struct Bytes {
  static constexpr bool kBytes = false;
  static constexpr int kMost = most, kSize = 512;
  template <class S, int r, bool flipped>
  static BANTAM_INLINE typename S::B row(const std::uint8_t* w, typename S::B) {
    return S::load(w + r * kLine);
  }
};
struct Bits8 {
  static constexpr bool kBytes = true;
  static constexpr int kMost = 255, kSize = 512;
  template <class S, int r, bool flipped>
  static BANTAM_INLINE typename S::B row(const std::uint8_t* w, typename S::B) {
    const typename S::B v = S::load(w + r * kLine);
    if constexpr (flipped)
      return v ^ 128;
    else
      return v;
  }
};
