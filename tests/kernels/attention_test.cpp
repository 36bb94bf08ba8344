// Attention and its gradient: the same bytes from every instruction set and every split of the
// work; values and gradients against plain references.
#include "attention_cases.h"
#include "blocks/format.h"

namespace bantam::test {
namespace {

Pattern decode() {  // single rows of several sequences, far apart in the cache, one without keys
  return {"decode", {0, 40, 100, 7, 90}, {37, 1, 200, 0, 16}, 300};
}
Pattern prefill() {  // a chunk of a prompt after what is already stored
  Pattern p{"prefill", {}, {}, 90};
  for (std::int32_t t = 0; t < 50; ++t) {
    p.first.push_back(3);
    p.count.push_back(37 + t);
  }
  return p;
}

std::vector<Pattern> patterns() {
  return {decode(), prefill(), documents("short documents", {5, 1, 20, 17, 33}, 1000),
          documents("windows", {70, 40}, 19), documents("one document", {100}, 1000)};
}

TEST(AttentionTargets, EveryPattern) {
  for (const Pattern& pattern : patterns())
    for (const Heads heads : {Heads{4, 2, 32}, Heads{6, 2, 24}, Heads{2, 2, 16}, Heads{8, 1, 64}})
      for (const float cap : {0.0f, 3.0f}) {
        const AttentionCase c{pattern, heads, Type::f32, Type::f16, cap};
        expect_same_bytes(c.text(),
                          [&](const Kernels& k, bool pieces) { return c.run(k, pieces); });
      }
}

TEST(AttentionTargets, EveryTypeAndWidth) {
  for (const Type activation : {Type::f32, Type::bf16})
    for (const Type stored : {Type::f32, Type::bf16, Type::f16})
      for (const std::int64_t width : {1, 8, 16, 20, 40, 80, 128, 256}) {
        const AttentionCase c{
            documents("documents", {3, 37}, 1000), {4, 2, width}, activation, stored};
        expect_same_bytes(c.text(),
                          [&](const Kernels& k, bool pieces) { return c.run(k, pieces); });
      }
}

// More keys than the panel of transposed ones holds, so that it starts anew within a row.
TEST(AttentionTargets, LongContexts) {
  for (const std::int64_t width : {256, 64}) {
    Pattern p{"long", {}, {}, 2600};
    for (std::int32_t t = 0; t < 18; ++t) {
      p.first.push_back(t);
      p.count.push_back(2580 - t / 2);
    }
    const AttentionCase c{p, {1, 1, width}, Type::f32, Type::bf16};
    expect_same_bytes(c.text(), [&](const Kernels& k, bool pieces) { return c.run(k, pieces); });
  }
}

// More query vectors meet keys beyond the panel together: tiles of 48, 49 and fewer, heads in groups, on both sides of
// where the panel ends.
TEST(AttentionTargets, LargeTilesOverLongContexts) {
  struct Long {
    std::int32_t rows, keys;
    Heads heads;
    Type stored;
  };
  for (const Long& c : {Long{17, 2100, {3, 1, 64}, Type::f16}, Long{20, 2030, {3, 1, 64}, Type::bf16}, Long{49, 600, {1, 1, 256}, Type::bf16},
                        Long{14, 6100, {4, 1, 64}, Type::f16}, Long{50, 2070, {1, 1, 64}, Type::f32}}) {
    Pattern p{"tiles", {}, {}, c.keys + c.rows};
    for (std::int32_t t = 0; t < c.rows; ++t) {
      p.first.push_back(0);
      p.count.push_back(c.keys + t);
    }
    const AttentionCase a{p, c.heads, Type::f32, c.stored};
    expect_same_bytes(a.text(), [&](const Kernels& k, bool pieces) { return a.run(k, pieces); });
  }
}

// Callers make room for the longest of all rows, and a call may see shorter ones alone.
TEST(AttentionTargets, MoreKeysNeverNeedLessRoom) {
  for (const std::int64_t width : {16, 64, 96, 256})
    for (std::int64_t keys = 0, before = 0; keys < 20000; keys += keys < 3000 ? 1 : 17) {
      const std::int64_t room = attention_scratch(keys, 0, width);
      ASSERT_GE(room, before) << keys << " keys of " << width;
      before = room;
    }
}

// A row's work in parts gives the bytes of the whole.
TEST(AttentionTargets, PartsAreTheWhole) {
  for (const Pattern& pattern : {decode(), prefill()})
    for (const Heads heads : {Heads{9, 3, 64}, Heads{4, 2, 32}, Heads{7, 1, 128}, Heads{3, 1, 20}})
      for (const Type stored : {Type::f32, Type::bf16, Type::f16})
        for (const float cap : {0.0f, 3.0f}) {
          const AttentionCase c{pattern, heads, Type::f32, stored, cap};
          const Rows expected = c.run(kernels_for(Isa::scalar), false)[0];
          for (const Isa isa : instruction_sets())
            for (const std::int64_t keys : {7, 64}) {
              const std::int64_t columns = heads.width % 32 == 0 ? 32 : heads.width;
              EXPECT_EQ(c.run_in_parts(kernels_for(isa), keys, columns)[0].bytes(),
                        expected.bytes())
                  << c.text() << " " << isa_name(isa);
            }
        }
}

// Whoever counts keys below none has none: whole and in parts.
TEST(AttentionTargets, LessThanNoKeysAreNone) {
  Pattern less = decode();
  less.count[3] = -5;
  const AttentionCase none{decode(), {4, 2, 32}, Type::f32, Type::bf16}, c{less, {4, 2, 32}, Type::f32, Type::bf16};
  ASSERT_EQ(none.pattern.count[3], 0);
  const auto expected = none.run(kernels_for(Isa::scalar), false)[0].bytes();
  for (const Isa isa : instruction_sets()) {
    EXPECT_EQ(c.run(kernels_for(isa), false)[0].bytes(), expected) << isa_name(isa);
    EXPECT_EQ(c.run_in_parts(kernels_for(isa), 7, 32)[0].bytes(), expected) << isa_name(isa);
  }
}

void blocks_are_their_numbers(const Heads& heads) {
  const std::int64_t columns = heads.kv_heads * heads.width;
  for (const Pattern& pattern : {decode(), prefill()})
    for (const Type type : {Type::q8_0, Type::q4_0}) {
      const Format& f = format(type);
      const std::int64_t count = pattern.stored * columns;
      const auto blocks = [&](std::uint64_t seed) {
        const Rows numbers = Rows::random(seed, Type::f32, pattern.stored, columns);
        std::vector<std::byte> bytes(static_cast<std::size_t>(f.bytes(count)));
        f.encode(reinterpret_cast<const float*>(numbers.bytes().data()), bytes.data(), count);
        return bytes;
      };
      const auto decoded = [&](const std::vector<std::byte>& bytes) {
        std::vector<float> numbers(static_cast<std::size_t>(count));
        f.decode(bytes.data(), numbers.data(), count);
        return numbers;
      };
      const std::vector<std::byte> k = blocks(2), v = blocks(3);
      const std::vector<float> wide_k = decoded(k), wide_v = decoded(v);
      Rows q = Rows::random(1, Type::f32, pattern.rows(), heads.heads * heads.width, 0, 2);
      const auto with = [&](const KeyValues& kv, const auto& call) {
        Rows out(Type::f32, pattern.rows(), heads.heads * heads.width);
        std::vector<float> scratch(
            static_cast<std::size_t>(attention_scratch(pattern.stored, 0, heads.width)));
        call(AttentionArgs{q.view(), kv, pattern.first.data(), pattern.count.data(), heads.heads,
                           heads.kv_heads, heads.width, 0.125f, 0, out.view(), nullptr},
             scratch.data());
        return out.bytes();
      };
      const auto run = [&](const Kernels& kernels, const KeyValues& kv) {
        return with(kv, [&](const AttentionArgs& args, float* scratch) {
          kernels.attention(args, 0, pattern.rows() * heads.kv_heads, scratch);
        });
      };
      const auto run_in_parts = [&](const Kernels& kernels, const KeyValues& kv) {
        return with(kv, [&](const AttentionArgs& args, float* scratch) {
          for (std::int64_t row = 0; row < pattern.rows(); ++row)
            AttentionCase{pattern, heads, Type::f32, type}.row_in_parts(kernels, args, row, 50, 32,
                                                                        scratch);
        });
      };
      const auto bytes_of = [](const std::vector<float>& x) {
        return reinterpret_cast<const std::byte*>(x.data());
      };
      const std::vector<std::byte> expected =
          run(kernels_for(Isa::scalar),
              {bytes_of(wide_k), bytes_of(wide_v), Type::f32, columns, heads.width});
      for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::neon}) {
        if (!isa_available(isa)) continue;
        const KeyValues kv{k.data(), v.data(), type, columns, heads.width};
        EXPECT_EQ(run(kernels_for(isa), kv), expected)
            << pattern.name << " " << f.name << " " << isa_name(isa);
        EXPECT_EQ(run_in_parts(kernels_for(isa), kv), expected)
            << pattern.name << " " << f.name << " in parts " << isa_name(isa);
      }
    }
}

