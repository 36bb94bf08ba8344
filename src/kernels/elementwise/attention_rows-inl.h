// Rows of keys and values as a cache stores them: widened to float32 in scratch memory, or in registers as they
// are read.
#if defined(BANTAM_KERNELS_ATTENTION_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BANTAM_KERNELS_ATTENTION_ROWS_INL_H_
#undef BANTAM_KERNELS_ATTENTION_ROWS_INL_H_
#else
#define BANTAM_KERNELS_ATTENTION_ROWS_INL_H_
#endif

#include "kernels/elementwise/attention_layout.h"
#include "kernels/elementwise/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bantam::kernels {
namespace HWY_NAMESPACE {

// Rows of plain elements, `stride` elements apart. Dots go over them `kStep` columns at a time.
template <class T>
struct PlainRows {
  static constexpr int kStep = 16;
  static constexpr bool kAsks = sizeof(T) < 4;  // (float32 rows are a block in L1, or prefetch themselves)
  const T* data;
  std::int64_t stride;

  struct Row {
    const T* at;
    // Columns 0 ... 16 * C - 1 from here.
    template <std::size_t C>
    HWY_INLINE void pieces(Lanes (&to)[C]) const {
      repeat<int{C}>([&](auto c) BANTAM_INLINED { to[c.value] = load(at + c.value * 16); });
    }
    HWY_INLINE void ask(std::int64_t column) const { __builtin_prefetch(at + column); }
  };
  HWY_INLINE Row row(std::int64_t i, std::int64_t column = 0) const {
    return {data + i * stride + column};
  }
};

// A block of 32 numbers, each its scale (a half) times a whole number of a few bits: exact in
// float32. (Layouts: blocks/q8_0.cpp, blocks/q4_0.cpp.) Of its numbers the first 16, or the others:
struct EightBits {
  static constexpr std::int64_t kBytes = 34;
  template <int Half>
  static HWY_INLINE Lanes codes(const std::uint8_t* block) {
    const hn::Rebind<std::int32_t, FloatTag> i;
    const hn::Rebind<std::int8_t, FloatTag> b;
    const auto* from = reinterpret_cast<const std::int8_t*>(block + 2 + Half * 16);
    return each_part([&](int part) BANTAM_INLINED {
      return hn::ConvertTo(FloatTag(), hn::PromoteTo(i, hn::LoadU(b, from + part * kWidth)));
    });
  }
};
struct FourBits {  // the lower halves of 16 bytes, then the upper ones
  static constexpr std::int64_t kBytes = 18;
  template <int Half>
  static HWY_INLINE Lanes codes(const std::uint8_t* block) {
    const hn::Rebind<std::int32_t, FloatTag> i;
    const hn::Rebind<std::uint8_t, FloatTag> b;
    return each_part([&](int part) BANTAM_INLINED {
      const auto pair = hn::PromoteTo(i, hn::LoadU(b, block + 2 + part * kWidth));
      const auto code = Half == 0 ? hn::And(pair, hn::Set(i, 15)) : hn::ShiftRight<4>(pair);
      return hn::ConvertTo(FloatTag(), hn::Sub(code, hn::Set(i, 8)));
    });
  }
};
template <class Block>
struct BlockRows {
  static constexpr int kStep = 32;
  static constexpr bool kAsks = true;
  const std::uint8_t* data;
  std::int64_t row_bytes;

  // Where the block of a column begins. (Unsigned: a shift then, in loops that have no time for more.)
  static constexpr HWY_INLINE std::int64_t bytes(std::int64_t column) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(column) / 32) * Block::kBytes;
  }
  struct Row {
    const std::uint8_t* at;
    bool second;  // begins with the block's second half: only a single piece does
    template <std::size_t C>
    HWY_INLINE void pieces(Lanes (&to)[C]) const {
      if constexpr (C == 1) {
        to[0] = scale(at) * (second ? Block::template codes<1>(at) : Block::template codes<0>(at));
      } else {
        static_assert(C % 2 == 0);
        repeat<int{C} / 2>([&](auto b) BANTAM_INLINED {
          const std::uint8_t* block = at + b.value * Block::kBytes;
          const Lanes d = scale(block);
          to[2 * b.value] = d * Block::template codes<0>(block);
          to[2 * b.value + 1] = d * Block::template codes<1>(block);
        });
      }
    }
    HWY_INLINE void ask(std::int64_t column) const {
      __builtin_prefetch(at + bytes(column));
    }
    static HWY_INLINE Lanes scale(const std::uint8_t* block) {
      std::uint16_t half;
      __builtin_memcpy(&half, block, sizeof half);
      const Vec d = widened(F16{}, hn::Set(ShortTag(), half));
      return each_part([&](int) BANTAM_INLINED { return d; });
    }
  };
  HWY_INLINE Row row(std::int64_t i, std::int64_t column = 0) const {
    return {data + i * row_bytes + bytes(column), (column & 16) != 0};
  }
};

// Calls body(rows) with the rows of `stride` elements that begin at element `first` of `data`. Of blocks both are
// multiples of 32, as are the widths below.
template <class Body>
HWY_INLINE void stored_rows(const std::byte* data, Type type, std::int64_t first,
                            std::int64_t stride, Body body) {
  const auto blocks = [&](auto block) BANTAM_INLINED {
    using Rows = BlockRows<decltype(block)>;
    const auto* from = reinterpret_cast<const std::uint8_t*>(data);
    body(Rows{from + Rows::bytes(first), Rows::bytes(stride)});
  };
  if (type == Type::q8_0) return blocks(EightBits{});
  if (type == Type::q4_0) return blocks(FourBits{});
  typed(data, type, first, [&](const auto* from) BANTAM_INLINED {
    using Element = std::remove_cv_t<std::remove_pointer_t<decltype(from)>>;
    body(PlainRows<Element>{from, stride});
  });
}

// `count` rows of `width` elements as float32 rows, padded with zeros to `padded` (a multiple of 16).
template <class T>
HWY_INLINE void widen(const PlainRows<T>& from, std::int64_t count, std::int64_t width, float* to,
                      std::int64_t padded) {
  for (std::int64_t i = 0; i < count; ++i)
    each16(width, [&](std::int64_t d, auto some) {
      store(to + i * padded + d, load(from.row(i, d).at, some));
    });
}
template <class Block>
HWY_INLINE void widen(const BlockRows<Block>& from, std::int64_t count, std::int64_t width,
                      float* to, std::int64_t padded) {
  for (std::int64_t i = 0; i < count; ++i)
    for (std::int64_t d = 0; d < width; d += 32) {
      Lanes both[2];
      from.row(i, d).pieces(both);
      store(to + i * padded + d, both[0]);
      store(to + i * padded + d + 16, both[1]);
    }
}
// The same of rows that stored_rows finds.
inline void widen_rows(const std::byte* data, Type type, std::int64_t first, std::int64_t stride,
                       std::int64_t count, std::int64_t width, float* to, std::int64_t padded) {
  stored_rows(data, type, first, stride,
              [&](const auto& rows) BANTAM_INLINED { widen(rows, count, width, to, padded); });
}

}  // namespace HWY_NAMESPACE
}  // namespace bantam::kernels
HWY_AFTER_NAMESPACE();

#endif  // toggled guard
