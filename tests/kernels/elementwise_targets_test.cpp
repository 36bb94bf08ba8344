// Row kernels: the same bytes from every instruction set, whole or in pieces, at odd widths, of
// every type, with gaps between rows, written or added.
#include <string>
#include <vector>

#include "elementwise_support.h"

namespace bantam::test {
namespace {

constexpr std::int64_t kWidths[] = {1, 7, 15, 16, 17, 33, 64, 100};

// Types of the two or three views of a kernel: all alike, and mixed.
struct Types {
  Type in, other, out;
};
constexpr Types kTypes[] = {{Type::f32, Type::f32, Type::f32},
                            {Type::bf16, Type::bf16, Type::bf16},
                            {Type::f32, Type::f32, Type::bf16},
                            {Type::bf16, Type::f32, Type::f32},
                            {Type::f32, Type::bf16, Type::f32}};

template <class Body>
void each_case(const char* name, Body body) {
  for (const Types& t : kTypes)
    for (const std::int64_t width : kWidths)
      for (const bool add : {false, true}) {
        const std::string what = std::string(name) + ": " + name_of(t.in) + " " + name_of(t.other) +
                                 " " + name_of(t.out) + ", width " + std::to_string(width) +
                                 (add ? ", added" : "");
        body(what, t, width, add);
        if (testing::Test::HasFatalFailure()) return;
      }
}
constexpr std::int64_t kRows = 9;

TEST(ElementwiseTargets, RmsNorm) {
  each_case("rms_norm", [](const std::string& what, Types t, std::int64_t width, bool) {
    expect_same_bytes(what, [&](const Kernels& k, bool pieces) -> std::vector<Rows> {
      Rows x = Rows::random(1, t.in, kRows, width, 3), gain = Rows::random(2, Type::f32, 1, width);
      Rows y(t.out, kRows, width, 2), inv(Type::f32, kRows, 1);
      const RmsNormArgs args{x.view(), gain.floats(), 1e-5f, y.view(), inv.floats()};
      call(k.rms_norm, args, kRows, pieces);
      return {y, inv};
    });
  });
}

TEST(ElementwiseTargets, RmsNormBack) {
  each_case("rms_norm_back", [](const std::string& what, Types t, std::int64_t width, bool add) {
    expect_same_bytes(what, [&](const Kernels& k, bool pieces) -> std::vector<Rows> {
      Rows x = Rows::random(1, t.in, kRows, width, 3), dy = Rows::random(3, t.other, kRows, width);
      Rows gain = Rows::random(2, Type::f32, 1, width), inv = Rows::random(4, Type::f32, kRows, 1);
      Rows dx = Rows::random(5, t.out, kRows, width, 1),
           dgain = Rows::random(6, Type::f32, 1, width);
      const RmsNormBackArgs args{
          dy.view(), x.view(), gain.floats(), inv.floats(), {dx.view(), add}};
      call(k.rms_norm_back, args, kRows, pieces);
      const RmsNormGainBackArgs more{dy.view(), x.view(), inv.floats(), dgain.floats()};
      call(k.rms_norm_gain_back, more, width, pieces);
      return {dx, dgain};
    });
  });
}

TEST(ElementwiseTargets, LayerNorm) {
  each_case("layer_norm", [](const std::string& what, Types t, std::int64_t width, bool bare) {
    expect_same_bytes(what, [&](const Kernels& k, bool pieces) -> std::vector<Rows> {
      Rows x = Rows::random(1, t.in, kRows, width, 3), gain = Rows::random(2, Type::f32, 1, width);
      Rows bias = Rows::random(7, Type::f32, 1, width);
      Rows y(t.out, kRows, width, 2), inv(Type::f32, kRows, 1), mean(Type::f32, kRows, 1);
      const LayerNormArgs args{x.view(),
                               bare ? nullptr : gain.floats(),
                               bare ? nullptr : bias.floats(),
                               1e-5f,
                               y.view(),
                               mean.floats(),
                               inv.floats()};
      call(k.layer_norm, args, kRows, pieces);
      return {y, mean, inv};
    });
  });
}

TEST(ElementwiseTargets, LayerNormBack) {
  each_case("layer_norm_back", [](const std::string& what, Types t, std::int64_t width, bool add) {
    expect_same_bytes(what, [&](const Kernels& k, bool pieces) -> std::vector<Rows> {
      Rows x = Rows::random(1, t.in, kRows, width, 3), dy = Rows::random(3, t.other, kRows, width);
      Rows gain = Rows::random(2, Type::f32, 1, width), inv = Rows::random(4, Type::f32, kRows, 1);
      Rows mean = Rows::random(8, Type::f32, kRows, 1);
      Rows dx = Rows::random(5, t.out, kRows, width, 1),
           dgain = Rows::random(6, Type::f32, 1, width);
      Rows dbias = Rows::random(7, Type::f32, 1, width);
      const LayerNormBackArgs args{dy.view(),     x.view(),     add ? nullptr : gain.floats(),
                                   mean.floats(), inv.floats(), {dx.view(), add}};
      call(k.layer_norm_back, args, kRows, pieces);
      const LayerNormGainBackArgs more{dy.view(),    x.view(),       mean.floats(),
                                       inv.floats(), dgain.floats(), dbias.floats()};
      call(k.layer_norm_gain_back, more, width, pieces);
      return {dx, dgain, dbias};
    });
  });
}

TEST(ElementwiseTargets, GluOfEveryActivation) {
  for (const Activation activation : {Activation::silu, Activation::gelu_tanh, Activation::gelu_erf,
                                      Activation::relu, Activation::relu2})
    each_case("glu", [&](const std::string& what, Types t, std::int64_t width, bool add) {
      for (const bool gated : {true, false})
        expect_same_bytes(what, [&](const Kernels& k, bool pieces) -> std::vector<Rows> {
          Rows gate = Rows::random(1, t.in, kRows, width, 3, 6);
          Rows up = Rows::random(2, t.in, kRows, width, 1), y(t.out, kRows, width, 2);
          Rows dy = Rows::random(3, t.other, kRows, width);
          Rows dgate = Rows::random(4, t.out, kRows, width),
               dup = Rows::random(5, t.out, kRows, width);
          const View no_up;
          const GluArgs args{activation, gate.view(), gated ? up.view() : no_up, y.view()};
          call(k.glu, args, kRows, pieces);
          const GluBackArgs back{activation,          dy.view(),
                                 gate.view(),         gated ? up.view() : no_up,
                                 {dgate.view(), add}, {dup.view(), add}};
          call(k.glu_back, back, kRows, pieces);
          return {y, dgate, dup};
        });
    });
}

TEST(ElementwiseTargets, AddScaleBiasSoftcap) {
  each_case("add", [](const std::string& what, Types t, std::int64_t width, bool add) {
    expect_same_bytes(what, [&](const Kernels& k, bool pieces) -> std::vector<Rows> {
      Rows a = Rows::random(1, t.in, kRows, width, 3), b = Rows::random(2, t.other, kRows, width);
      Rows bias = Rows::random(3, Type::f32, 1, width), sums(t.out, kRows, width, 2);
      Rows biased(t.out, kRows, width), capped(t.out, kRows, width, 1);
      Rows scaled = Rows::random(4, t.out, kRows, width), dx = Rows::random(5, t.out, kRows, width);
      const AddArgs add_args{a.view(), b.view(), sums.view()};
      call(k.add, add_args, kRows, pieces);
      const AddBiasArgs bias_args{a.view(), bias.floats(), biased.view()};
      call(k.add_bias, bias_args, kRows, pieces);
      const ScaleArgs scale_args{a.view(), 1.7f, {scaled.view(), add}};
      call(k.scale, scale_args, kRows, pieces);
      const SoftcapArgs cap_args{a.view(), 0.75f, capped.view()};
      call(k.softcap, cap_args, kRows, pieces);
      const SoftcapBackArgs cap_back{b.view(), capped.view(), 0.75f, {dx.view(), add}};
      call(k.softcap_back, cap_back, kRows, pieces);
      return {sums, biased, scaled, capped, dx};
    });
  });
}

TEST(ElementwiseTargets, ConvertBetweenAllTypes) {
  for (const Type from : {Type::f32, Type::f16, Type::bf16})
    for (const Type to : {Type::f32, Type::f16, Type::bf16})
      for (const bool add : {false, true})
        for (const std::int64_t width : kWidths)
          expect_same_bytes(
              std::string("convert ") + name_of(from) + " to " + name_of(to),
              [&](const Kernels& k, bool pieces) -> std::vector<Rows> {
                Rows x = Rows::random(1, from, kRows, width, 3, 70000);
                for (std::int64_t c = 0; c < width; ++c)  // of every size, subnormals included
                  x.set(
                      1, c,
                      std::ldexp(1.2345 + 0.01 * static_cast<double>(c), static_cast<int>(c) - 27));
                Rows y = Rows::random(2, to, kRows, width, 1);
                const ConvertArgs args{x.view(), {y.view(), add}};
                call(k.convert, args, kRows, pieces);
                return {y};
              });
}

// NaN and infinity, and every way a value can lie between two halves.
TEST(ElementwiseTargets, ConversionRoundsToNearestEvenAsBlocksDo) {
  std::vector<std::uint32_t> bits = {0x7f800000u, 0xff800000u, 0x7fc00000u, 0x7f800001u,
                                     0xffffffffu};
  const Random random(3, 1);
  for (std::uint64_t i = 0; i < 20000; ++i) {
    auto word = static_cast<std::uint32_t>(random.bits(i));
    if (i % 4 == 1) word = (word & 0xffff0000u) | 0x8000u;  // ties of bf16
    if (i % 4 == 2) word = (word & 0x9fffe000u) | 0x1000u | (i % 8 == 2 ? 0x38000000u : 0u);
    if (i % 4 == 3) word = 0x33000000u + (word & 0x1ffffffu);  // small halves
    bits.push_back(word);
  }
  const auto count = static_cast<std::int64_t>(bits.size());
  for (const Isa isa : instruction_sets()) {
    Rows x(Type::f32, 1, count), brain(Type::bf16, 1, count), half(Type::f16, 1, count);
    std::memcpy(x.floats(), bits.data(), bits.size() * 4);
    const Kernels k = kernels_for(isa);
    k.convert({x.view(), {brain.view(), false}}, 0, 1);
    k.convert({x.view(), {half.view(), false}}, 0, 1);
    Rows wide(Type::f32, 1, count);
    k.convert({half.view(), {wide.view(), false}}, 0, 1);
    for (std::size_t i = 0; i < bits.size(); ++i) {
      const auto value = std::bit_cast<float>(bits[i]);
      std::uint16_t got[2];
      std::memcpy(&got[0], brain.bytes().data() + 2 * i, 2);
      std::memcpy(&got[1], half.bytes().data() + 2 * i, 2);
      ASSERT_EQ(got[0], float_to_bf16(value)) << isa_name(isa) << ": " << std::hex << bits[i];
      ASSERT_EQ(got[1], float_to_half(value)) << isa_name(isa) << ": " << std::hex << bits[i];
      ASSERT_EQ(std::bit_cast<std::uint32_t>(wide.floats()[i]),
                std::bit_cast<std::uint32_t>(half_to_float(got[1])))
          << isa_name(isa);
    }
  }
}

TEST(ElementwiseTargets, Rope) {
  struct Head {
    std::int64_t heads, width, half;
  };
  each_case("rope", [](const std::string& what, Types t, std::int64_t, bool add) {
    for (const Head h : {Head{3, 32, 16}, Head{2, 24, 12}, Head{1, 64, 16}, Head{2, 7, 2}})
      for (const bool inverse : {false, true})
        expect_same_bytes(what, [&](const Kernels& k, bool pieces) -> std::vector<Rows> {
          Rows x = Rows::random(1, t.in, kRows, h.heads * h.width, 3);
          Rows y = Rows::random(2, t.out, kRows, h.heads * h.width, 1);
          Rows table = Rows::random(3, Type::f32, 20, 2 * h.half);
          const std::int32_t positions[kRows] = {0, 1, 2, 3, 19, 7, 7, 0, 11};
          const RopeArgs args{x.view(), {y.view(), add}, positions, table.floats(),
                              h.heads,  h.width,         h.half,    inverse};
          call(k.rope, args, kRows, pieces);
          return {y};
        });
  });
}

TEST(ElementwiseTargets, CrossEntropy) {
  for (const std::int64_t width : {1, 5, 16, 100, 500, 1000})
    for (const int mode : {0, 1, 2})  // losses only, in place, into bf16
      expect_same_bytes("cross_entropy", [&](const Kernels& k, bool pieces) -> std::vector<Rows> {
        Rows logits = Rows::random(1, Type::f32, kRows, width, 3, 20);
        Rows losses(Type::f32, kRows, 1), gradient(Type::bf16, kRows, width, 1);
        std::int32_t targets[kRows];
        float weights[kRows];
        for (std::int32_t r = 0; r < kRows; ++r) {
          targets[r] = r == 3 ? -1 : static_cast<std::int32_t>(r * 37 % width);
          weights[r] = r == 5 ? 0.0f : 0.1f * static_cast<float>(r + 1);
        }
        const View into = mode == 0 ? View() : mode == 1 ? logits.view() : gradient.view();
        const CrossEntropyArgs args{logits.view(), targets, weights, losses.floats(), into};
        call(k.cross_entropy, args, kRows, pieces);
        if (mode == 2) return {losses, gradient};
        return {losses, logits};
      });
}

TEST(ElementwiseTargets, FlatKernelsAndColumnSums) {
  for (const std::int64_t count : {1, 15, 16, 33, 1000, 4096, 9001})
    expect_same_bytes("flat", [&](const Kernels& k, bool pieces) -> std::vector<Rows> {
      Rows p = Rows::random(1, Type::f32, 1, count), g = Rows::random(2, Type::f32, 1, count);
      Rows m = Rows::random(3, Type::f32, 1, count), v(Type::f32, 1, count);
      Rows y = Rows::random(4, Type::f32, 1, count), squares(Type::f32, 1, (count + 4095) / 4096);
      for (std::int64_t i = 0; i < count; ++i) v.set(0, i, std::abs(g.at(0, i)) * 0.01);
      const AxpbyArgs axpby{g.floats(), y.floats(), 0.3f, -1.25f};
      call(k.axpby, axpby, count, pieces);
      const SquareSumArgs square{g.floats(), count, squares.floats()};
      call(k.square_sum, square, squares.columns(), pieces);
      const AdamArgs adam{p.floats(), g.floats(), m.floats(), v.floats(), 0.7f,  1e-3f,
                          1.2e-3f,    1.1f,       0.9f,       0.95f,      1e-8f, 0.1f};
      call(k.adam, adam, count, pieces);
      return {p, m, v, y, squares};
    });
  for (const Type type : {Type::f32, Type::bf16})
    for (const std::int64_t width : kWidths)
      expect_same_bytes("column_sum", [&](const Kernels& k, bool pieces) -> std::vector<Rows> {
        Rows x = Rows::random(1, type, kRows, width, 3),
             sums = Rows::random(2, Type::f32, 1, width);
        const ColumnSumArgs args{x.view(), sums.floats()};
        call(k.column_sum, args, width, pieces);
        return {sums};
      });
}

TEST(ElementwiseTargets, WritingStrips) {
  for (const std::int64_t columns : {16, 48, 5, 40})
    for (const bool with_bias : {false, true})
      for (const bool add : {false, true}) {
        const std::int64_t strips = (columns + 15) / 16;
        Rows sums = Rows::random(1, Type::f32, strips, 16 * 16),
             bias = Rows::random(2, Type::f32, 1, columns);
        sums.floats()[0] = std::bit_cast<float>(0xffc12345u);  // a NaN with a sign and a load
        const auto run = [&](const Kernels& k, bool pieces) -> std::vector<Rows> {
          Rows y = Rows::random(3, Type::f32, kRows, columns, 3);
          const WriteStripsArgs args{sums.floats(), 16 * 16,    columns,   with_bias ? bias.floats() : nullptr,
                                     add,           y.floats(), y.stride()};
          call(k.write_strips, args, kRows, pieces);
          return {y};
        };
        expect_same_bytes("strips", run);
        Rows y = run(kernels_for(Isa::scalar), false)[0];
        EXPECT_EQ(std::bit_cast<std::uint32_t>(y.floats()[0]), 0x7fc00000u);
        const float sum = sums.floats()[(columns - 1) / 16 * 256 + 2 * 16 + (columns - 1) % 16];
        const float before = static_cast<float>(
            Rows::random(3, Type::f32, kRows, columns, 3).at(2, columns - 1));
        const float value = with_bias ? sum + bias.floats()[columns - 1] : sum;
        EXPECT_EQ(static_cast<float>(y.at(2, columns - 1)), add ? before + value : value);
      }
}

}  // namespace
}  // namespace bantam::test
