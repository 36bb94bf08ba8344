// What the tests of kernels share: every variant of the table that this machine can run, a pool
// with scratch, and numbers of all kinds.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/thread_pool.h"
#include "blocks/half.h"
#include "kernels/detect.h"
#include "kernels/exec.h"

namespace bantam::test {

struct Variant {
  std::string name;
  Kernels kernels;
};

// Scalar first. The rows of the table, and those of processors that have less beside them.
inline std::vector<Variant> variants() {
  std::vector<Variant> all;
  const Features here = cpu_features();
  Features bare = here;
  bare.avx_vnni = bare.avx512_vnni = bare.avx512_bf16 = bare.amx_int8 = false;
  bare.neon_dotprod = bare.neon_i8mm = false;
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::amx, Isa::neon}) {
    if (!isa_available(isa)) continue;
    all.push_back({isa_name(isa), kernels_with(isa, here)});
    if (isa != Isa::scalar)
      all.push_back({std::string(isa_name(isa)) + ", bare", kernels_with(isa, bare)});
    if (isa == Isa::avx2) {
      all.push_back({"avx2, shaped for tiles", kernels_with(isa, here)});
      all.back().kernels.tiles = true;
    }
    if (isa == Isa::neon && here.neon_i8mm) {
      Features without = here;
      without.neon_i8mm = false;
      all.push_back({"neon, without i8mm", kernels_with(isa, without)});
    }
  }
  return all;
}

struct Machine {
  ThreadPool pool;
  std::vector<Scratch> scratch;
  const Kernels kernels;
  const Exec exec;

  Machine(const Kernels& kernels_, unsigned threads)
      : pool(threads), scratch(threads + 1), kernels(kernels_), exec{pool, kernels, scratch} {}
};

enum class Numbers {
  plain,    // of magnitude 2^-3 to 1
  wide,     // every exponent that products do not overflow with, zeros, subnormals
  special,  // now and then infinity, NaN, -0, the largest
};

inline float number(Numbers kind, const Random& random, std::uint64_t index) {
  const std::uint64_t bits = random.bits(2 * index), choice = random.bits(2 * index + 1);
  const float sign = bits & 1 ? -1.0f : 1.0f;
  const auto fraction = static_cast<float>(bits >> 40) * 0x1p-24f;
  if (kind == Numbers::special && choice % 97 < 5) {
    constexpr std::uint32_t kValues[] = {0x7f800000, 0x7fc12345, 0x80000000, 0x7f7fffff,
                                         0x7fa00001};
    return sign * std::bit_cast<float>(kValues[choice % 97]);
  }
  if (kind == Numbers::plain) return sign * (0.125f + 0.875f * fraction);
  if (choice % 13 == 0) return sign * 0.0f;
  if (choice % 13 == 1) return sign * fraction * 0x1p-126f;
  return std::ldexp(sign * (1 + fraction), static_cast<int>(choice >> 32 & 127) - 84);
}

// [rows, columns], stride columns + gap; the type is f32, f16 or bf16.
struct Matrix {
  std::vector<std::byte> bytes;
  ConstView view;

  Matrix(Type type, std::int64_t rows, std::int64_t columns, Numbers kind, std::uint64_t seed,
         std::int64_t gap = 0) {
    const std::int64_t stride = columns + gap, size = type == Type::f32 ? 4 : 2;
    bytes.resize(static_cast<std::size_t>(rows * stride * size + 4));
    const Random random(seed, 1);
    std::byte* data = bytes.data() + (gap % 2 == 1 ? size : 0);  // an odd gap: not even aligned
    for (std::int64_t i = 0; i < rows * stride; ++i) {
      const float value = number(kind, random, static_cast<std::uint64_t>(i));
      const std::uint16_t half = type == Type::f16 ? float_to_half(value) : float_to_bf16(value);
      if (i % stride < columns)
        std::memcpy(data + i * size, type == Type::f32 ? static_cast<const void*>(&value) : &half,
                    static_cast<std::size_t>(size));
    }
    view = ConstView(data, type, Shape({rows, columns}), stride);
  }

  double at(std::int64_t r, std::int64_t c) const {
    const std::int64_t i = r * view.stride + c;
    if (view.type == Type::f32) return double{view.as<float>()[i]};
    std::uint16_t half;
    std::memcpy(&half, view.data + 2 * i, sizeof half);
    return double{view.type == Type::f16 ? half_to_float(half) : bf16_to_float(half)};
  }
  ConstView rows(std::int64_t first, std::int64_t count) const {
    const std::int64_t size = view.type == Type::f32 ? 4 : 2;
    return ConstView(view.data + first * view.stride * size, view.type,
                     Shape({count, view.columns()}), view.stride);
  }
};

template <class T>
View view_of(std::vector<T>& values, std::int64_t rows, std::int64_t columns) {
  return View(reinterpret_cast<std::byte*>(values.data()), sizeof(T) == 4 ? Type::f32 : Type::bf16,
              Shape({rows, columns}));
}

// The index of the first element whose bytes differ, or -1.
template <class T>
std::int64_t first_difference(const std::vector<T>& a, const std::vector<T>& b) {
  for (std::size_t i = 0; i < a.size(); ++i)
    if (std::memcmp(&a[i], &b[i], sizeof(T)) != 0) return static_cast<std::int64_t>(i);
  return -1;
}

#define EXPECT_SAME_BYTES(a, b)                                         \
  do {                                                                  \
    const std::int64_t at_ = ::bantam::test::first_difference(a, b);    \
    EXPECT_EQ(at_, -1) << (a)[static_cast<std::size_t>(at_)] << " and " \
                       << (b)[static_cast<std::size_t>(at_)];           \
  } while (false)

}  // namespace bantam::test
