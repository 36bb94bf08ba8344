// Every family in both worlds: what is written is read back as the same model, to the byte.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "files/safetensors_writer.h"
#include "infer/runs.h"
#include "shrink/convert.h"
#include "support/tiny_families.h"

namespace bantam::test {
namespace {

class BothWorlds : public ::testing::Test {
 protected:
  // Why the model at `path` does not open; empty: it does.
  static std::string refusal(const Path& path) {
    try {
      check_weights(ModelFile(path));
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  // The logits of the model at `path`.
  static Logits logits(const Path& path) {
    Session session(std::make_shared<const ModelFile>(path));
    const std::vector<std::int32_t> ids = some_tokens(21, 3);
    return run(session, 0, ids, ids.size());
  }
  // `from` converted to the other world, without its tokenizer.
  static void convert(const Path& from, const Path& to) {
    const auto file = std::make_shared<const ModelFile>(from);
    Conversion conversion(file);
    if (file->gguf()) {
      AtomicFolder folder(to, false);
      conversion.write_folder(folder.path(), Json::object());
      folder.commit();
    } else {
      GgufWriter writer(to);
      conversion.write_gguf(writer);
    }
  }
  ScratchFolder folder_;
};

class EveryFamilyInBothWorlds : public BothWorlds,
                                public ::testing::WithParamInterface<TinyFamily> {};

TEST_P(EveryFamilyInBothWorlds, HoldTheSameModel) {
  for (const Type type : {Type::f32, Type::f16, Type::bf16}) {
    TinyModel tiny;
    tiny.type = type;
    tiny.change = GetParam().change;
    const Path at = folder_ / std::string(format(type).name);
    std::filesystem::create_directory(at);
    write_tiny_gguf(at / "m.gguf", tiny);
    write_tiny_folder(at / "m", tiny);
    const Logits expected = logits(at / "m.gguf");
    float largest = 0;
    for (const float x : expected.back()) largest = std::max(largest, std::fabs(x));
    EXPECT_GT(largest, 0.1f);
    EXPECT_TRUE(same_bytes(logits(at / "m"), expected)) << "folder";
    convert(at / "m.gguf", at / "to");
    EXPECT_TRUE(same_bytes(logits(at / "to"), expected)) << "GGUF to folder";
    convert(at / "m", at / "to.gguf");
    EXPECT_TRUE(same_bytes(logits(at / "to.gguf"), expected)) << "folder to GGUF";
    convert(at / "to", at / "back.gguf");
    EXPECT_EQ(read_file(at / "to.gguf"), read_file(at / "back.gguf")) << "there and back";
  }
}

// A folder of the larger Gemma 3 made of one of its text part: settings inside text_config, other
// names, tensors of a vision part besides.
void write_with_vision(const Path& text, const Path& to, bool newer) {
  const HfFolder from(text);
  std::filesystem::create_directory(to);
  const Json config = {{"model_type", "gemma3"},
                       {"text_config", from.config()},
                       {"vision_config", {{"hidden_size", 8}}}};
  write_file(to / "config.json", config.dump());
  SafetensorsFolderWriter writer(to);
  const std::string prefix = newer ? "model.language_model." : "language_model.model.";
  for (const TensorInfo& t : from.tensors())
    writer.add_tensor(prefix + t.name.substr(std::string("model.").size()), t.format->type,
                      t.shape);
  writer.add_tensor(std::string(newer ? "model." : "") + "vision_tower.weight", Type::f32, {2});
  writer.finish([&](std::size_t index, const PutBytes& put) {
    const float vision[2] = {1, 2};
    put(index < from.tensors().size() ? from.tensors()[index].data
                                      : std::as_bytes(std::span(vision)));
  });
}

TEST_F(BothWorlds, ReadTheTextPartOfALargerGemma3) {
  for (const TinyFamily& family : kTinyFamilies) {
    if (std::string_view(family.name) != "gemma3") continue;
    TinyModel tiny;
    tiny.change = family.change;
    write_tiny_folder(folder_ / "text", tiny);
    const Logits expected = logits(folder_ / "text");
    for (const bool newer : {false, true}) {
      const Path whole = folder_ / (newer ? "newer" : "older");
      write_with_vision(folder_ / "text", whole, newer);
      EXPECT_TRUE(same_bytes(logits(whole), expected));
      convert(whole, whole / "m.gguf");
      EXPECT_TRUE(same_bytes(logits(whole / "m.gguf"), expected));
    }
  }
}

// The folder at `from` with the names of its tensors changed by `rename`, and one tensor `more`.
void write_renamed(const Path& from, const Path& to, auto&& rename, const std::string& more = "") {
  const HfFolder folder(from);
  std::filesystem::create_directory(to);
  write_file(to / "config.json", read_file(from / "config.json"));
  SafetensorsFolderWriter writer(to);
  for (const TensorInfo& t : folder.tensors())
    writer.add_tensor(rename(t.name), t.format->type, t.shape);
  if (!more.empty()) writer.add_tensor(more, Type::f32, {1});
  const float number = 1;
  writer.finish([&](std::size_t index, const PutBytes& put) {
    put(index < folder.tensors().size() ? folder.tensors()[index].data : std::as_bytes(std::span(&number, 1)));
  });
}

TEST_F(BothWorlds, ReadTensorsUnderTheNamesOfWrappers) {
  using Rename = std::string (*)(const std::string&);
  constexpr Rename kRenames[] = {
      [](const std::string& n) { return "_orig_mod." + n; },
      [](const std::string& n) { return "module." + n; },
      [](const std::string& n) { return "module._orig_mod." + n; },
      [](const std::string& n) { return "base_model.model." + n; },
      [](const std::string& n) { return "model." + n; },
      [](const std::string& n) { return n.starts_with("model.") ? n.substr(6) : n; },
      [](const std::string& n) {
        return n.starts_with("model.layers.") ? "model._fsdp_wrapped_module." + n.substr(6) : n;
      },
      [](const std::string& n) {
        return "base_model.model." + (n.ends_with("q_proj.weight")
                                          ? n.substr(0, n.size() - 6) + "base_layer.weight"
                                          : n);
      },
      [](const std::string& n) { return "language_model." + n; },
      [](const std::string& n) {
        return n.starts_with("model.") || n.starts_with("transformer.") ? n.substr(0, n.find('.')) + ".language_model" + n.substr(n.find('.')) : n;
      },
      [](const std::string& n) { return n.starts_with("transformer.") ? n.substr(12) : n; },
      [](const std::string& n) { return "module.language_model." + n; },
  };
  for (const char* name : {"llama", "gpt2", "gemma3"}) {
    for (const TinyFamily& family : kTinyFamilies) {
      if (std::string_view(family.name) != name) continue;
      TinyModel tiny;
      tiny.change = family.change;
      const Path plain = folder_ / name;
      write_tiny_folder(plain, tiny);
      const Logits expected = logits(plain);
      int number = 0;
      for (const Rename rename : kRenames) {
        const Path renamed = plain.string() + std::to_string(number++);
        write_renamed(plain, renamed, rename);
        EXPECT_TRUE(same_bytes(logits(renamed), expected)) << renamed;
      }
    }
  }
}

// Of a model that sees, whose text part is a Llama: nothing but its own parts is left out, and where the configuration
// is the whole model's, what to do is said.
TEST_F(BothWorlds, ReadTheTextPartOfAModelThatSees) {
  const Path text = folder_ / "text", whole = folder_ / "whole";
  write_tiny_folder(text);
  for (const char* tower : {"vision_tower.weight", "model.vision_tower.a.weight", "model.visual.b", "multi_modal_projector.weight"}) {
    std::filesystem::remove_all(whole);
    write_renamed(text, whole, [](const std::string& n) { return "language_model." + n; }, tower);
    EXPECT_TRUE(same_bytes(logits(whole), logits(text))) << tower;
  }
  std::filesystem::remove_all(whole);
  write_renamed(text, whole, [](const std::string& n) { return "language_model." + n; }, "talker.weight");
  EXPECT_NE(refusal(whole).find("talker.weight"), std::string::npos) << refusal(whole);
  const Json config = parse_json(read_file(text / "config.json"), "config");
  write_file(whole / "config.json", Json{{"model_type", "llava"}, {"text_config", config}}.dump());
  EXPECT_NE(refusal(whole).find("\"llava\" sees or hears besides"), std::string::npos) << refusal(whole);
  EXPECT_NE(refusal(whole).find("\"llama\""), std::string::npos) << refusal(whole);
  EXPECT_NE(refusal(whole).find("text_config"), std::string::npos) << refusal(whole);
  write_file(whole / "config.json", Json{{"model_type", "llava"}, {"text_config", {{"model_type", "opt"}}}}.dump());
  EXPECT_NE(refusal(whole).find("\"llava\" is not supported"), std::string::npos) << refusal(whole);
}

// Adapters name the modules of the folder that they were made for.
TEST(TensorNames, OfAModuleInOtherFolders) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(names_elsewhere("model.layers.0.mlp"),
            (Names{"model.layers.0.mlp", "language_model.model.layers.0.mlp", "model.language_model.layers.0.mlp", "layers.0.mlp"}));
  EXPECT_EQ(names_elsewhere("lm_head"), (Names{"lm_head", "language_model.lm_head"}));
}

TEST_F(BothWorlds, RefuseAdaptersAndTensorsThatStandTwice) {
  write_tiny_folder(folder_ / "m");
  write_renamed(folder_ / "m", folder_ / "lora", [](const std::string& n) {
    return n.ends_with("v_proj.weight") ? n.substr(0, n.size() - 6) + "lora_A.weight" : n;
  });
  EXPECT_NE(refusal(folder_ / "lora").find("merge it first"), std::string::npos)
      << refusal(folder_ / "lora");
  write_renamed(folder_ / "m", folder_ / "twice", [](const std::string& n) {
    return n == "model.norm.weight" ? "module.model.layers.0.input_layernorm.weight" : n;
  });
  EXPECT_NE(refusal(folder_ / "twice").find("stands for the same tensor"), std::string::npos)
      << refusal(folder_ / "twice");
}

// Python writes NaN and Infinity into JSON: they matter only where they are used.
TEST_F(BothWorlds, ReadPythonsNumbersWhereTheyAreNotUsed) {
  write_tiny_folder(folder_ / "m");
  const Path config = folder_ / "m" / "config.json";
  const std::string text = read_file(config);
  const Logits expected = logits(folder_ / "m");
  const auto with = [&](const std::string& members) {
    write_file(config, "{" + members + "," + text.substr(text.find('{') + 1));
  };
  with(R"("aux_loss": NaN, "text": "a \" NaN", "list": [Infinity, -Infinity, -1])");
  EXPECT_TRUE(same_bytes(logits(folder_ / "m"), expected));
  for (const char* number : {"NaN", "Infinity", "-Infinity"}) {
    for (const char* name : {"rms_norm_eps", "hidden_size", "rope_theta"}) {
      Json json = Json::parse(text);
      json.erase(name);
      if (json.contains("rope_parameters")) json.erase("rope_parameters");
      const std::string rest = json.dump();
      write_file(config, "{\"" + std::string(name) + "\": " + number + "," + rest.substr(1));
      try {
        ModelFile file(folder_ / "m");
        ADD_FAILURE() << name << " " << number;
      } catch (const Error& error) {
        EXPECT_EQ(error.field(), name);
        EXPECT_NE(std::string(error.what()).find(number), std::string::npos) << error.what();
      }
    }
  }
}

// Fields that transformers declares as integers are written as such, and a padding token that there
// is not as null: a class of theirs would take its own, past a small vocabulary.
TEST_F(BothWorlds, WriteConfigurationsThatOthersOpen) {
  for (const TinyFamily& family : kTinyFamilies) {
    TinyModel tiny;
    tiny.change = family.change;
    const Path path = folder_ / family.name;
    write_tiny_folder(path, tiny);
    const Json config = Json::parse(read_file(path / "config.json"));
    ASSERT_TRUE(config.contains("pad_token_id")) << family.name;
    EXPECT_TRUE(config["pad_token_id"].is_null()) << family.name;
    if (config.contains("query_pre_attn_scalar")) {
      EXPECT_TRUE(config["query_pre_attn_scalar"].is_number_integer()) << family.name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, EveryFamilyInBothWorlds, ::testing::ValuesIn(kTinyFamilies),
                         family_name);

}  // namespace
}  // namespace bantam::test
