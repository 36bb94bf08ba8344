// Scales of block-type weights to vectors: included once a file, within its target marks, its
// namespace and an anonymous one. Over a vector unit S (strip-inl.h): F, I, half, bytes.

template <class S>
BANTAM_INLINE typename S::F read_floats(const float* p) {
  typename S::F v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
template <class S>
BANTAM_INLINE typename S::F to_floats(typename S::I v) {
  return __builtin_convertvector(v, typename S::F);
}

// Bytes of a record of scales, and of a group's sub-scales.
BANTAM_INLINE std::int64_t scale_size(const BlockLayout& l) {
  return (l.wide ? 64 : 32) << (l.minimum ? 1 : 0);
}
BANTAM_INLINE std::int64_t sub_size(const BlockLayout& l) {
  return kStrip * l.parts << (l.minimum ? 1 : 0);
}

// d or dmin (number 0, 1) of the outputs from `column` on.
template <class S>
BANTAM_INLINE typename S::F scale_of(const BlockLayout& l, const std::byte* record, int number,
                                     std::int64_t column) {
  const std::int64_t at = number * kStrip + column;
  if (l.wide) return read_floats<S>(reinterpret_cast<const float*>(record) + at);
  const typename S::F value = S::half(reinterpret_cast<const std::uint16_t*>(record) + at);
  return l.unit == 1.0f ? value : value * l.unit;
}
// Sub-scale `number` of a group's record (its subs, then its ms).
template <class S>
BANTAM_INLINE typename S::I sub_of(const std::int8_t* subs, int number, std::int64_t column) {
  return S::bytes(subs + number * kStrip + column);
}
