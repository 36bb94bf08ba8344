// The int8 product of every block type, in one plane of activations and in two.
#include <cmath>
#include <limits>

#include "blocks/format.h"
#include "kernels/gemm/gemm.h"
#include "support.h"

namespace bantam::test {
namespace {

// Blocks of random bytes, but with scales that let sums stay finite; `hostile` ones are any bytes.
struct Weights {
  std::vector<std::byte> bytes;
  ConstView view;

  Weights(const Format& f, std::int64_t n, std::int64_t k, bool hostile)
      : bytes(static_cast<std::size_t>(f.bytes(n * k))), view(bytes.data(), f.type, Shape({n, k})) {
    const Random random(9, static_cast<std::uint64_t>(f.gguf_id));
    std::uint64_t next = 0;
    for (std::int64_t at = 0; at < f.bytes(n * k); at += f.block_bytes) {
      std::byte* block = bytes.data() + at;
      BlockIntegers numbers;
      do {
        for (std::int64_t i = 0; i < f.block_bytes; ++i)
          block[i] = static_cast<std::byte>(random.bits(next++) >> 20);
        f.integers(block, numbers);
      } while (!hostile && !(sane(numbers.d) && (numbers.dmin == 0 || sane(numbers.dmin))));
    }
  }
  static bool sane(float scale) { return std::fabs(scale) < 64 && std::fabs(scale) > 0x1p-10f; }
};

struct Quantised {
  std::int32_t q[32];
  float d;
};
Quantised quantise(const float* x, float most) {
  Quantised out{};
  float largest = 0;
  for (int i = 0; i < 32; ++i) {
    if (!std::isfinite(x[i])) {
      out.d = std::nanf("");
      return out;
    }
    largest = std::max(largest, std::fabs(x[i]));
  }
  const float inverse = most / largest;
  if (!std::isfinite(inverse)) return out;
  for (int i = 0; i < 32; ++i) out.q[i] = static_cast<std::int32_t>(std::nearbyint(x[i] * inverse));
  out.d = largest / most;
  return out;
}

// One output by the rule of gemm.h, from what the format says of its blocks.
float output(const Format& f, const std::byte* row, const std::vector<Quantised>& a) {
  float sum = 0;
  BlockIntegers b;
  const std::int64_t in_block = f.block / 32;
  for (std::size_t group = 0; group < a.size(); ++group) {
    const auto g = static_cast<std::int64_t>(group) % in_block;
    if (g == 0)
      f.integers(row + static_cast<std::int64_t>(group) / in_block * f.block_bytes, b);
    std::int32_t dot[2] = {}, total[2] = {};
    for (int i = 0; i < 32; ++i) {
      dot[i / 16] += b.q[g * 32 + i] * a[group].q[i];
      total[i / 16] += a[group].q[i];
    }
    const float d_a = a[group].d;
    const auto m = [&](int part) { return -(b.dmin * static_cast<float>(b.m[2 * g + part])); };
    if (f.packing.sub_group == 16) {
      const std::int32_t whole = dot[0] * b.sub[2 * g] + dot[1] * b.sub[2 * g + 1];
      sum = std::fma(static_cast<float>(whole) * b.d, d_a, sum);
      if (f.packing.minimum)
        for (int part = 0; part < 2; ++part)
          sum = std::fma(m(part), d_a * static_cast<float>(total[part]), sum);
    } else {
      const float d_w = b.d * static_cast<float>(b.sub[2 * g]);
      sum = std::fma(static_cast<float>(dot[0] + dot[1]) * d_w, d_a, sum);
      if (f.packing.minimum)
        sum = std::fma(m(0), d_a * static_cast<float>(total[0] + total[1]), sum);
    }
  }
  return sum;
}

const float kQuietNan = std::bit_cast<float>(0x7fc00000u);
float canonical(float value) { return std::isnan(value) ? kQuietNan : value; }

std::vector<float> reference(const Format& f, const ConstView& x, const ConstView& w, Planes planes,
                             const float* bias, bool add) {
  std::vector<float> y(static_cast<std::size_t>(x.rows() * w.rows()), 0.75f);
  for (std::int64_t r = 0; r < x.rows(); ++r) {
    std::vector<Quantised> a;
    for (std::int64_t k = 0; k < x.columns(); k += 32)
      a.push_back(quantise(x.as<float>() + r * x.stride + k,
                           planes == Planes::one ? 127.0f : 16256.0f));
    for (std::int64_t c = 0; c < w.rows(); ++c) {
      float value = canonical(output(f, w.data + f.bytes(c * w.columns()), a));
      if (bias != nullptr) value += bias[c];
      float& to = y[static_cast<std::size_t>(r * w.rows() + c)];
      to = canonical(add ? to + value : value);
    }
  }
  return y;
}

std::vector<float> run(const Kernels& kernels, unsigned threads, const ConstView& x,
                       const ConstView& w, Planes planes, const float* bias, bool add) {
  Machine machine(kernels, threads);
  MemoryBlocks memory;
  const PackedBlocks packed(machine.exec, w, memory);
  std::vector<float> y(static_cast<std::size_t>(x.rows() * w.rows()), 0.75f);
  gemm_blocks(machine.exec, x, packed, planes, bias, {view_of(y, x.rows(), w.rows()), add});
  return y;
}

struct Case {
  std::int64_t m, n, blocks;  // k is that many blocks, times 3 if they are of 32
};
constexpr Case kCases[] = {{1, 1, 1},  {1, 40, 2}, {2, 16, 1},  {3, 17, 1},  {4, 33, 3}, {5, 15, 1},
                           {8, 48, 2}, {9, 20, 1}, {12, 40, 1}, {14, 24, 1}, {16, 31, 2}, {17, 16, 1}, {25, 30, 5},
                           {30, 40, 3}, {33, 17, 1}};

class GemmBlocks : public ::testing::TestWithParam<Type> {
 protected:
  const Format& f = format(GetParam());
  std::int64_t width(const Case& c) const { return c.blocks * (f.block == 32 ? 96 : f.block); }
};

TEST_P(GemmBlocks, EveryInstructionSetGivesTheBytesOfTheRule) {
  const auto all = variants();
  for (const Case& c : kCases)
    for (const Numbers kind : {Numbers::plain, Numbers::wide, Numbers::special})
      for (const Planes planes : {Planes::one, Planes::two}) {
        const Matrix x(Type::f32, c.m, width(c), kind, 1, 1);
        const Weights w(f, c.n, width(c), kind == Numbers::special);
        const Matrix bias(Type::f32, 1, c.n, kind, 3);
        const float* b = c.n % 2 == 0 ? bias.view.as<float>() : nullptr;
        const bool add = c.m % 2 == 0;
        const auto expected = reference(f, x.view, w.view, planes, b, add);
        for (const Variant& v : all) {
          SCOPED_TRACE(v.name + " " + std::to_string(c.m) + "x" + std::to_string(c.n) + "x" +
                       std::to_string(width(c)) + " numbers " +
                       std::to_string(static_cast<int>(kind)) + " planes " +
                       std::to_string(static_cast<int>(planes)));
          EXPECT_SAME_BYTES(expected, run(v.kernels, 2, x.view, w.view, planes, b, add));
        }
        if (HasFailure()) return;
      }
}

// Few rows take runs of strips in one call: here up to seven. Narrow codes are taken as they lie for up to two
// tiles of rows, then unpacked.
TEST_P(GemmBlocks, ProductsOfOneInputAreEachWhatTheRuleSays) {
  const std::int64_t k = f.block == 32 ? 96 : f.block, n[3] = {650, 40, 17};
  for (const std::int64_t m : {1, 2, 3, 5, 8, 9, 18, 32, 33})
    for (const Planes planes : {Planes::one, Planes::two}) {
      const Matrix x(Type::f32, m, k, Numbers::plain, 1);
      const Weights w[3] = {{f, n[0], k, false}, {f, n[1], k, false}, {f, n[2], k, false}};
      const Matrix bias(Type::f32, 1, n[1], Numbers::plain, 3);
      const float* b[3] = {nullptr, bias.view.as<float>(), nullptr};
      for (const Variant& v : variants()) {
        SCOPED_TRACE(v.name + " " + std::to_string(m) + " rows, planes " +
                     std::to_string(static_cast<int>(planes)));
        Machine machine(v.kernels, 2);
        MemoryBlocks memory;
        std::vector<PackedBlocks> packed;
        std::vector<std::vector<float>> y;
        for (int i = 0; i < 3; ++i) {
          packed.emplace_back(machine.exec, w[i].view, memory);
          y.emplace_back(static_cast<std::size_t>(m * n[i]), 0.75f);
        }
        std::vector<BlockProduct> products;
        for (std::size_t i = 0; i < 3; ++i)
          products.push_back({packed[i], b[i], {view_of(y[i], m, n[i]), i == 2}});
        gemm_blocks(machine.exec, x.view, products, planes);
        for (std::size_t i = 0; i < 3; ++i)
          EXPECT_SAME_BYTES(reference(f, x.view, w[i].view, planes, b[i], i == 2), y[i]);
      }
      if (HasFailure()) return;
    }
}

// Many rows: strips in pairs where a unit takes them so, in one pass of up to 40 groups (of a pair 20), or in several
// that go on from each other's sums.
TEST_P(GemmBlocks, ManyRowsByManyStripsGiveTheBytesOfTheRule) {
  struct Many {
    std::int64_t m, n, k;
  };
  const bool wide = f.block > 32;
  for (const Many& c : {Many{25, 152, wide ? 512 : 640}, Many{17, 145, wide ? 768 : 736}, Many{33, 136, 1536}})
    for (const Numbers kind : {Numbers::plain, Numbers::special})
      for (const Planes planes : {Planes::one, Planes::two}) {
        const Matrix x(Type::f32, c.m, c.k, kind, 1, 1);
        const Weights w(f, c.n, c.k, kind == Numbers::special);
        const bool add = c.m == 17;
        const auto expected = reference(f, x.view, w.view, planes, nullptr, add);
        for (const Variant& v : variants()) {
          SCOPED_TRACE(v.name + " " + std::to_string(c.m) + "x" + std::to_string(c.n) + "x" + std::to_string(c.k) +
                       " numbers " + std::to_string(static_cast<int>(kind)) + " planes " +
                       std::to_string(static_cast<int>(planes)));
          EXPECT_SAME_BYTES(expected, run(v.kernels, 1, x.view, w.view, planes, nullptr, add));
        }
        if (HasFailure()) return;
      }
}

// A row of 64 groups or more has a pass of its own over a run of strips, 512 groups at a time; a fifth row
// is one where four go together.
TEST_P(GemmBlocks, ALongRowGivesTheBytesOfTheRule) {
  struct Long {
    std::int64_t m, n, k;
    Numbers kind;
  };
  const std::int64_t more = f.block == 32 ? 96 : 256;
  for (const Long& c : {Long{1, 104, 2048, Numbers::special}, Long{1, 17, 2048 + more, Numbers::wide},
                        Long{5, 40, 2048, Numbers::wide}, Long{1, 104, 16384 + more, Numbers::plain}})
    for (const Planes planes : {Planes::one, Planes::two}) {
      const Matrix x(Type::f32, c.m, c.k, c.kind, 1);
      const Weights w(f, c.n, c.k, c.kind == Numbers::special);
      const auto expected = reference(f, x.view, w.view, planes, nullptr, true);
      for (const Variant& v : variants()) {
        SCOPED_TRACE(v.name + " " + std::to_string(c.m) + "x" + std::to_string(c.n) + "x" +
                     std::to_string(c.k) + " planes " + std::to_string(static_cast<int>(planes)));
        EXPECT_SAME_BYTES(expected, run(v.kernels, 1, x.view, w.view, planes, nullptr, true));
      }
      if (HasFailure()) return;
    }
}

TEST_P(GemmBlocks, ThreadsAndTheSplitOfRowsDoNotChangeBytes) {
  const std::int64_t k = f.block == 32 ? 1120 : 1280;
  const Matrix x(Type::f32, 21, k, Numbers::plain, 1);
  const Weights w(f, 70, k, false);
  for (const Variant& v : variants()) {
    if (v.name == "scalar") continue;
    SCOPED_TRACE(v.name);
    const auto expected = run(v.kernels, 1, x.view, w.view, Planes::one, nullptr, false);
    for (const unsigned threads : {2u, 3u})
      EXPECT_SAME_BYTES(expected,
                        run(v.kernels, threads, x.view, w.view, Planes::one, nullptr, false));
    std::vector<float> single;
    for (std::int64_t r = 0; r < 21; ++r)
      for (const float value :
           run(v.kernels, 2, x.rows(r, 1), w.view, Planes::one, nullptr, false))
        single.push_back(value);
    EXPECT_SAME_BYTES(expected, single);
  }
}

TEST_P(GemmBlocks, WhatIsPackedReadsAsItsTypeDecodes) {
  const std::int64_t n = 37, k = f.block * 3;
  const Weights w(f, n, k, false);
  std::vector<float> expected(static_cast<std::size_t>(n * k)), got(expected.size());
  f.decode(w.bytes.data(), expected.data(), n * k);
  for (const Variant& v : variants()) {
    Machine machine(v.kernels, 2);
    MemoryBlocks memory;
    const PackedBlocks packed(machine.exec, w.view, memory);
    packed.reader(v.kernels).read(0, n, 0, k, got.data());
    for (std::size_t i = 0; i < got.size(); ++i)  // -0 may come back as 0
      ASSERT_EQ(expected[i], got[i]) << v.name << " " << i;
  }
}

TEST_P(GemmBlocks, AGroupThatIsNotFiniteMakesItsRowNaN) {
  const std::int64_t k = 2 * f.block;
  const Weights w(f, 18, k, false);
  for (const float bad : {std::numeric_limits<float>::infinity(), std::nanf("")})
    for (const Variant& v : variants()) {
      std::vector<float> x(static_cast<std::size_t>(2 * k), 1.0f);
      x[static_cast<std::size_t>(k) + 6] = bad;
      const auto y = run(v.kernels, 1, view_of(x, 2, k), w.view, Planes::two, nullptr, false);
      for (std::size_t i = 0; i < 36; ++i) EXPECT_EQ(std::isnan(y[i]), i >= 18) << v.name;
    }
}

// Rounding moves an activation by at most half a step and its own rounding; the sum over groups
// rounds a few times a group.
TEST_P(GemmBlocks, IsWithinHalfAStepOfDoublePrecision) {
  const std::int64_t m = 5, n = 20, k = f.block == 32 ? 640 : 768;
  const Matrix x(Type::f32, m, k, Numbers::plain, 1);
  const Weights w(f, n, k, false);
  std::vector<float> dense(static_cast<std::size_t>(n * k));
  f.decode(w.bytes.data(), dense.data(), n * k);
  for (const Planes planes : {Planes::one, Planes::two}) {
    const double steps = planes == Planes::one ? 254 : 32512;
    const auto y = run(kernels_for(best_isa()), 1, x.view, w.view, planes, nullptr, false);
    for (std::int64_t r = 0; r < m; ++r)
      for (std::int64_t c = 0; c < n; ++c) {
        double sum = 0, error = 0, magnitude = 0;
        for (std::int64_t g = 0; g < k; g += 32) {
          double largest = 0;
          for (std::int64_t i = g; i < g + 32; ++i)
            largest = std::max(largest, std::abs(x.at(r, i)));
          for (std::int64_t i = g; i < g + 32; ++i) {
            const double weight = dense[static_cast<std::size_t>(c * k + i)];
            sum += x.at(r, i) * weight;
            error += (largest / steps + largest * 0x1p-22) * std::abs(weight);
          }
        }
        // With a minimum the two parts of a number may be larger than it is.
        for (std::int64_t i = 0; i < k; i += f.block) {
          BlockIntegers b;
          f.integers(w.bytes.data() + f.bytes(c * k + i), b);
          for (std::int64_t e = 0; e < f.block; ++e)
            magnitude += std::abs(double{b.d} * b.sub[e / 16] * b.q[e]) +
                         std::abs(double{b.dmin} * b.m[e / 16]);
        }
        EXPECT_NEAR(double{y[static_cast<std::size_t>(r * n + c)]}, sum,
                    error + (static_cast<double>(k) / 8 + 4) * 0x1p-24 * magnitude);
      }
  }
}

std::vector<Type> block_types() {
  std::vector<Type> all;
  for (const Format& f : formats())
    if (f.packing.bits > 0) all.push_back(f.type);
  return all;
}

INSTANTIATE_TEST_SUITE_P(Types, GemmBlocks, ::testing::ValuesIn(block_types()),
                         [](const auto& type) { return std::string(format(type.param).name); });

}  // namespace
}  // namespace bantam::test
