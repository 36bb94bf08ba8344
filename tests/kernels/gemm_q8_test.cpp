// The exact product of q8_0 weights and quantised activations.
#include <cmath>
#include <limits>

#include "kernels/gemm/gemm.h"
#include "support.h"

namespace bantam::test {
namespace {

// Blocks of q8_0 with every byte and scales of about 2^-6; a `hostile` one has any scale at all.
struct Weights {
  std::vector<std::byte> bytes;
  ConstView view;
  Weights(std::int64_t n, std::int64_t k, bool hostile) {
    const Random random(9, 9);
    const std::int64_t blocks = n * k / 32;
    bytes.resize(static_cast<std::size_t>(blocks * 34));
    for (std::int64_t i = 0; i < blocks; ++i) {
      const std::uint64_t bits = random.bits(static_cast<std::uint64_t>(35 * i));
      const auto scale = static_cast<std::uint16_t>(hostile ? bits >> 20 : 0x2400 + bits % 0x400);
      std::memcpy(bytes.data() + 34 * i, &scale, 2);
      for (std::int64_t e = 0; e < 32; ++e) {
        const std::uint64_t q = random.bits(static_cast<std::uint64_t>(35 * i + e + 1));
        bytes[static_cast<std::size_t>(34 * i + 2 + e)] =
            static_cast<std::byte>(q >> 50 & 1 ? q : 0x80 | (q & 1 ? 0 : 0xff));
      }
    }
    view = ConstView(bytes.data(), Type::q8_0, Shape({n, k}));
  }
  double at(std::int64_t r, std::int64_t c) const {
    const std::byte* block = bytes.data() + (r * view.columns() + c) / 32 * 34;
    std::uint16_t scale;
    std::memcpy(&scale, block, 2);
    return double{half_to_float(scale)} * static_cast<std::int8_t>(block[2 + c % 32]);
  }
};

std::vector<float> run(const Kernels& kernels, unsigned threads, const ConstView& x,
                       const ConstView& w, const float* bias, bool add) {
  Machine machine(kernels, threads);
  MemoryBlocks memory;
  const PackedQ8 packed(machine.exec, w, memory);
  std::vector<float> y(static_cast<std::size_t>(x.rows() * w.rows()), 0.75f);
  gemm_q8(machine.exec, x, packed, bias, {view_of(y, x.rows(), w.rows()), add});
  return y;
}

struct Case {
  std::int64_t m, n, k;
};
constexpr Case kCases[] = {{1, 1, 32},   {1, 40, 64},  {2, 16, 96},  {3, 17, 32},
                           {4, 33, 160}, {5, 15, 64},  {8, 48, 96},  {9, 20, 128},
                           {16, 31, 64}, {17, 16, 32}, {25, 30, 96}, {45, 80, 1120}};

TEST(GemmQ8, EveryInstructionSetGivesTheBytesOfScalar) {
  const auto all = variants();
  for (const Case& c : kCases)
    for (const Numbers kind : {Numbers::plain, Numbers::wide, Numbers::special}) {
      const Matrix x(Type::f32, c.m, c.k, kind, 1, 1);
      const Weights w(c.n, c.k, kind == Numbers::special);
      const Matrix bias(Type::f32, 1, c.n, kind, 3);
      const float* b = c.n % 2 == 0 ? bias.view.as<float>() : nullptr;
      const bool add = c.m % 2 == 0;
      const auto expected = run(all[0].kernels, 1, x.view, w.view, b, add);
      for (const Variant& v : all) {
        SCOPED_TRACE(v.name + " " + std::to_string(c.m) + "x" + std::to_string(c.n) + "x" +
                     std::to_string(c.k) + " numbers " + std::to_string(static_cast<int>(kind)));
        EXPECT_SAME_BYTES(expected, run(v.kernels, 2, x.view, w.view, b, add));
      }
    }
}

TEST(GemmQ8, ThreadsAndTheSplitOfRowsDoNotChangeBytes) {
  const Matrix x(Type::f32, 29, 320, Numbers::plain, 1);
  const Weights w(150, 320, false);
  for (const Variant& v : variants()) {
    SCOPED_TRACE(v.name);
    const auto expected = run(v.kernels, 1, x.view, w.view, nullptr, false);
    for (const unsigned threads : {2u, 3u})
      EXPECT_SAME_BYTES(expected, run(v.kernels, threads, x.view, w.view, nullptr, false));
    std::vector<float> single;
    for (std::int64_t r = 0; r < 29; ++r)
      for (const float value : run(v.kernels, 2, x.rows(r, 1), w.view, nullptr, false))
        single.push_back(value);
    EXPECT_SAME_BYTES(expected, single);
  }
}

// Quantising moves an activation by at most half a step and its own rounding; the sum over groups
// rounds the product with the weight's scale and itself, once a group.
TEST(GemmQ8, ScalarIsWithinHalfAStepOfDoublePrecision) {
  const std::int64_t m = 5, n = 20, k = 640;
  const Matrix x(Type::f32, m, k, Numbers::plain, 1);
  const Weights w(n, k, false);
  const auto y = run(kernels_for(Isa::scalar), 1, x.view, w.view, nullptr, false);
  for (std::int64_t r = 0; r < m; ++r)
    for (std::int64_t c = 0; c < n; ++c) {
      double sum = 0, error = 0, magnitude = 0;
      for (std::int64_t g = 0; g < k; g += 32) {
        double largest = 0;
        for (std::int64_t i = g; i < g + 32; ++i) largest = std::max(largest, std::abs(x.at(r, i)));
        for (std::int64_t i = g; i < g + 32; ++i) {
          sum += x.at(r, i) * w.at(c, i);
          error += (largest / 254 + largest * 0x1p-22) * std::abs(w.at(c, i));
          magnitude += largest * std::abs(w.at(c, i));
        }
      }
      EXPECT_NEAR(double{y[static_cast<std::size_t>(r * n + c)]}, sum,
                  error + (static_cast<double>(k) / 32 + 2) * 0x1p-24 * magnitude);
    }
}

TEST(GemmQ8, AGroupThatIsNotFiniteMakesItsRowNaN) {
  const Weights w(18, 64, false);
  for (const float bad : {std::numeric_limits<float>::infinity(), std::nanf("")})
    for (const Variant& v : variants()) {
      std::vector<float> x(128, 1.0f);
      x[70] = bad;
      const auto y = run(v.kernels, 1, view_of(x, 2, 64), w.view, nullptr, false);
      for (std::size_t i = 0; i < 36; ++i) EXPECT_EQ(std::isnan(y[i]), i >= 18) << v.name;
    }
}

}  // namespace
}  // namespace bantam::test
