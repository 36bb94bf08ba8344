// config.json is read strictly: a setting that would be another model is an error that says so.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "support/tiny_families.h"

namespace bantam::test {
namespace {

Config config_of(const char* tiny_family) {
  for (const TinyFamily& family : kTinyFamilies)
    if (std::string_view(family.name) == tiny_family) {
      TinyModel tiny;
      tiny.change = family.change;
      return tiny_config(tiny);
    }
  throw std::runtime_error("no such family");
}

Json json_of(const char* tiny_family) {
  const Config config = config_of(tiny_family);
  return family_by_gguf(config.family, "").to_hf(config);
}

Config read(const Json& json) {
  const Config config =
      family_by_hf(json.at("model_type").get<std::string>(), "").from_hf(json, "config.json");
  config.check("config.json");
  return config;
}

struct Refused {
  const char* family;
  const char* patch;  // members that are put over those of the tiny model (RFC 7396)
  const char* message;
};

TEST(Configs, ThatWouldBeAnotherModelAreErrors) {
  const Refused cases[] = {
      {"llama", R"({"hidden_act": "gelu"})", "hidden_act"},
      {"llama", R"({"rope_scaling": {"rope_type": "wavy", "factor": 2}})", "wavy"},
      {"qwen2", R"({"hidden_act": "relu"})", "hidden_act"},
      {"qwen2", R"({"use_sliding_window": "yes"})", "use_sliding_window"},
      {"qwen2_late_windows", R"({"layer_types": ["full_attention"]})", "layer_types"},
      {"smollm3",
       R"({"use_sliding_window": true, "sliding_window": null, "layer_types":
           ["full_attention", "full_attention", "full_attention", "sliding_attention"]})",
       "sliding_window"},
      {"qwen3", R"({"head_dim": 23})", "head_dim"},
      {"qwen3", R"({"num_key_value_heads": 3})", "num_key_value_heads"},
      {"gemma", R"({"hidden_activation": "gelu"})", "hidden_activation"},
      {"gemma", R"({"hidden_activation": null, "hidden_act": "silu"})", "hidden_act"},
      {"gemma2", R"({"query_pre_attn_scalar": 0})", "query_pre_attn_scalar"},
      {"gemma2", R"({"query_pre_attn_scalar": -4})", "query_pre_attn_scalar"},
      {"gemma2", R"({"final_logit_softcapping": -1})", "final_logit_softcapping"},
      {"gemma2", R"({"layer_types": ["sliding_attention", "chunked_attention"]})", "chunked"},
      {"gemma3", R"({"use_bidirectional_attention": true})", "use_bidirectional_attention"},
      {"gemma3", R"({"rope_local_base_freq": -1})", "rope_local_base_freq"},
      {"gemma3",
       R"({"rope_parameters": {"full_attention": {"rope_type": "default"},
           "sliding_attention": {"rope_type": "linear", "factor": 2}}})",
       "rope_type"},
      {"olmo2", R"({"hidden_act": "gelu"})", "hidden_act"},
      {"olmo3", R"({"layer_types": 3})", "layer_types"},
      {"openelm", R"({"ffn_with_glu": false})", "ffn_with_glu"},
      {"openelm", R"({"activation_fn_name": "gelu"})", "activation_fn_name"},
      {"openelm", R"({"num_query_heads": [2, 4]})", "num_query_heads"},
      {"openelm", R"({"num_kv_heads": [1, 3, 2]})", "heads"},
      {"openelm", R"({"ffn_multipliers": [1, -1, 1]})", "ffn_multipliers"},
      {"smollm3", R"({"no_rope_layers": [1, 0]})", "no_rope_layers"},
      {"smollm3", R"({"no_rope_layers": null, "no_rope_layer_interval": 0})", "no_rope_layers"},
      {"granite", R"({"logits_scaling": 0})", "logits_scaling"},
      {"granite", R"({"residual_multiplier": "0.2"})", "residual_multiplier"},
  };
  for (const Refused& c : cases) {
    Json json = json_of(c.family);
    EXPECT_NO_THROW(read(json)) << c.family;
    json.merge_patch(Json::parse(c.patch));
    try {
      read(json);
      ADD_FAILURE() << c.family << " with " << c.patch;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(c.message), std::string::npos)
          << c.patch << ": " << error.what();
    }
  }
}

TEST(Configs, ThatGgufCannotSayAreErrorsWhenConverted) {
  struct Case {
    const char* family;
    const char* patch;
    const char* message;
  };
  const Case cases[] = {
      {"gemma2", R"({"query_pre_attn_scalar": 40})", "query_pre_attn_scalar"},
      {"gemma2", R"({"attn_logit_softcapping": null})", "attn_logit_softcapping"},
      {"gemma3", R"({"query_pre_attn_scalar": 40})", "query_pre_attn_scalar"},
      {"smollm3", R"({"no_rope_layers": [1, 0, 1, 1]})", "no_rope_layers"},
  };
  const ScratchFolder folder;
  for (const Case& c : cases) {
    Json json = json_of(c.family);
    json.update(Json::parse(c.patch));  // a null stays
    const Config config = read(json);
    GgufWriter writer(folder / "m.gguf");
    try {
      family_by_gguf(config.family, "").to_gguf(config, writer);
      ADD_FAILURE() << c.family << " with " << c.patch;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(c.message), std::string::npos) << error.what();
    }
  }
}

std::string windows(const Config& config) {
  std::string text;
  for (std::int64_t l = 0; l < config.layers; ++l) text += config.layer(l).window > 0 ? "w" : "-";
  return text;
}

