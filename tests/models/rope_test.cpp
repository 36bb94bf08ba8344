// Rotary settings of both worlds: the frequencies that they mean, and that they survive a journey.
#include "models/rope.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "models/loader.h"
#include "models/writer.h"
#include "support/tiny_model.h"

namespace bantam::test {
namespace {

struct FromConfig {
  const char* name;
  const char* config;
  std::int64_t context;  // of the run; 0: the trained one
  double scale;
  std::vector<double> frequencies;
};
struct FromKeys {
  const char* name;
  std::vector<std::pair<const char*, const char*>> texts;
  std::vector<std::pair<const char*, std::uint32_t>> integers;
  std::vector<std::pair<const char*, float>> numbers;
  double scale;
  std::vector<double> frequencies;
};
#include "models/rope_reference.inc"

const Family& llama() { return family_by_gguf("llama", ""); }

Config from_config(const std::string& text) {
  return llama().from_hf(Json::parse(text), "config.json");
}

// Settings are kept as floats: so near come frequencies that go through one of them.
constexpr double kFloat = 1.3e-7;

void expect_rope(const ops::Rope& rope, const std::vector<double>& frequencies, double scale) {
  ASSERT_TRUE(rope.frequencies);
  ASSERT_EQ(rope.frequencies->size(), frequencies.size());
  for (std::size_t i = 0; i < frequencies.size(); ++i)
    EXPECT_NEAR((*rope.frequencies)[i] / frequencies[i], 1, kFloat) << "pair " << i;
  EXPECT_NEAR(static_cast<double>(rope.scale) / scale, 1, kFloat);
}

void expect_same(const Config& a, const Config& b) {
  for (const std::int64_t context : {0, 100, 129, 4000}) {
    Config one = a, other = b;
    one.run_context = other.run_context = context;
    const ops::Rope x = rope_of(one), y = rope_of(other);
    EXPECT_EQ(*x.frequencies, *y.frequencies) << "context " << context;
    EXPECT_EQ(x.scale, y.scale) << "context " << context;
  }
}

TEST(Rope, FrequenciesOfConfigJsonAreTheMakers) {
  for (const FromConfig& c : kFromConfig) {
    SCOPED_TRACE(c.name);
    Config config = from_config(c.config);
    config.run_context = c.context;
    expect_rope(rope_of(config), c.frequencies, c.scale);
  }
}

// A GGUF with one layer's settings and nothing but an embedding.
void write_settings(const Path& path, const FromKeys& keys) {
  GgufWriter writer(path);
  writer.set("general.architecture", "llama");
  const std::pair<const char*, std::uint32_t> shape[] = {
      {"block_count", 1},         {"embedding_length", 64}, {"attention.head_count", 4},
      {"feed_forward_length", 8}, {"context_length", 512},
  };
  for (const auto& [name, value] : shape) writer.set("llama." + std::string(name), value);
  writer.set("llama.attention.layer_norm_rms_epsilon", 1e-5f);
  for (const auto& [name, value] : keys.texts) writer.set("llama." + std::string(name), value);
  for (const auto& [name, value] : keys.integers) writer.set("llama." + std::string(name), value);
  for (const auto& [name, value] : keys.numbers) writer.set("llama." + std::string(name), value);
  writer.add_tensor("token_embd.weight", Type::f32, {9, 64});
  const std::vector<float> zeros(9 * 64);
  writer.finish([&](std::size_t, const PutBytes& put) { put(std::as_bytes(std::span(zeros))); });
}

TEST(Rope, FrequenciesOfGgufKeysAreThoseOfLlamaCpp) {
  ScratchFolder folder;
  for (const FromKeys& keys : kFromKeys) {
    SCOPED_TRACE(keys.name);
    write_settings(folder / "m.gguf", keys);
    const GgufFile file(folder / "m.gguf");
    expect_rope(rope_of(llama().from_gguf(file)), keys.frequencies, keys.scale);
  }
}

TEST(Rope, SettingsAreTheSameInBothWorlds) {
  ScratchFolder folder;
  for (const FromConfig& c : kFromConfig) {
    SCOPED_TRACE(c.name);
    Config config = from_config(c.config);
    expect_same(from_config(llama().to_hf(config).dump()), config);
    // Neither can be said there: half of a head of Llama's, and bounds that are no whole pairs.
    if (config.rope_width() != config.head_dim || !config.rope_scaling.truncate) continue;
    const std::unique_ptr<Model> model = llama().make(config);
    GgufWriter writer(folder / "m.gguf");
    write_gguf(
        *model, llama(), writer, [](const WeightSpec& w) { return Tensor::zeros(w.shape); },
        [](const WeightSpec&) { return Type::f32; });
    const Config read = ModelFile(folder / "m.gguf").config();
    expect_same(read, config);
    expect_same(from_config(llama().to_hf(read).dump()), config);
  }
}

struct RefusedScaling {
  const char* settings;  // members of config.json
  const char* message;
};

TEST(Rope, WhatWouldBeAnotherModelIsRefused) {
  const RefusedScaling cases[] = {
      {R"({"rope_scaling": {"type": "ntk", "factor": 2}})", "\"ntk\" is not supported"},
      {R"({"rope_scaling": {"type": "dynamic", "factor": 2, "alpha": 1000}})", "not known here"},
      {R"({"rope_scaling": "linear"})", "an object was expected"},
      {R"({"rope_scaling": {"type": "linear", "factor": 0}})", "a factor above 0"},
      {R"({"rope_scaling": {"type": "linear", "factor": "4"}})", "a number was expected"},
      {R"({"rope_scaling": {"type": "yarn", "factor": 0.5}})", "a factor from 1"},
      {R"({"rope_scaling": {"type": "yarn", "factor": 2, "beta_slow": -1}})", "turns above 0"},
      {R"({"rope_scaling": {"type": "longrope", "short_factor": [1], "long_factor": [1]}})",
       "one for each of 8 pairs was expected, not 1"},
      {R"({"rope_scaling": {"type": "longrope", "short_factor": [1,1,1,1,1,1,1,1]}})",
       "one for each of 8 pairs was expected, not 0"},
      {R"({"rope_scaling": {"type": "longrope", "short_factor": [1,1,1,1,1,1,1,0],
           "long_factor": [1,1,1,1,1,1,1,1]}})",
       "a divisor of a frequency must be a positive number"},
      {R"({"rope_scaling": {"rope_type": "llama3", "factor": 8}})", "is missing"},
      {R"({"rope_theta": 0})", "a number from 1 was expected"},
      {R"({"partial_rotary_factor": 1.5})", "a number above 0, up to 1"},
      {R"({"partial_rotary_factor": 0.2})", "an even number up to 16 was expected, not 3"},
  };
  for (const RefusedScaling& c : cases) {
    Json config = Json::parse(kFromConfig[0].config);
    config.update(Json::parse(c.settings));
    try {
      from_config(config.dump()).check("config.json");
      ADD_FAILURE() << c.settings;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(c.message), std::string::npos) << error.what();
    }
  }
}

