// What holds of every block type, whatever its layout; and a few blocks worked out by hand.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/hash.h"
#include "base/random.h"
#include "blocks/format.h"
#include "blocks/half.h"

namespace bantam {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<Type> block_types(bool written_alone) {
  std::vector<Type> types;
  for (const Format& f : formats())
    if (f.quantised && (f.encode != nullptr || !written_alone)) types.push_back(f.type);
  return types;
}

std::string name_of(const ::testing::TestParamInfo<Type>& about) {
  return upper_name(format(about.param));
}

// Sums of four uniform numbers: nearly normal, of deviation 0.58.
std::vector<float> numbers(std::int64_t count, std::uint64_t seed) {
  const Random random(seed, 7);
  std::vector<float> out(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < out.size(); ++i) {
    double sum = -2;
    for (std::uint64_t j = 0; j < 4; ++j) sum += random.uniform(4 * i + j);
    out[i] = static_cast<float>(sum);
  }
  return out;
}

std::vector<std::byte> encoded(const Format& f, const std::vector<float>& x) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(f.bytes(std::ssize(x))));
  f.encode(x.data(), bytes.data(), std::ssize(x));
  return bytes;
}

std::vector<float> decoded(const Format& f, const std::vector<std::byte>& bytes) {
  std::vector<float> x(bytes.size() / static_cast<std::size_t>(f.block_bytes) *
                       static_cast<std::size_t>(f.block));
  f.decode(bytes.data(), x.data(), std::ssize(x));
  return x;
}

class EveryBlock : public ::testing::TestWithParam<Type> {
 protected:
  const Format& f() const { return format(GetParam()); }
};
INSTANTIATE_TEST_SUITE_P(Blocks, EveryBlock, ::testing::ValuesIn(block_types(false)), name_of);

// Whatever the bytes, the integers stay within what the packing says, and give the decoded values.
TEST_P(EveryBlock, KeepsToItsPackingForAnyBytes) {
  const Packing& p = f().packing;
  const Random random(3, 1);
  std::vector<std::byte> bytes(static_cast<std::size_t>(f().block_bytes));
  for (std::uint64_t round = 0; round < 200; ++round) {
    for (std::size_t i = 0; i < bytes.size(); ++i)
      bytes[i] = static_cast<std::byte>(random.bits(round * 1000 + i) & 255);
    BlockIntegers block;
    f().integers(bytes.data(), block);
    const std::vector<float> values = decoded(f(), bytes);
    if (!std::isfinite(block.d) || !std::isfinite(block.dmin)) continue;
    for (std::int64_t i = 0; i < f().block; ++i) {
      const std::int64_t g = i / 16;
      const float x = block.d * static_cast<float>(block.sub[g]) * static_cast<float>(block.q[i]) -
                      block.dmin * static_cast<float>(block.m[g]);
      ASSERT_EQ(values[static_cast<std::size_t>(i)], x) << i;
      if (p.table != nullptr) {
        ASSERT_NE(std::find(p.table, p.table + 16, block.q[i]), p.table + 16);
      } else if (p.bits < 8) {
        ASSERT_GE(block.q[i], p.lowest);
        ASSERT_LT(block.q[i], p.lowest + (1 << p.bits));
      }
      const std::int64_t pair = p.sub_group == 32 ? g / 2 * 2 : g;
      ASSERT_TRUE(p.sub_group != 0 || block.sub[g] == 1);
      ASSERT_EQ(block.sub[g], block.sub[pair]);
      ASSERT_EQ(block.m[g], block.m[pair]);
      ASSERT_TRUE(p.minimum || block.m[g] == 0);
    }
    if (p.unit != 0) {
      ASSERT_EQ(half_to_float(float_to_half(block.d / p.unit)), block.d / p.unit);
    }
    ASSERT_EQ(half_to_float(float_to_half(block.dmin)), block.dmin);
  }
  EXPECT_EQ(f().block % p.scale_group, 0);
}

class WrittenBlock : public EveryBlock {};
INSTANTIATE_TEST_SUITE_P(Blocks, WrittenBlock, ::testing::ValuesIn(block_types(true)), name_of);

TEST_P(WrittenBlock, ZerosStayZeros) {
  for (const float value : decoded(f(), encoded(f(), std::vector<float>(512, 0.0f))))
    EXPECT_EQ(value, 0.0f);
}

TEST_P(WrittenBlock, WhatIsNotFiniteMakesItsBlockSoAndNoOther) {
  for (const float bad : {kNan, kInfinity, -kInfinity}) {
    std::vector<float> x = numbers(512, 5);
    x[300] = bad;
    const std::vector<float> back = decoded(f(), encoded(f(), x));
    const std::int64_t first = 300 / f().block * f().block;
    for (std::int64_t i = 0; i < 512; ++i)
      EXPECT_EQ(std::isfinite(back[static_cast<std::size_t>(i)]),
                i < first || i >= first + f().block)
          << bad << " " << i;
  }
}

