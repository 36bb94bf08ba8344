#include "blocks/format.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/file.h"
#include "base/random.h"
#include "blocks/half.h"
#include "support/shared.h"

namespace bantam {
namespace {

std::uint32_t bits_of(float value) { return std::bit_cast<std::uint32_t>(value); }

// The nearest of two neighbouring values by the definition of rounding, in double: `widen` maps
// codes to values, codes rise with magnitude.
template <class Widen>
std::uint16_t nearest_even(float value, Widen widen, std::uint16_t infinity) {
  const double target = std::fabs(static_cast<double>(value));
  std::uint16_t low = 0, high = infinity;
  while (high - low > 1) {
    const auto middle = static_cast<std::uint16_t>((low + high) / 2);
    (static_cast<double>(widen(middle)) <= target ? low : high) = middle;
  }
  // Beyond the largest finite value the next step of the grid stands for infinity.
  const double below = widen(low);
  const double above =
      high == infinity ? 2 * below - static_cast<double>(widen(static_cast<std::uint16_t>(low - 1)))
                       : static_cast<double>(widen(high));
  const double down = target - below, up = above - target;
  const std::uint16_t code = down < up || (down == up && low % 2 == 0) ? low : high;
  return std::signbit(value) ? static_cast<std::uint16_t>(code | 0x8000) : code;
}

double half_value(std::uint16_t code) {  // IEEE 754, section 3.4, for finite codes
  const int exponent = code >> 10 & 31;
  const double fraction = (code & 1023) / 1024.0;
  return exponent == 0 ? std::ldexp(fraction, -14) : std::ldexp(1 + fraction, exponent - 15);
}

TEST(Format, TableIsInTheOrderOfTheEnumeration) {
  for (std::size_t i = 0; i < formats().size(); ++i)
    EXPECT_EQ(static_cast<std::size_t>(formats()[i].type), i);
}

TEST(Format, FindsByEachOfItsNames) {
  struct Case {
    Type type;
    const char* name;
    std::uint32_t gguf;
    const char* safetensors;
    std::int64_t block, bytes;
  };
  // ggml/include/ggml.h; safetensors/src/tensor.rs
  for (const Case& c :
       {Case{Type::f32, "F32", 0, "F32", 1, 4}, Case{Type::f16, "f16", 1, "F16", 1, 2},
        Case{Type::bf16, "BF16", 30, "BF16", 1, 2}, Case{Type::q8_0, "Q8_0", 8, "", 32, 34},
        Case{Type::i32, "i32", 26, "I32", 1, 4}}) {
    const Format& row = format(c.type);
    EXPECT_EQ(find_format(c.name), &row) << c.name;
    EXPECT_EQ(find_format_by_gguf(c.gguf), &row) << c.name;
    EXPECT_EQ(find_format_by_safetensors(c.safetensors), *c.safetensors ? &row : nullptr) << c.name;
    EXPECT_EQ(row.block, c.block);
    EXPECT_EQ(row.block_bytes, c.bytes);
  }
  EXPECT_EQ(find_format("q4"), nullptr);
  EXPECT_EQ(find_format(""), nullptr);
  EXPECT_EQ(find_format_by_gguf(4), nullptr);
  EXPECT_EQ(byte_size(Type::q8_0, {3, 64}), 3 * 2 * 34);
}

TEST(Half, DecodesEveryFiniteCode) {
  for (std::uint32_t code = 0; code < 0x7c00; ++code) {
    const auto half = static_cast<std::uint16_t>(code);
    ASSERT_EQ(half_to_float(half), half_value(half)) << code;
    ASSERT_EQ(bits_of(half_to_float(static_cast<std::uint16_t>(code | 0x8000))),
              bits_of(static_cast<float>(-half_value(half))))
        << code;
  }
  EXPECT_EQ(half_to_float(0x7c00), std::numeric_limits<float>::infinity());
  EXPECT_EQ(half_to_float(0xfc00), -std::numeric_limits<float>::infinity());
}

TEST(Half, EveryCodeComesBack) {
  for (std::uint32_t code = 0; code < 0x10000; ++code) {
    const auto half = static_cast<std::uint16_t>(code);
    const bool nan = (half & 0x7c00) == 0x7c00 && (half & 0x3ff) != 0;
    const auto expected = static_cast<std::uint16_t>(nan ? half | 0x200 : half);
    ASSERT_EQ(float_to_half(half_to_float(half)), expected) << code;
  }
}

TEST(Bf16, EveryCodeComesBack) {
  for (std::uint32_t code = 0; code < 0x10000; ++code) {
    const auto bf16 = static_cast<std::uint16_t>(code);
    const bool nan = (bf16 & 0x7f80) == 0x7f80 && (bf16 & 0x7f) != 0;
    const auto expected = static_cast<std::uint16_t>(nan ? bf16 | 0x40 : bf16);
    ASSERT_EQ(float_to_bf16(bf16_to_float(bf16)), expected) << code;
  }
}

// Random bit patterns of every exponent, and both neighbours and the middle of every pair of codes.
std::vector<float> rounding_cases() {
  std::vector<float> values;
  const Random random(1, 0);
  for (std::uint64_t i = 0; i < 200000; ++i)
    values.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(random.bits(i))));
  for (std::uint32_t code = 0; code < 0x7c00; ++code) {
    const double middle =
        (half_value(static_cast<std::uint16_t>(code)) +
         (code + 1 < 0x7c00 ? half_value(static_cast<std::uint16_t>(code + 1)) : 65536.0)) /
        2;
    const auto tie = static_cast<float>(middle);
    for (const float value : {tie, std::nextafter(tie, 0.0f), std::nextafter(tie, 1e9f), -tie})
      values.push_back(value);
  }
  for (std::uint32_t code = 0; code < 0x7f80; ++code) {
    const std::uint32_t tie = code << 16 | 0x8000;
    for (const std::uint32_t bits : {tie, tie - 1, tie + 1, tie | 0x80000000u})
      values.push_back(std::bit_cast<float>(bits));
  }
  std::erase_if(values, [](float v) { return !std::isfinite(v); });
  return values;
}