// A cache of blocks stands for the numbers that they decode to, to the bit.
TEST(AttentionTargets, BlocksAreTheirNumbers) {
  for (const Heads& heads : {Heads{4, 2, 64}, Heads{9, 3, 32}, Heads{7, 1, 96}, Heads{5, 5, 128}, Heads{8, 2, 256}})
    blocks_are_their_numbers(heads);
}

TEST(AttentionTargets, Gradient) {
  for (const std::int64_t window : {1000, 9})
    for (const Heads heads : {Heads{4, 2, 32}, Heads{3, 1, 20}, Heads{2, 2, 80}})
      for (const Type type : {Type::f32, Type::bf16})
        for (const bool add : {false, true}) {
          const AttentionBackCase c{{5, 1, 20, 17, 35}, window, heads, type,
                                    add ? 3.0f : 0.0f,  add};
          expect_same_bytes("attention_back " + std::to_string(window) + ", width " +
                                std::to_string(heads.width) + " " + name_of(type),
                            [&](const Kernels& k, bool pieces) { return c.run(k, pieces); });
        }
}

// ---- against a plain reference ------------------------------------------------------------------

// One query row of one head over its keys; q, k, v hold rows of all heads.
template <class N>
std::vector<N> plain_attention(const Pattern& p, const Heads& heads, double scale, double cap,
                               const std::vector<N>& q, const std::vector<N>& k,
                               const std::vector<N>& v) {
  const auto [h, kv, width] = heads;
  std::vector<N> out(static_cast<std::size_t>(p.rows() * h * width));
  const auto at = [](const std::vector<N>& x, std::int64_t i) {
    return x[static_cast<std::size_t>(i)];
  };
  for (std::int64_t t = 0; t < p.rows(); ++t)
    for (std::int64_t head = 0; head < h; ++head) {
      const std::int64_t stored = head / (h / kv), q0 = (t * h + head) * width;
      N total = 0;
      std::vector<N> mixed(static_cast<std::size_t>(width));
      for (std::int64_t i = 0; i < p.count[static_cast<std::size_t>(t)]; ++i) {
        const std::int64_t k0 = ((p.first[static_cast<std::size_t>(t)] + i) * kv + stored) * width;
        N score = 0;
        for (std::int64_t d = 0; d < width; ++d) score += at(q, q0 + d) * at(k, k0 + d);
        score *= N(scale);
        if (cap > 0) score = N(cap) * std::tanh(score / N(cap));
        const N e = std::exp(score);
        total += e;
        for (std::int64_t d = 0; d < width; ++d)
          mixed[static_cast<std::size_t>(d)] += e * at(v, k0 + d);
      }
      for (std::int64_t d = 0; d < width; ++d)
        out[static_cast<std::size_t>(q0 + d)] = p.count[static_cast<std::size_t>(t)] == 0
                                                    ? N(0)
                                                    : mixed[static_cast<std::size_t>(d)] / total;
    }
  return out;
}