// From the smallest to the largest numbers: finite where the scale is a finite half, and never far
// from what it was.
TEST_P(WrittenBlock, AnyMagnitudeIsRoundedWithinItsGrid) {
  // Half a step between the smallest half-precision scales, times what may multiply one.
  constexpr float kCoarse = 0x1p-25f * 63 * 31;
  const std::vector<float> shape = numbers(512, 9);
  for (int exponent = -149; exponent <= 120; exponent += 3) {
    std::vector<float> x(shape.size());
    float most = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      x[i] = std::ldexp(shape[i], exponent);
      most = std::max(most, std::fabs(x[i]));
    }
    const std::vector<float> back = decoded(f(), encoded(f(), x));
    if (exponent > 10)
      continue;  // d may be more than a half can say: no crash is all that is asked
    for (std::size_t i = 0; i < x.size(); ++i)
      ASSERT_LE(std::fabs(back[i] - x[i]), most * 1.01f + kCoarse) << exponent << " " << i;
  }
}

// What a block can hold comes back: encoding is as good as the grid.
TEST_P(WrittenBlock, ValuesOfAGridComeBackAlmost) {
  const std::vector<float> x = numbers(512, 11);
  const std::vector<float> once = decoded(f(), encoded(f(), x));
  const std::vector<float> twice = decoded(f(), encoded(f(), once));
  double moved = 0, lost = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    moved += std::pow(static_cast<double>(twice[i]) - static_cast<double>(once[i]), 2);
    lost += std::pow(static_cast<double>(once[i]) - static_cast<double>(x[i]), 2);
  }
  EXPECT_LE(moved, lost * 0.1);
}

// Half of a step of the grid between the extremes, as root mean square of a uniform error.
TEST_P(WrittenBlock, TheErrorIsThatOfItsBits) {
  if (f().packing.bits == 2 && f().packing.lowest == -1) GTEST_SKIP() << "for ternary weights";
  const std::vector<float> x = numbers(8192, 13);
  const std::vector<float> back = decoded(f(), encoded(f(), x));
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i)
    sum += std::pow(static_cast<double>(back[i]) - static_cast<double>(x[i]), 2);
  const double step = 4.0 / ((1 << f().packing.bits) - 1);  // the numbers lie within -2 and 2
  EXPECT_LT(std::sqrt(sum / 8192), step / std::sqrt(12.0));
}

TEST_P(WrittenBlock, WeightsMoveTheErrorAwayFromWhatMatters) {
  if (f().encode_weighted == nullptr) GTEST_SKIP() << "nothing to choose";
  const std::vector<float> x = numbers(4096, 17);
  std::vector<float> importance(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) importance[i] = i % 7 == 0 ? 100.0f : 0.01f;
  std::vector<std::byte> bytes(static_cast<std::size_t>(f().bytes(std::ssize(x))));
  f().encode_weighted(x.data(), importance.data(), bytes.data(), std::ssize(x));
  const auto weighted_error = [&](const std::vector<float>& back) {
    double sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i)
      sum += static_cast<double>(importance[i]) *
             std::pow(static_cast<double>(back[i]) - static_cast<double>(x[i]), 2);
    return sum;
  };
  EXPECT_LT(weighted_error(decoded(f(), bytes)),
            0.9 * weighted_error(decoded(f(), encoded(f(), x))));
  // All weights zero, or beyond squaring: still a block, never a crash.
  for (const float all : {0.0f, 1e38f, 1e-45f}) {
    std::ranges::fill(importance, all);
    f().encode_weighted(x.data(), importance.data(), bytes.data(), std::ssize(x));
    for (const float value : decoded(f(), bytes)) EXPECT_TRUE(std::isfinite(value));
  }
}

// The same on every processor and with every compiler.
TEST(Blocks, EncodersGiveTheSameBytesEverywhere) {
  struct Case {
    Type type;
    const char* sum;
  };
  for (const Case& c : {
           Case{Type::q8_0, "08b091073c06f611"},
           Case{Type::q4_0, "9611d35a9e1ca251"},
           Case{Type::q4_1, "c23fc0eaa05c4fbe"},
           Case{Type::q5_0, "0f84e176c7379a77"},
           Case{Type::q5_1, "60d5aa5c923321a1"},
           Case{Type::q2_k, "d5664264dff261a6"},
           Case{Type::q3_k, "77296397410e2276"},
           Case{Type::q4_k, "25f1ad47729114fc"},
           Case{Type::q5_k, "e5dbb7cd262369f7"},
           Case{Type::q6_k, "070a19b9802904fa"},
           Case{Type::iq4_nl, "728f6aa804439b3f"},
           Case{Type::iq4_xs, "f3c8751f5b7991d4"},
           Case{Type::tq1_0, "acd4bc65e45d6198"},
           Case{Type::tq2_0, "9beb7f8f43f4cabd"},
           Case{Type::mxfp4, "bb3ec515b419e87b"},
       }) {
    Sha256 sum;
    sum.add(encoded(format(c.type), numbers(65536, 19)));
    EXPECT_EQ(sum.hex().substr(0, 16), c.sum) << format(c.type).name;
  }
}

// ---- by hand
// --------------------------------------------------------------------------------------

std::vector<std::byte> zeroed(Type type) {
  return std::vector<std::byte>(static_cast<std::size_t>(format(type).block_bytes));
}

