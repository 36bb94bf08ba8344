// What the tests of element-wise kernels share: matrices with gaps, ranges, and every instruction
// set of this machine.
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <complex>
#include <cstring>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "blocks/half.h"
#include "kernels/kernels.h"

namespace bantam::test {

inline const char* name_of(Type type) {
  return type == Type::f32 ? "f32" : type == Type::bf16 ? "bf16" : "f16";
}

// Rows of a type, with a gap after each that nobody may touch.
class Rows {
 public:
  Rows(Type type, std::int64_t rows, std::int64_t columns, std::int64_t gap = 0)
      : type_(type), rows_(rows), columns_(columns), stride_(columns + gap) {
    bytes_.assign(static_cast<std::size_t>(rows * stride_ * size()), std::byte{0x5a});
  }
  // Uniform in [-scale, scale), each a value of the type.
  static Rows random(std::uint64_t seed, Type type, std::int64_t rows, std::int64_t columns,
                     std::int64_t gap = 0, double scale = 1) {
    Rows out(type, rows, columns, gap);
    const Random random(seed, 7);
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t c = 0; c < columns; ++c)
        out.set(r, c,
                (2 * random.uniform(static_cast<std::uint64_t>(r * columns + c)) - 1) * scale);
    return out;
  }

  Type type() const { return type_; }
  std::int64_t rows() const { return rows_; }
  std::int64_t columns() const { return columns_; }
  std::int64_t stride() const { return stride_; }
  const std::vector<std::byte>& bytes() const { return bytes_; }
  View view() { return View(bytes_.data(), type_, Shape({rows_, columns_}), stride_); }
  float* floats() { return reinterpret_cast<float*>(bytes_.data()); }

  double at(std::int64_t r, std::int64_t c) const {
    const std::byte* p = bytes_.data() + (r * stride_ + c) * size();
    if (type_ == Type::f32) {
      float value;
      std::memcpy(&value, p, sizeof value);
      return double{value};
    }
    std::uint16_t half;
    std::memcpy(&half, p, sizeof half);
    return double{type_ == Type::bf16 ? bf16_to_float(half) : half_to_float(half)};
  }
  void set(std::int64_t r, std::int64_t c, double number) {
    const auto value = static_cast<float>(number);
    std::byte* p = bytes_.data() + (r * stride_ + c) * size();
    if (type_ == Type::f32) {
      std::memcpy(p, &value, sizeof value);
      return;
    }
    const std::uint16_t half = type_ == Type::bf16 ? float_to_bf16(value) : float_to_half(value);
    std::memcpy(p, &half, sizeof half);
  }
  // The same numbers in another type, without gaps.
  Rows as(Type type) const {
    Rows out(type, rows_, columns_);
    for (std::int64_t r = 0; r < rows_; ++r)
      for (std::int64_t c = 0; c < columns_; ++c) out.set(r, c, at(r, c));
    return out;
  }
  // All numbers, row after row.
  template <class Number>
  std::vector<Number> numbers() const {
    std::vector<Number> out;
    for (std::int64_t r = 0; r < rows_; ++r)
      for (std::int64_t c = 0; c < columns_; ++c) out.emplace_back(at(r, c));
    return out;
  }
  bool gaps_untouched() const {
    for (std::int64_t r = 0; r < rows_; ++r)
      for (std::int64_t i = columns_ * size(); i < stride_ * size(); ++i)
        if (bytes_[static_cast<std::size_t>(r * stride_ * size() + i)] != std::byte{0x5a})
          return false;
    return true;
  }

 private:
  std::int64_t size() const { return type_ == Type::f32 ? 4 : 2; }
  Type type_;
  std::int64_t rows_, columns_, stride_;
  std::vector<std::byte> bytes_;
};

