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

INSTANTIATE_TEST_SUITE_P(Models, EveryFamilyInBothWorlds, ::testing::ValuesIn(kTinyFamilies),
                         family_name);

}  // namespace
}  // namespace bantam::test