TEST(Q4_0, TheLowHalvesComeFirst) {
  std::vector<std::byte> block = zeroed(Type::q4_0);
  store_half(block.data(), 0.5f);
  block[2] = std::byte{0x1f};   // 15, 1
  block[17] = std::byte{0x80};  // 0, 8
  const std::vector<float> x = decoded(format(Type::q4_0), block);
  EXPECT_EQ(x[0], 3.5f);
  EXPECT_EQ(x[16], -3.5f);
  EXPECT_EQ(x[15], -4.0f);
  EXPECT_EQ(x[31], 0.0f);
}

TEST(Q5_1, FifthBitsFollowTheElements) {
  std::vector<std::byte> block = zeroed(Type::q5_1);
  store_half(block.data(), 2.0f);
  store_half(block.data() + 2, -1.0f);
  block[4] = std::byte{0x02};   // element 1
  block[7] = std::byte{0x80};   // element 31
  block[9] = std::byte{0x03};   // element 1: 3, element 17: 0
  block[23] = std::byte{0x40};  // element 15: 0, element 31: 4
  const std::vector<float> x = decoded(format(Type::q5_1), block);
  EXPECT_EQ(x[0], -1.0f);
  EXPECT_EQ(x[1], 2.0f * 19 - 1);
  EXPECT_EQ(x[17], -1.0f);
  EXPECT_EQ(x[31], 2.0f * 20 - 1);
}

TEST(Q4_K, LateScalesAreInTwoPieces) {
  std::vector<std::byte> block = zeroed(Type::q4_k);
  store_half(block.data(), 1.0f);
  store_half(block.data() + 2, 0.5f);
  block[4] = std::byte{0x85};        // scale 0: 5; high bits of scale 4: 2
  block[8] = std::byte{0x43};        // minimum 0: 3; high bits of minimum 4: 1
  block[12] = std::byte{0x21};       // scale 4: low bits 1; minimum 4: low bits 2
  block[16] = std::byte{0x07};       // element 0: 7
  block[16 + 64] = std::byte{0x0a};  // element 128: 10
  const std::vector<float> x = decoded(format(Type::q4_k), block);
  EXPECT_EQ(x[0], 5.0f * 7 - 0.5f * 3);
  EXPECT_EQ(x[1], -1.5f);
  EXPECT_EQ(x[128], 33.0f * 10 - 0.5f * 18);
}

TEST(Q3_K, AHighBitThatIsMissingTakesFour) {
  std::vector<std::byte> block = zeroed(Type::q3_k);
  store_half(block.data() + 108, 1.0f);
  block[96] = std::byte{0x05};   // scale 0: low bits 5
  block[104] = std::byte{0x02};  // scale 0: high bits 2
  block[0] = std::byte{0x01};    // element 0 has the high bit
  block[32] = std::byte{0x03};   // element 0: 3
  const std::vector<float> x = decoded(format(Type::q3_k), block);
  EXPECT_EQ(x[0], (37.0f - 32) * 3);
  EXPECT_EQ(x[1], (37.0f - 32) * -4);
  EXPECT_EQ(x[16], -32.0f * -4);
}

TEST(Tq1_0, ADigitIsTheWholePartOfThreeTimesTheFraction) {
  std::vector<std::byte> block = zeroed(Type::tq1_0);
  store_half(block.data() + 52, 0.25f);
  block[0] = std::byte{255};  // 2 2 2 2 2 in base 3
  block[48] = std::byte{86};  // 1 0 0 0
  const std::vector<float> x = decoded(format(Type::tq1_0), block);
  EXPECT_EQ(x[0], 0.25f);
  EXPECT_EQ(x[128], 0.25f);
  EXPECT_EQ(x[1], -0.25f);
  EXPECT_EQ(x[240], 0.0f);
  EXPECT_EQ(x[244], -0.25f);
}

TEST(Mxfp4, ScalesArePowersOfTwoToTheEnd) {
  std::vector<std::byte> block = zeroed(Type::mxfp4);
  block[1] = std::byte{0xf2};  // 1 and -6, doubled 2 and -12
  for (int e = 0; e < 255; ++e) {
    block[0] = static_cast<std::byte>(e);
    const std::vector<float> x = decoded(format(Type::mxfp4), block);
    EXPECT_EQ(x[0], std::ldexp(1.0f, e - 127));
    EXPECT_EQ(x[16], std::ldexp(-6.0f, e - 127));
  }
}

TEST(Iq2XXS, SignsAreEven) {
  std::vector<std::byte> block = zeroed(Type::iq2_xxs);
  store_half(block.data(), 8.0f);
  block[2 + 4] = std::byte{0x01};  // the first of seven signs: so the eighth is set too
  block[2 + 7] = std::byte{0x30};  // scale 3
  const std::vector<float> x = decoded(format(Type::iq2_xxs), block);
  EXPECT_EQ(x[0], -8.0f * 7);
  EXPECT_EQ(x[1], 8.0f * 7);
  EXPECT_EQ(x[7], -8.0f * 7);
  EXPECT_EQ(x[32], 8.0f);
}

}  // namespace
}  // namespace bantam
