// The f32 product of the gradients.
#include <cmath>

#include "kernels/gemm/gemm.h"
#include "support.h"

namespace bantam::test {
namespace {

struct Case {
  std::int64_t m, n, k;
};
constexpr Case kCases[] = {{1, 1, 1},   {2, 3, 5},    {5, 17, 2},   {6, 64, 7},     {7, 65, 130},
                           {12, 16, 9}, {13, 40, 33}, {100, 7, 20}, {31, 130, 140}, {200, 70, 131}};

// a in memory as [m, k], or as [k, m] when `turned`.
std::vector<float> run(const Kernels& kernels, unsigned threads, const ConstView& a, bool turned,
                       const ConstView& b, std::vector<float> c, bool add) {
  Machine machine(kernels, threads);
  const std::int64_t m = turned ? a.columns() : a.rows(), k = b.rows();
  const ChainFactor factor{a.as<float>(), turned ? 1 : a.stride, turned ? a.stride : 1};
  gemm_chain(machine.exec, m, k, factor, b, {view_of(c, m, b.columns()), add});
  return c;
}

TEST(GemmChain, EveryInstructionSetGivesTheBytesOfScalar) {
  const auto all = variants();
  for (const Case& c : kCases)
    for (const bool turned : {false, true})
      for (const Numbers kind : {Numbers::plain, Numbers::wide, Numbers::special}) {
        const Matrix a(Type::f32, turned ? c.k : c.m, turned ? c.m : c.k, kind, 1, 2);
        const Matrix b(Type::f32, c.k, c.n, kind, 2, 1);
        const std::vector<float> start(static_cast<std::size_t>(c.m * c.n), -1.5f);
        const bool add = c.k % 2 == 0;
        const auto expected = run(all[0].kernels, 1, a.view, turned, b.view, start, add);
        for (const Variant& v : all) {
          SCOPED_TRACE(v.name + " " + std::to_string(c.m) + "x" + std::to_string(c.n) + "x" +
                       std::to_string(c.k) + " numbers " + std::to_string(static_cast<int>(kind)));
          EXPECT_SAME_BYTES(expected, run(v.kernels, 2, a.view, turned, b.view, start, add));
        }
      }
}

TEST(GemmChain, SixteenMicroBatchesGiveTheBytesOfOneBatch) {
  const std::int64_t tokens = 160, m = 45, n = 70;
  const Matrix dy(Type::f32, tokens, m, Numbers::plain, 1),
      x(Type::f32, tokens, n, Numbers::plain, 2);
  for (const Variant& v : variants()) {
    SCOPED_TRACE(v.name);
    const std::vector<float> zero(static_cast<std::size_t>(m * n), 0.0f);
    const auto whole = run(v.kernels, 2, dy.view, true, x.view, zero, false);
    std::vector<float> parts = zero;
    for (std::int64_t i = 0; i < 16; ++i)
      parts = run(v.kernels, 3, dy.rows(10 * i, 10), true, x.rows(10 * i, 10), parts, true);
    EXPECT_SAME_BYTES(whole, parts);
  }
}

// One chain: at most k roundings a term, each of relative 2^-24.
TEST(GemmChain, ScalarIsWithinRoundingOfDoublePrecision) {
  const Matrix a(Type::f32, 5, 90, Numbers::plain, 5), b(Type::f32, 90, 11, Numbers::plain, 6);
  const auto c =
      run(kernels_for(Isa::scalar), 1, a.view, false, b.view, std::vector<float>(55), false);
  for (std::int64_t i = 0; i < 5; ++i)
    for (std::int64_t j = 0; j < 11; ++j) {
      double sum = 0, magnitude = 0;
      for (std::int64_t k = 0; k < 90; ++k) {
        sum += a.at(i, k) * b.at(k, j);
        magnitude += std::abs(a.at(i, k) * b.at(k, j));
      }
      EXPECT_NEAR(double{c[static_cast<std::size_t>(i * 11 + j)]}, sum, 91 * 0x1p-24 * magnitude);
    }
}

}  // namespace
}  // namespace bantam::test