TEST(AttentionValues, AreNearAPlainReference) {
  for (const Pattern& pattern : patterns())
    for (const float cap : {0.0f, 3.0f}) {
      const AttentionCase c{pattern, {6, 2, 24}, Type::f32, Type::f16, cap};
      const auto [h, kv, width] = c.heads;
      const std::vector<Rows> got = c.run(kernels_for(Isa::scalar), false);
      using Long = long double;
      const auto want = plain_attention<Long>(
          pattern, c.heads, double{c.scale()}, double{cap},
          Rows::random(1, c.activation, pattern.rows(), h * width, 3, 2).numbers<Long>(),
          Rows::random(2, c.stored, pattern.stored, kv * width).numbers<Long>(),
          Rows::random(3, c.stored, pattern.stored, kv * width).numbers<Long>());
      // |score| <= 2 width scale; its error, at most (width/16 + 6) roundings of that, becomes a
      // relative error of e and of the sum; |v| <= 1; then at most 200 links of the chain.
      const double score = 2 * 24 * double{c.scale()};
      const double tolerance = kUnit * (2 * score * (24.0 / 16 + 6) + 200 + 8);
      expect_near(c.text(), got[0], std::vector<double>(want.begin(), want.end()),
                  [&](std::size_t) { return tolerance; });
    }
}