TEST(Half, RoundsToNearestEven) {
  for (const float value : rounding_cases())
    ASSERT_EQ(float_to_half(value), nearest_even(value, half_value, 0x7c00)) << value;
}

TEST(Bf16, RoundsToNearestEven) {
  const auto widen = [](std::uint16_t code) { return static_cast<double>(bf16_to_float(code)); };
  for (const float value : rounding_cases())
    ASSERT_EQ(float_to_bf16(value), nearest_even(value, widen, 0x7f80)) << value;
}

TEST(Half, KeepsInfinityAndNan) {
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(float_to_half(infinity), 0x7c00);
  EXPECT_EQ(float_to_half(-infinity), 0xfc00);
  EXPECT_EQ(float_to_bf16(-infinity), 0xff80);
  for (const std::uint32_t nan : {0x7f800001u, 0x7fc00000u, 0xffffffffu, 0x7f802000u}) {
    EXPECT_TRUE(std::isnan(half_to_float(float_to_half(std::bit_cast<float>(nan))))) << nan;
    EXPECT_TRUE(std::isnan(bf16_to_float(float_to_bf16(std::bit_cast<float>(nan))))) << nan;
  }
}

TEST(Format, FloatTypesWorkAtUnalignedAddresses) {
  const std::vector<float> values{0.0f, -1.5f, 65504.0f, 0x1p-24f};
  for (const Type type : {Type::f32, Type::f16, Type::bf16}) {
    std::vector<std::byte> bytes(17);
    std::vector<float> back(4);
    format(type).encode(values.data(), bytes.data() + 1, 4);
    format(type).decode(bytes.data() + 1, back.data(), 4);
    if (type == Type::bf16) back[2] = values[2];  // 65504 has more than 8 bits
    EXPECT_EQ(back, values);
  }
}

TEST(Q8_0, ABlockThatIsNotFiniteDecodesToNan) {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    std::vector<float> values(32, 1.0f), back(32);
    values[0] = bad;
    std::vector<std::byte> bytes(34);
    format(Type::q8_0).encode(values.data(), bytes.data(), 32);
    format(Type::q8_0).decode(bytes.data(), back.data(), 32);
    for (const float value : back) EXPECT_TRUE(std::isnan(value));
  }
}

TEST(Q8_0, ABlockUnderTheSmallestScaleDecodesToZero) {
  std::vector<float> values(32, std::numeric_limits<float>::denorm_min()), back(32, 1.0f);
  std::vector<std::byte> bytes(34);
  format(Type::q8_0).encode(values.data(), bytes.data(), 32);
  format(Type::q8_0).decode(bytes.data(), back.data(), 32);
  for (const float value : back) EXPECT_EQ(value, 0.0f);
}

TEST(Q8_0, RoundsHalfAwayFromZero) {
  std::vector<float> values(32, 0.0f);
  values[0] = 127.0f;  // d = 1
  values[1] = 2.5f;
  values[2] = -2.5f;
  values[3] = 3.49f;
  std::vector<std::byte> bytes(34);
  format(Type::q8_0).encode(values.data(), bytes.data(), 32);
  const auto q = [&](std::size_t i) { return static_cast<std::int8_t>(bytes[2 + i]); };
  EXPECT_EQ(q(0), 127);
  EXPECT_EQ(q(1), 3);
  EXPECT_EQ(q(2), -3);
  EXPECT_EQ(q(3), 3);
}

}  // namespace
}  // namespace bantam