// [0, count) in one piece, or in pieces of up to 7 (and now and then none).
using Ranges = std::vector<std::pair<std::int64_t, std::int64_t>>;
inline Ranges ranges(std::int64_t count, bool pieces) {
  if (!pieces) return {{0, count}};
  Ranges out;
  const Random random(static_cast<std::uint64_t>(count), 3);
  for (std::int64_t begin = 0; begin < count;) {
    const auto length = static_cast<std::int64_t>(random.below(out.size(), 8));
    const std::int64_t end = std::min(count, begin + length);
    out.emplace_back(begin, end);
    begin = end;
  }
  return out;
}

// Later pieces first: the order of calls must not matter either.
template <class Args>
void call(RangeKernel<Args> kernel, const Args& args, std::int64_t count, bool pieces) {
  const Ranges all = ranges(count, pieces);
  for (std::size_t i = all.size(); i-- > 0;) kernel(args, all[i].first, all[i].second);
}

inline std::vector<Isa> instruction_sets() {
  std::vector<Isa> out;
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::neon})
    if (isa_available(isa)) out.push_back(isa);
  return out;
}

// `run(kernels, pieces)` starts from the same inputs each time and returns its results; they must
// be the same bytes from every instruction set, whole or in pieces, with gaps untouched.
inline void expect_same_bytes(const std::string& what,
                              const std::function<std::vector<Rows>(const Kernels&, bool)>& run) {
  const std::vector<Rows> expected = run(kernels_for(Isa::scalar), false);
  for (const Isa isa : instruction_sets()) {
    for (const bool pieces : {false, true}) {
      const std::vector<Rows> got = run(kernels_for(isa), pieces);
      for (std::size_t i = 0; i < expected.size(); ++i) {
        ASSERT_TRUE(got[i].gaps_untouched()) << what << ", " << isa_name(isa) << ", result " << i;
        if (got[i].bytes() == expected[i].bytes()) continue;
        for (std::int64_t r = 0; r < got[i].rows(); ++r)
          for (std::int64_t c = 0; c < got[i].columns(); ++c)
            ASSERT_EQ(got[i].at(r, c), expected[i].at(r, c))
                << what << ", " << isa_name(isa) << (pieces ? " in pieces" : "") << ", result " << i
                << " at " << r << ", " << c;
        FAIL() << what << ", " << isa_name(isa) << ", result " << i << ": a sign of zero";
      }
    }
  }
}

inline constexpr double kUnit = 0x1p-24;  // half an ulp of 1: the relative error of one rounding

inline void expect_near(const std::string& what, const Rows& got, const std::vector<double>& want,
                        const std::function<double(std::size_t)>& tolerance) {
  const std::vector<double> numbers = got.numbers<double>();
  ASSERT_EQ(numbers.size(), want.size()) << what;
  for (std::size_t i = 0; i < want.size(); ++i)
    ASSERT_LE(std::abs(numbers[i] - want[i]), tolerance(i))
        << what << " at " << i << ": " << numbers[i] << ", expected " << want[i];
}

// The gradient of `loss` at x by complex steps (Squire & Trapp 1998): exact to rounding, as nothing
// is subtracted.
using Complex = std::complex<double>;
inline std::vector<double> complex_step(
    const std::vector<double>& x, const std::function<Complex(const std::vector<Complex>&)>& loss) {
  std::vector<Complex> z(x.begin(), x.end());
  std::vector<double> gradient;
  for (std::size_t i = 0; i < x.size(); ++i) {
    z[i] = Complex(x[i], 1e-50);
    gradient.push_back(loss(z).imag() / 1e-50);
    z[i] = x[i];
  }
  return gradient;
}

// sum of a_i b_i, without conjugation.
template <class A, class B>
Complex weighted(const std::vector<A>& a, const std::vector<B>& b) {
  Complex sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += Complex(a[i]) * Complex(b[i]);
  return sum;
}

inline double largest(const std::vector<double>& values) {
  double out = 0;
  for (const double v : values) out = std::max(out, std::abs(v));
  return out;
}

}  // namespace bantam::test
