// The bf16 product in the order of the tile.
#include <cmath>

#include "blocks/format.h"
#include "kernels/gemm/gemm.h"
#include "support.h"

namespace bantam::test {
namespace {

struct Case {
  std::int64_t m, n, k;
  Type a_type, b_type;
  bool a_contiguous, b_contiguous;
};
constexpr Type kF = Type::f32, kB = Type::bf16;
constexpr Case kCases[] = {
    {1, 1, 1, kF, kF, true, true},      {3, 5, 7, kB, kF, false, true},
    {7, 33, 31, kF, kB, true, false},   {31, 16, 33, kB, kB, false, false},
    {32, 32, 32, kB, kB, true, true},   {33, 65, 64, kF, kF, false, false},
    {40, 17, 100, kB, kF, true, false}, {65, 64, 257, kF, kB, false, true},
    {70, 100, 300, kB, kB, true, true}, {29, 40, 530, kB, kB, false, false},
};

Matrix factor(Type type, bool k_contiguous, std::int64_t i, std::int64_t k, Numbers kind,
              std::uint64_t seed) {
  return Matrix(type, k_contiguous ? i : k, k_contiguous ? k : i, kind, seed, 1);
}

template <class C>
std::vector<C> run(const Kernels& kernels, unsigned threads, const Case& c, const ConstView& a,
                   const ConstView& b, const float* bias, std::vector<C> out, bool add) {
  Machine machine(kernels, threads);
  PackedB packed(c.k, c.n);
  packed.pack(machine.exec, b, c.b_contiguous);
  const PackSource source{a.data, a.type, a.stride, c.a_contiguous};
  gemm_bf16(machine.exec, c.m, source, packed, bias, {view_of(out, c.m, c.n), add});
  return out;
}

template <class C>
void compare(const std::vector<Variant>& all, const Case& c, Numbers kind, C start, bool add) {
  const Matrix a = factor(c.a_type, c.a_contiguous, c.m, c.k, kind, 1);
  const Matrix b = factor(c.b_type, c.b_contiguous, c.n, c.k, kind, 2);
  const Matrix bias(Type::f32, 1, c.n, kind, 3);
  const float* bias_or_none = c.k % 2 == 0 ? bias.view.as<float>() : nullptr;
  const std::vector<C> before(static_cast<std::size_t>(c.m * c.n), start);
  const auto expected = run(all[0].kernels, 1, c, a.view, b.view, bias_or_none, before, add);
  for (const Variant& v : all) {
    SCOPED_TRACE(v.name + " " + std::to_string(c.m) + "x" + std::to_string(c.n) + "x" +
                 std::to_string(c.k) + " numbers " + std::to_string(static_cast<int>(kind)) +
                 (add ? " added" : ""));
    EXPECT_SAME_BYTES(expected, run(v.kernels, 2, c, a.view, b.view, bias_or_none, before, add));
  }
}

TEST(GemmBf16, EveryInstructionSetGivesTheBytesOfScalar) {
  const auto all = variants();
  for (const Case& c : kCases)
    for (const Numbers kind : {Numbers::plain, Numbers::wide, Numbers::special})
      for (const bool add : {false, true}) {
        compare<float>(all, c, kind, 0.3f, add);
        compare<std::uint16_t>(all, c, kind, 0x3e99, add);
      }
}

// More k than a worker packs at a time.
TEST(GemmBf16, ALongSumGivesTheBytesOfScalar) {
  const Case c{33, 34, 8500, kB, kB, false, false};
  compare<float>(variants(), c, Numbers::plain, 0.3f, true);
}

TEST(GemmBf16, ThreadsAndTheSplitOfRowsDoNotChangeBytes) {
  const Case whole{45, 130, 290, kB, kB, true, true};
  const Matrix a = factor(kB, true, 45, 290, Numbers::plain, 1);
  const Matrix b = factor(kB, true, 130, 290, Numbers::plain, 2);
  for (const Variant& v : variants()) {
    SCOPED_TRACE(v.name);
    const auto start = [](std::int64_t rows) {
      return std::vector<float>(static_cast<std::size_t>(rows * 130));
    };
    const auto expected = run(v.kernels, 1, whole, a.view, b.view, nullptr, start(45), false);
    for (const unsigned threads : {2u, 3u})
      EXPECT_SAME_BYTES(expected,
                        run(v.kernels, threads, whole, a.view, b.view, nullptr, start(45), false));
    std::vector<float> single;
    Case one = whole;
    one.m = 1;
    for (std::int64_t r = 0; r < 45; ++r)
      for (const float y : run(v.kernels, 2, one, a.rows(r, 1), b.view, nullptr, start(1), false))
        single.push_back(y);
    EXPECT_SAME_BYTES(expected, single);
  }
}

TEST(GemmBf16, SixteenMicroBatchesGiveTheBytesOfOneBatch) {
  const Case whole{50, 70, 512, kB, kB, false, false}, part{50, 70, 32, kB, kB, false, false};
  const Matrix dy(kB, 512, 50, Numbers::plain, 1), x(kB, 512, 70, Numbers::plain, 2);
  for (const Variant& v : variants()) {
    SCOPED_TRACE(v.name);
    const std::vector<float> zero(50 * 70, 0.0f);
    const auto once = run(v.kernels, 2, whole, dy.view, x.view, nullptr, zero, false);
    std::vector<float> sum = zero;
    for (std::int64_t i = 0; i < 16; ++i)
      sum = run(v.kernels, 3, part, dy.rows(32 * i, 32), x.rows(32 * i, 32), nullptr, sum, true);
    EXPECT_SAME_BYTES(once, sum);
  }
}

TEST(GemmBf16, OtherTypesOfBAreDecodedBeforeTheyAreRounded) {
  const std::int64_t n = 37, k = 96;
  const Matrix a(kB, 5, k, Numbers::plain, 1), w(kF, n, k, Numbers::plain, 2);
  const Case c{5, n, k, kB, kF, true, true};
  for (const Type type : {Type::f16, Type::q8_0}) {
    const Format& f = format(type);
    std::vector<std::byte> encoded(static_cast<std::size_t>(f.bytes(n * k)));
    std::vector<float> decoded(static_cast<std::size_t>(n * k));
    f.encode(w.view.as<float>(), encoded.data(), n * k);
    f.decode(encoded.data(), decoded.data(), n * k);
    const std::vector<float> zero(static_cast<std::size_t>(5 * n));
    for (const Variant& v : variants()) {
      const auto expected =
          run(v.kernels, 1, c, a.view, view_of(decoded, n, k), nullptr, zero, false);
      const ConstView source(encoded.data(), type, Shape({n, k}));
      EXPECT_SAME_BYTES(expected, run(v.kernels, 2, c, a.view, source, nullptr, zero, false));
    }
  }
}

// A term passes at most 16 FMAs of its chain, the sum of both chains, and one sum a step.
TEST(GemmBf16, ScalarIsWithinRoundingOfDoublePrecision) {
  const Case c{6, 35, 320, kB, kB, true, true};
  const Matrix a = factor(kB, true, c.m, c.k, Numbers::plain, 1);
  const Matrix b = factor(kB, true, c.n, c.k, Numbers::plain, 2);
  const auto y = run(kernels_for(Isa::scalar), 1, c, a.view, b.view, nullptr,
                     std::vector<float>(static_cast<std::size_t>(c.m * c.n)), false);
  for (std::int64_t i = 0; i < c.m; ++i)
    for (std::int64_t j = 0; j < c.n; ++j) {
      double sum = 0, magnitude = 0;
      for (std::int64_t k = 0; k < c.k; ++k) {
        sum += a.at(i, k) * b.at(j, k);
        magnitude += std::abs(a.at(i, k) * b.at(j, k));
      }
      EXPECT_NEAR(double{y[static_cast<std::size_t>(i * c.n + j)]}, sum,
                  (17 + 10) * 0x1p-24 * magnitude);
    }
}

TEST(GemmBf16, SubnormalsCountAsZero) {
  const float tiny = 0x1p-130f, big = 0x1p100f;
  const Matrix shape(kF, 1, 1, Numbers::plain, 1);
  const ConstView a(reinterpret_cast<const std::byte*>(&tiny), kF, Shape({1, 1}));
  const ConstView b(reinterpret_cast<const std::byte*>(&big), kF, Shape({1, 1}));
  const Case c{1, 1, 1, kF, kF, true, true};
  for (const Variant& v : variants())
    EXPECT_EQ(run(v.kernels, 1, c, a, b, nullptr, std::vector<float>{7.0f}, false)[0], 0.0f)
        << v.name;
}

// 2^-126 - 2^-150, which as a subnormal would round to 2^-126. (Nearer to 2^-126 processors keep
// it, and some emulators do not; tiles need not agree on either.)
TEST(GemmBf16, WhatIsTinyIsZeroEvenWhereRoundingWouldMakeItNormal) {
  const float a[] = {0x1p-63f, 0.0f, -0x1p-75f}, b[] = {0x1p-63f, 0.0f, 0x1p-75f};
  const Case shape{1, 1, 3, kF, kF, true, true};
  const ConstView a_view(reinterpret_cast<const std::byte*>(a), kF, Shape({1, 3}));
  const ConstView b_view(reinterpret_cast<const std::byte*>(b), kF, Shape({1, 3}));
  for (const Variant& v : variants()) {
    if (v.name.starts_with(isa_name(Isa::amx))) continue;
    const std::vector<float> before{7.0f};
    EXPECT_EQ(run(v.kernels, 1, shape, a_view, b_view, nullptr, before, false)[0], 0.0f) << v.name;
  }
}

}  // namespace
}  // namespace bantam::test
