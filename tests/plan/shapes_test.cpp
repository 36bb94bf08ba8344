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

TEST(Shapes, HaveATokenizerOfTheirSize) {
  for (const std::int64_t vocabulary : {49152, 128256}) {
    const auto tokenizer = typical_tokenizer(vocabulary);
    EXPECT_EQ(tokenizer->size(), vocabulary);
    std::int64_t bytes = 0;
    for (std::int32_t id = 0; id < vocabulary; ++id)
      bytes += static_cast<std::int64_t>(tokenizer->token_bytes(id).size());
    const double mean = static_cast<double>(bytes) / static_cast<double>(vocabulary);
    EXPECT_GT(mean, 4.5);
    EXPECT_LT(mean, 6.5);
    EXPECT_EQ(tokenizer->decode(tokenizer->encode("abcd dcba\xc3\xa4")), "abcd dcba\xc3\xa4");
    EXPECT_LT(tokenizer->encode("abca").size(), 4u);
  }
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
