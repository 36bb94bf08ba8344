// Shapes have the sizes that their names say, and models of them can be opened.
#include "plan/shapes.h"

#include <gtest/gtest.h>

#include <set>

#include "base/error.h"
#include "models/loader.h"
#include "support/tiny_model.h"

namespace bantam {
namespace {

std::int64_t listed_parameters(const Config& config) {
  const std::unique_ptr<Model> model = family_by_gguf(config.family, "").make(config);
  std::set<std::string> seen;
  std::int64_t count = 0;
  for (const auto& w : model->weights())
    if (seen.insert(w.own_name()).second) count += w.shape.count();
  return count;
}

TEST(Shapes, HaveTheParametersOfTheirMakers) {
  for (const auto& [name, parameters] : {std::pair{"135m", 134515008}, {"1.2b", 1235814400}}) {
    const Config config = config_of(*find_shape(name));
    EXPECT_EQ(parameters_of(config), parameters);
    EXPECT_EQ(listed_parameters(config), parameters);
  }
  EXPECT_EQ(find_shape("none"), nullptr);
  std::int64_t before = 0;
  for (const NamedShape& shape : named_shapes()) {
    EXPECT_GT(parameters_of(config_of(shape)), before);
    before = parameters_of(config_of(shape));
  }
}

TEST(Shapes, ComeNearASize) {
  for (const std::int64_t size : {100'000'000, 500'000'000, 1'236'000'000, 2'000'000'000}) {
    const Config config = config_of_size(size);
    EXPECT_NEAR(static_cast<double>(parameters_of(config)), static_cast<double>(size),
                0.05 * static_cast<double>(size));
  }
  EXPECT_GE(config_of_size(1).layers, 1);
  EXPECT_THROW(config_of_size(0), Error);
}

TEST(Shapes, AreWrittenAsModelsThatOpen) {
  const test::ScratchFolder folder;
  Config config = test::tiny_config({});
  for (const Type type : {Type::f32, Type::q8_0}) {
    const Path path = folder / "model.gguf";
    write_random_model(config, all_of(type), path);
    const ModelFile file(path);
    EXPECT_EQ(file.config().width, config.width);
    EXPECT_NO_THROW(check_weights(file));
  }
}

}  // namespace
}  // namespace bantam
