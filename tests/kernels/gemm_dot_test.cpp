// The f32 product of rows with rows.
#include <cmath>

#include "kernels/gemm/gemm.h"
#include "support.h"

namespace bantam::test {
namespace {

struct Case {
  std::int64_t m, n, k;
};
constexpr Case kCases[] = {{1, 1, 1},     {1, 3, 15},    {2, 5, 16},    {3, 8, 17},    {4, 9, 31},
                           {5, 4, 33},    {6, 7, 40},    {7, 13, 64},   {13, 6, 48},   {19, 11, 96},
                           {1, 130, 257}, {37, 70, 129}, {64, 33, 200}, {31, 70, 1100}};

std::vector<float> run(const Kernels& kernels, unsigned threads, const ConstView& x,
                       const ConstView& w, const float* bias, bool add) {
  Machine machine(kernels, threads);
  std::vector<float> y(static_cast<std::size_t>(x.rows() * w.rows()), 0.75f);
  gemm_dot(machine.exec, x, w, bias, {view_of(y, x.rows(), w.rows()), add});
  return y;
}

TEST(GemmDot, EveryInstructionSetGivesTheBytesOfScalar) {
  const auto all = variants();
  for (const Case& c : kCases)
    for (const Type type : {Type::f32, Type::f16, Type::bf16})
      for (const Numbers kind : {Numbers::plain, Numbers::wide, Numbers::special}) {
        const Matrix x(Type::f32, c.m, c.k, kind, 1, 3), w(type, c.n, c.k, kind, 2, 1);
        const Matrix bias(Type::f32, 1, c.n, kind, 3);
        const float* b = c.n % 2 == 0 ? bias.view.as<float>() : nullptr;
        const bool add = c.k % 2 == 0;
        const auto expected = run(all[0].kernels, 1, x.view, w.view, b, add);
        for (const Variant& v : all) {
          SCOPED_TRACE(v.name + " " + std::to_string(c.m) + "x" + std::to_string(c.n) + "x" +
                       std::to_string(c.k) + " type " + std::to_string(static_cast<int>(type)) +
                       " numbers " + std::to_string(static_cast<int>(kind)));
          EXPECT_SAME_BYTES(expected, run(v.kernels, 1, x.view, w.view, b, add));
        }
      }
}

TEST(GemmDot, ThreadsAndTheSplitOfRowsDoNotChangeBytes) {
  const Matrix x(Type::f32, 29, 300, Numbers::plain, 1), w(Type::f16, 150, 300, Numbers::plain, 2);
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

// Error of a sum in 16 lanes: each term passes at most k/16 + 1 roundings in its lane and 4 in the
// tree, each of relative 2^-24 (Higham 2002, "Accuracy and Stability", section 4.2).
TEST(GemmDot, ScalarIsWithinRoundingOfDoublePrecision) {
  const Matrix x(Type::f32, 7, 500, Numbers::plain, 5), w(Type::bf16, 9, 500, Numbers::plain, 6);
  const auto y = run(kernels_for(Isa::scalar), 1, x.view, w.view, nullptr, false);
  for (std::int64_t r = 0; r < 7; ++r)
    for (std::int64_t c = 0; c < 9; ++c) {
      double sum = 0, magnitude = 0;
      for (std::int64_t k = 0; k < 500; ++k) {
        sum += x.at(r, k) * w.at(c, k);
        magnitude += std::abs(x.at(r, k) * w.at(c, k));
      }
      EXPECT_NEAR(double{y[static_cast<std::size_t>(r * 9 + c)]}, sum,
                  (500.0 / 16 + 6) * 0x1p-24 * magnitude);
    }
}

}  // namespace
}  // namespace bantam::test