// Which layers have a window, as older and newer files say it.
TEST(Configs, NameLayersWithAWindowInOlderAndNewerWays) {
  struct Case {
    const char* family;
    const char* patch;
    const char* windows;
  };
  const Case cases[] = {
      {"mistral", R"({"num_hidden_layers": 3})", "www"},
      {"mistral", R"({"sliding_window": null})", "--"},
      {"qwen2", R"({"use_sliding_window": false, "sliding_window": 8, "layer_types": null})", "--"},
      {"qwen2_late_windows", R"({"layer_types": null, "max_window_layers": 2})", "--w"},
      {"qwen3",
       R"({"use_sliding_window": true, "sliding_window": 8, "num_hidden_layers": 3,
           "layer_types": null, "max_window_layers": 1})",
       "-ww"},
      {"gemma2", R"({"layer_types": null, "num_hidden_layers": 5})", "w-w-w"},
      {"gemma2", R"({"layer_types": ["full_attention", "sliding_attention"]})", "-w"},
      {"gemma3", R"({"layer_types": null, "sliding_window_pattern": null})", "wwwww-"},
      {"gemma3", R"({"layer_types": null, "sliding_window_pattern": 3})", "ww-ww-"},
      {"gemma3",
       R"({"layer_types": null, "sliding_window_pattern": null, "_sliding_window_pattern": 2})",
       "w-w-w-"},
      {"olmo2", R"({"sliding_window": 4})", "--"},
      {"olmo3", R"({"layer_types": null, "num_hidden_layers": 5})", "www-w"},
      {"smollm3", R"({"layer_types": null, "use_sliding_window": true, "sliding_window": 4})",
       "---w"},
  };
  for (const Case& c : cases) {
    Json json = json_of(c.family);
    json.update(Json::parse(c.patch));  // a null stays
    EXPECT_EQ(windows(read(json)), c.windows) << c.family << " " << c.patch;
  }
}

// The settings of a larger Gemma 3, as its makers' folder has them: inside text_config, and only
// where they differ from what the code takes for granted.
TEST(Configs, OfGemma3MayLieInsideTextConfig) {
  const Config c = read(Json::parse(R"({
    "architectures": ["Gemma3ForConditionalGeneration"], "model_type": "gemma3",
    "text_config": {"hidden_size": 2560, "intermediate_size": 10240, "model_type": "gemma3_text",
                    "num_hidden_layers": 34, "sliding_window": 1024,
                    "rope_scaling": {"factor": 8.0, "rope_type": "linear"}},
    "vision_config": {"hidden_size": 1152}})"));
  EXPECT_EQ(c.heads, 8);
  EXPECT_EQ(c.kv_heads, 4);
  EXPECT_EQ(c.head_dim, 256);
  EXPECT_EQ(c.vocabulary, 262208);
  EXPECT_EQ(c.context, 131072);
  EXPECT_TRUE(c.tied);
  EXPECT_EQ(c.rope_base, 1e6);
  EXPECT_EQ(c.rope_local_base, 1e4);
  EXPECT_EQ(c.rope_scaling.factor, 8);
  EXPECT_EQ(c.attention_scale, 0.0625);
  EXPECT_EQ(windows(c), "wwwww-wwwww-wwwww-wwwww-wwwww-wwww");
}

TEST(Configs, OfGemma3MayHaveRotarySettingsByKindOfLayer) {
  Json json = json_of("gemma3");
  json.merge_patch(Json::parse(R"({"rope_theta": null, "rope_local_base_freq": null,
    "rope_scaling": null,
    "rope_parameters": {
      "full_attention": {"rope_type": "linear", "factor": 4.0, "rope_theta": 500000.0},
      "sliding_attention": {"rope_type": "default", "rope_theta": 20000.0}}})"));
  const Config c = read(json);
  EXPECT_EQ(c.rope_base, 5e5);
  EXPECT_EQ(c.rope_scaling.factor, 4);
  EXPECT_EQ(c.rope_local_base, 2e4);
}

TEST(Configs, NamesOfModelsSuggestTheirFamily) {
  struct Row {
    const char* name;
    std::string_view type;
  };
  for (const auto& [name, type] : {Row{"smollm2", "llama"}, Row{"SmolLM2-135M-Instruct", "llama"}, Row{"phi4", "phi3"},
                                   Row{"microsoft/Phi-3.5-mini-instruct", "phi3"}, Row{"phi-2", "phi"}, Row{"Mistral", "mistral"},
                                   Row{"Llama-3.2-1B", "llama"}, Row{"Qwen2.5-0.5B", "qwen2"}, Row{"Qwen3-0.6B", "qwen3"},
                                   Row{"gemma-3-270m-it", "gemma3"}, Row{"OLMo-2-1B", "olmo2"}, Row{"GPT2", "gpt2"},
                                   Row{"TinyLlama", "llama"}, Row{"StableLM-2-1.6b", "stablelm"},
                                   // Others, whose family there is not here; and what is right already.
                                   Row{"mixtral", ""}, Row{"qwen2moe", ""}, Row{"gemma3n", ""}, Row{"llama4", ""}, Row{"olmo", ""},
                                   Row{"llama", ""}, Row{"", ""}, Row{"/", ""}, Row{"7b", ""}})
    EXPECT_EQ(family_of_name(name), type) << name;
  for (const Family& f : families()) {
    EXPECT_NO_THROW(family_by_gguf(f.gguf, ""));
    for (const std::string_view type : f.hf) EXPECT_EQ(family_of_name(type), "") << type;
  }
  try {
    family_by_hf("phi4", "config.json");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("models of that name are of \"phi3\": was it meant? these are: "), std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace bantam::test
