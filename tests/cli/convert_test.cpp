// Every family in both worlds: what is written is read back as the same model, to the byte.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "infer/runs.h"
#include "shrink/convert.h"
#include "support/tiny_families.h"

namespace bantam::test {
namespace {

class BothWorlds : public ::testing::TestWithParam<TinyFamily> {
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
    Conversion conversion(file, std::nullopt);
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

TEST_P(BothWorlds, HoldTheSameModel) {
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

INSTANTIATE_TEST_SUITE_P(Models, BothWorlds, ::testing::ValuesIn(kTinyFamilies), family_name);

}  // namespace
}  // namespace bantam::test