TEST(AttentionValues, NoKeysGiveZerosAndMinusInfinity) {
  const AttentionCase c{decode(), {4, 2, 20}, Type::bf16, Type::bf16};
  for (const Isa isa : instruction_sets()) {
    const std::vector<Rows> got = c.run(kernels_for(isa), false);
    for (std::int64_t d = 0; d < got[0].columns(); ++d) EXPECT_EQ(got[0].at(3, d), 0);
    for (std::int64_t head = 0; head < 4; ++head) EXPECT_EQ(got[1].at(3, head), -HUGE_VAL);
  }
}

TEST(AttentionGradient, IsThatOfAPlainReferenceByComplexSteps) {
  for (const float cap : {0.0f, 2.0f})
    for (const std::int64_t window : {100, 4}) {
      const AttentionBackCase c{{6, 1, 18}, window, {4, 2, 5}, Type::f32, cap, false};
      const auto [h, kv, width] = c.heads;
      const std::vector<Rows> got = c.run(kernels_for(Isa::scalar), false);
      const std::int64_t rows = got[0].rows();
      const auto q = Rows::random(1, c.type, rows, h * width, 3, 2).numbers<double>();
      const auto k = Rows::random(2, c.type, rows, kv * width).numbers<double>();
      const auto v = Rows::random(3, c.type, rows, kv * width).numbers<double>();
      const auto dout = Rows::random(4, c.type, rows, h * width).numbers<double>();
      const double scale = 1 / std::sqrt(static_cast<double>(width));
      const auto complex = [](const std::vector<double>& x) {
        return std::vector<Complex>(x.begin(), x.end());
      };
      const auto loss = [&](const auto& a, const auto& b, const auto& d) {
        return weighted(
            dout, plain_attention<Complex>(c.pattern(), c.heads, scale, double{cap}, a, b, d));
      };
      const std::vector<double> want[3] = {
          complex_step(q, [&](const auto& x) { return loss(x, complex(k), complex(v)); }),
          complex_step(k, [&](const auto& x) { return loss(complex(q), x, complex(v)); }),
          complex_step(v, [&](const auto& x) { return loss(complex(q), complex(k), x); })};
      // Sums of at most 2 heads x 18 rows (or 18 keys) of products below 2 width; each factor with
      // about 30 roundings.
      for (std::size_t i = 0; i < 3; ++i)
        expect_near("gradient " + std::to_string(i), got[i + 1], want[i],
                    [&](std::size_t) { return kUnit * 30 * 36 * std::max(1.0, largest(want[i])); });
    }
}

}  // namespace
}  // namespace bantam::test