TEST(Rope, KeysThatWouldMeanAnotherModelAreRefused) {
  ScratchFolder folder;
  const FromKeys cases[] = {
      {"a file of another program's kind", {{"rope.scaling.type", "ntk"}}, {}, {}, 1, {}},
      {"yarn_ext_factor",
       {{"rope.scaling.type", "yarn"}},
       {},
       {{"rope.scaling.factor", 4.0f}, {"rope.scaling.yarn_ext_factor", 0.5f}},
       1,
       {}},
      {"yarn_log_multiplier",
       {{"rope.scaling.type", "yarn"}},
       {},
       {{"rope.scaling.factor", 4.0f}, {"rope.scaling.yarn_log_multiplier", 0.1f}},
       1,
       {}},
      {"no factors", {{"rope.scaling.type", "longrope"}}, {}, {}, 1, {}},
      {"an odd width", {}, {{"rope.dimension_count", 7}}, {}, 1, {}},
      {"too wide", {}, {{"rope.dimension_count", 18}}, {}, 1, {}},
      {"two kinds",
       {{"rope.scaling.type", "linear"}},
       {},
       {{"rope.scaling.factor", 4.0f}, {"rope.scaling.dynamic_factor", 2.0f}},
       1,
       {}},
  };
  for (const FromKeys& keys : cases) {
    write_settings(folder / "m.gguf", keys);
    EXPECT_THROW(ModelFile(folder / "m.gguf"), Error) << keys.name;
  }
}

// Beyond the trained context positions are stretched, where the model does not say how itself.
TEST(Rope, StretchesBeyondTheTrainedContext) {
  Config c = from_config(
      R"({"hidden_size": 64, "num_attention_heads": 4, "num_hidden_layers": 1, "intermediate_size": 8, "vocab_size": 9, "max_position_embeddings": 1000})");
  c.run_context = 1000;
  Config within = c;
  stretch_rope(within);
  EXPECT_EQ(within.rope_scaling.kind, "");
  c.run_context = 4000;
  Config longer = c, said = c;
  stretch_rope(longer);
  EXPECT_EQ(longer.rope_scaling.kind, "yarn");
  said.rope_scaling.kind = "yarn";
  said.rope_scaling.factor = 4;
  said.rope_scaling.original_context = 1000;
  EXPECT_EQ(*rope_of(longer).frequencies, *rope_of(said).frequencies);
  EXPECT_EQ(rope_of(longer).scale, rope_of(said).scale);
  said.rope_scaling.kind = "linear";
  Config kept = said;
  stretch_rope(kept);
  EXPECT_EQ(kept.rope_scaling.kind, "linear");
}

}  // namespace
}  // namespace bantam::test
