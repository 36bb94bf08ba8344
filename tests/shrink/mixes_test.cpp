#include "shrink/mixes.h"

#include <gtest/gtest.h>

#include <set>

#include "blocks/format.h"
#include "shrink/type_plan.h"
#include "support/tiny_families.h"

namespace bantam::test {
namespace {

TEST(Mixes, PlacesAreToldByTheNameInGguf) {
  EXPECT_EQ(place_of("output.weight", false), Place::head);
  EXPECT_EQ(place_of("token_embd.weight", true), Place::head);
  EXPECT_EQ(place_of("token_embd.weight", false), Place::embedding);
  EXPECT_EQ(place_of("blk.11.attn_qkv.weight", false), Place::value);
  EXPECT_EQ(place_of("blk.0.attn_output.weight", false), Place::attention_out);
  EXPECT_EQ(place_of("blk.0.ffn_gate.weight", false), Place::gate);
  EXPECT_EQ(place_of("blk.0.ffn_norm.weight", false), Place::other);
}

// By hand from llama_tensor_get_type_impl for 24 layers: n/8 = 3, 7n/8 = 21.
TEST(Mixes, Q4KMGivesMoreBitsAtTheEndsAndEveryThird) {
  const Mix* mix = find_mix("Q4_K_M");
  ASSERT_NE(mix, nullptr);
  EXPECT_EQ(mix->file_type, 15u);
  const std::set<std::int64_t> more{0, 1, 2, 5, 8, 11, 14, 17, 20, 21, 22, 23};
  for (std::int64_t layer = 0; layer < 24; ++layer)
    for (const Place place : {Place::value, Place::down}) {
      const Spot spot{layer, 24, 4, false};
      EXPECT_EQ(mix_type(*mix, place, spot), more.contains(layer) ? Type::q6_k : Type::q4_k);
    }
  EXPECT_EQ(mix_type(*mix, Place::query, {0, 24, 4, false}), Type::q4_k);
  EXPECT_EQ(mix_type(*mix, Place::head, {}), Type::q6_k);
  EXPECT_EQ(mix_type(*mix, Place::embedding, {}), Type::q4_k);
}

TEST(Mixes, OthersByHand) {
  const auto type = [](const char* name, Place place, Spot spot) {
    return mix_type(*find_mix(name), place, spot);
  };
  EXPECT_EQ(type("q2_k", Place::value, {5, 24, 4, false}), Type::q4_k);
  EXPECT_EQ(type("q2_k", Place::value, {5, 24, 1, false}), Type::q3_k);
  EXPECT_EQ(type("q2_k", Place::down, {5, 24, 1, false}), Type::q3_k);
  EXPECT_EQ(type("q2_k", Place::up, {5, 24, 1, false}), Type::q2_k);
  EXPECT_EQ(type("q3_k_m", Place::value, {1, 24, 1, false}), Type::q5_k);
  EXPECT_EQ(type("q3_k_m", Place::value, {2, 24, 1, false}), Type::q4_k);
  EXPECT_EQ(type("q3_k_m", Place::down, {0, 24, 1, false}), Type::q5_k);
  EXPECT_EQ(type("q3_k_m", Place::down, {1, 24, 1, false}), Type::q4_k);
  EXPECT_EQ(type("q4_k_s", Place::value, {3, 24, 1, false}), Type::q5_k);
  EXPECT_EQ(type("q4_k_s", Place::value, {4, 24, 1, false}), Type::q4_k);
  EXPECT_EQ(type("iq4_xs", Place::down, {0, 24, 1, false}), Type::q5_k);
  EXPECT_EQ(type("iq4_xs", Place::down, {0, 24, 1, true}), Type::iq4_xs);
  EXPECT_EQ(type("tq2_0", Place::embedding, {}), Type::q4_k);
  EXPECT_EQ(find_mix("q9_k_m"), nullptr);
}

TEST(Mixes, EveryTypeOfARuleCanBeWritten) {
  for (const Mix& mix : mixes()) {
    EXPECT_NE(format(mix.type).encode, nullptr) << mix.name;
    for (const MixRule& rule : mix.rules) EXPECT_NE(format(rule.type).encode, nullptr) << mix.name;
  }
}

TEST(TypePlan, AWidthThatBlocksDoNotDivideGetsAnotherType) {
  EXPECT_EQ(fitting_type(Type::q4_k, 512), Type::q4_k);
  EXPECT_EQ(fitting_type(Type::q4_k, 576), Type::q5_0);
  EXPECT_EQ(fitting_type(Type::q5_k, 576), Type::q5_1);
  EXPECT_EQ(fitting_type(Type::q6_k, 576), Type::q8_0);
  EXPECT_EQ(fitting_type(Type::q2_k, 96), Type::q4_0);
  EXPECT_EQ(fitting_type(Type::iq4_xs, 96), Type::iq4_nl);
  EXPECT_EQ(fitting_type(Type::q4_k, 40), Type::f16);
  EXPECT_EQ(fitting_type(Type::q8_0, 40), Type::f16);
}

TEST(TypePlan, NamesWhatItGaveInstead) {
  ScratchFolder folder;
  TinyModel tiny;
  tiny.layers = 8;
  write_tiny_gguf(folder / "m.gguf", tiny);
  const ModelFile file(folder / "m.gguf");
  const auto model = file.family().make(file.config());
  TypePlan plan = TypePlan::mixed(*find_mix("q4_k_m"), false);
  plan.apply(file.config(), model->weights());
  // Rows of 64 and 96: nothing fits 256.
  EXPECT_EQ(plan.type_of("blk.3.attn_q.weight"), Type::q5_0);
  EXPECT_EQ(plan.type_of("blk.0.ffn_down.weight"), Type::q8_0);
  EXPECT_EQ(plan.type_of("output.weight"), Type::q8_0);
  EXPECT_EQ(plan.type_of("output_norm.weight"), std::nullopt);
  EXPECT_EQ(plan.file_type(), 15u);
  ASSERT_EQ(plan.fallbacks().size(), 8u * 7 + 2);
  EXPECT_EQ(plan.fallbacks().front().given, fitting_type(plan.fallbacks().front().wanted, 64));
}

}  // namespace
}  // namespace bantam::test
