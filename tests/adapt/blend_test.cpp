// Models put together: the arithmetic on numbers worked out by hand, and whole files.
#include "adapt/blend.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "base/error.h"
#include "support/tiny_model.h"

namespace bantam::adapt {
namespace {

using List = std::vector<float>;

List together(const List& base, const std::vector<List>& models, const BlendOptions& options, Against* against = nullptr) {
  std::vector<std::span<const float>> spans(models.begin(), models.end());
  return blended(base, spans, options, 7, against);
}
void expect_near(const List& got, const List& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-6) << i;
}
BlendOptions with(Blend how, std::vector<double> weights = {}) {
  BlendOptions o;
  o.how = how;
  o.weights = std::move(weights);
  return o;
}

TEST(Blend, AMeanByWeights) {
  expect_near(together({}, {{1, 2}, {3, 6}}, with(Blend::linear)), {2, 4});
  expect_near(together({}, {{1, 2}, {3, 6}}, with(Blend::linear, {1, 3})), {2.5, 5});
  EXPECT_THROW(together({}, {{1}, {2}}, with(Blend::linear, {1, -1})), Error);
  EXPECT_THROW(together({}, {{1}, {2}}, with(Blend::linear, {1})), Error);
  EXPECT_THROW(together({}, {{1}}, with(Blend::linear)), Error);
}

TEST(Blend, OnTheCircleBetweenTwo) {
  expect_near(together({}, {{1, 0}, {0, 1}}, with(Blend::slerp)), {0.70710678f, 0.70710678f});
  expect_near(together({}, {{1, 0}, {0, 1}}, with(Blend::slerp, {2.0 / 3, 1.0 / 3})), {0.8660254f, 0.5f});
  expect_near(together({}, {{1, 1}, {3, 3}}, with(Blend::slerp)), {2, 2});  // parallel: a straight line
  expect_near(together({}, {{0, 0}, {2, 4}}, with(Blend::slerp)), {1, 2});  // and of no length
  EXPECT_THROW(together({}, {{1}, {2}, {3}}, with(Blend::slerp)), Error);
}

TEST(Blend, ChangesOfABaseAddUp) {
  expect_near(together({1, 1}, {{2, 1}, {1, 3}}, with(Blend::task)), {2, 3});
  BlendOptions half = with(Blend::task, {1, 0.5});
  half.scale = 0.5;
  expect_near(together({1, 1}, {{2, 1}, {1, 3}}, half), {1.5f, 1.5f});
  EXPECT_THROW(together({}, {{2, 1}, {1, 3}}, with(Blend::task)), Error);
}

// Of each the two largest stay: (4, 0, 3, 0) and (-2, -5, 0, 0). At the first place the sum is above 0, so
// the -2 goes; what is left is a mean.
TEST(Blend, TiesDropsSmallAndContraryChanges) {
  Against against;
  expect_near(together({1, 1, 1, 1}, {{5, 0, 4, 1.1f}, {-1, -4, 2, 1.2f}}, with(Blend::ties), &against), {5, -4, 4, 1});
  EXPECT_EQ(against.of, 4);
  EXPECT_EQ(against.dropped, 1);
}

TEST(Blend, DareDropsByLotAndKeepsTheSum) {
  const std::size_t n = 20000;
  const List base(n, 1), model(n, 2);
  BlendOptions o = with(Blend::dare);
  o.density = 0.25;
  const List out = together(base, {model}, o);
  std::size_t kept = 0;
  for (const float x : out) {
    EXPECT_TRUE(x == 1 || x == 5) << x;  // dropped, or four times the change
    kept += x == 5 ? 1u : 0u;
  }
  EXPECT_NEAR(static_cast<double>(kept) / n, 0.25, 0.015);
  EXPECT_EQ(out, together(base, {model}, o));
  o.seed = 2;
  EXPECT_NE(out, together(base, {model}, o));
  o.density = 1;
  EXPECT_EQ(together(base, {model}, o), model);
}

struct Files {
  test::ScratchFolder folder;
  Path write(const char* name, std::uint64_t seed, std::int64_t width = 64) {
    test::TinyModel tiny;
    tiny.seed = seed;
    tiny.width = width;
    test::write_tiny_gguf(folder / name, tiny);
    return folder / name;
  }
  std::string bytes(const Path& path) const {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
};

TEST(Blend, FilesBecomeOne) {
  Files f;
  const Path a = f.write("a.gguf", 1), b = f.write("b.gguf", 2), out = f.folder / "out.gguf";
  const std::vector<Path> both{a, b}, twice{a, a};
  blend_models(twice, {}, f.folder / "same.gguf", with(Blend::linear), {}, false);
  const BlendReport one = blend_models({&a, 1}, b, f.folder / "one.gguf", with(Blend::task), {}, false);
  EXPECT_LT(one.lines[0].distance, 1e-7);  // base + (a - base)
  EXPECT_GT(one.lines[1].distance, 1e-3);
  EXPECT_NEAR(one.lines[0].likeness, 1, 1e-9);
  const BlendReport mean = blend_models(both, {}, out, with(Blend::linear), {}, false);
  EXPECT_NEAR(mean.lines[0].distance, mean.lines[1].distance, 1e-6);  // half way
  EXPECT_THROW(blend_models(both, {}, out, with(Blend::linear), {}, false), Error);  // it exists
  const BlendReport again = blend_models(twice, {}, f.folder / "again.gguf", with(Blend::slerp), {}, false);
  EXPECT_LT(again.lines[0].distance, 1e-7);
  EXPECT_EQ(f.bytes(f.folder / "same.gguf"), f.bytes(f.folder / "again.gguf"));
}

TEST(Blend, ModelsOfOtherShapesAreRefused) {
  Files f;
  const Path a = f.write("a.gguf", 1), wide = f.write("wide.gguf", 1, 96);
  const std::vector<Path> both{a, wide};
  try {
    blend_models(both, {}, f.folder / "out.gguf", with(Blend::linear), {}, false);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("wide.gguf"), std::string::npos) << error.what();
  }
  EXPECT_FALSE(std::filesystem::exists(f.folder / "out.gguf"));
}

}  // namespace
}  // namespace bantam::adapt
