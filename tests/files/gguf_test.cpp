#include "files/gguf.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "files/sample.h"
#include "support/shared.h"

namespace bantam {
namespace {

using test::Bytes;
using test::bytes_of;
using test::error_of;
using test::gguf_sample;

TEST(GgufFile, ReadsEveryKindOfValue) {
  for (const std::uint32_t version : {2u, 3u}) {
    const Bytes sample = gguf_sample(version);
    const GgufFile file(bytes_of(sample.str()), "sample");
    EXPECT_EQ(file.version(), version);
    EXPECT_EQ(file.alignment(), 32u);
    EXPECT_EQ(file.data_offset(), sample.at("data"));
    const Metadata& m = file.metadata();
    ASSERT_EQ(m.entries().size(), 8u);
    EXPECT_EQ(m.entries()[1].key, "llama.block_count");
    EXPECT_EQ(m.need_string("general.architecture"), "llama");
    EXPECT_EQ(m.need_uint("llama.block_count"), 5u);
    EXPECT_EQ(m.need_int("llama.block_count"), 5);
    EXPECT_EQ(m.need_float("llama.block_count"), 5.0);
    EXPECT_EQ(m.need_float("llama.eps"), static_cast<double>(1e-5f));
    EXPECT_TRUE(m.need_bool("flag"));
    EXPECT_EQ(m.need_ints("ids"), (std::vector<std::int64_t>{-1, 7, 2}));
    EXPECT_EQ(m.need_floats("ids"), (std::vector<float>{-1, 7, 2}));
    EXPECT_EQ(m.need_strings("words"), (std::vector<std::string_view>{"one", "", "三"}));
    EXPECT_EQ(m.need_ints("bools"), (std::vector<std::int64_t>{1, 0}));
    EXPECT_TRUE(m.is_array("ids"));
    EXPECT_FALSE(m.is_array("flag"));
    EXPECT_FALSE(m.has("absent"));
    EXPECT_EQ(m.find_uint("absent"), std::nullopt);
    EXPECT_EQ(m.find_strings("absent"), std::nullopt);
  }
}

TEST(GgufFile, DescribesValuesForPeople) {
  const Bytes sample = gguf_sample();
  const GgufFile file(bytes_of(sample.str()), "sample");
  std::string out;
  for (const Metadata::Entry& e : file.metadata().entries())
    out += std::string(e.key) + " " + Metadata::type_name(e) + " " + Metadata::preview(e) + "\n";
  EXPECT_EQ(out,
            "general.architecture str \"llama\"\n"
            "llama.block_count u32 5\n"
            "llama.eps f32 1e-05\n"
            "flag bool true\n"
            "ids arr[i32] [-1, 7, 2]\n"
            "words arr[str] [\"one\", \"\", \"三\"]\n"
            "bools arr[bool] [true, false]\n"
            "nested arr[arr] [1 arrays]\n");
}

TEST(GgufFile, PreviewsAreShortAndCannotSteerATerminal) {
  Bytes b;
  b.raw("GGUF").u32(3).u64(0).u64(2);
  b.text("s").u32(8).text("\x1b[2J" + std::string(10000, 'x'));
  b.text("a").u32(9).u32(8).u64(100);
  for (int i = 0; i < 100; ++i) b.text(std::string(500, '\n'));
  const GgufFile file(bytes_of(b.str()), "sample");
  for (const Metadata::Entry& e : file.metadata().entries()) {
    const std::string text = Metadata::preview(e);
    EXPECT_LT(text.size(), 100u);
    EXPECT_EQ(text.find('\x1b'), text.npos);
    EXPECT_EQ(text.find('\n'), text.npos);
  }
}

TEST(GgufFile, FindsTensorsInRowMajorShape) {
  const Bytes sample = gguf_sample();
  const GgufFile file(bytes_of(sample.str()), "sample");
  ASSERT_EQ(file.tensors().size(), 3u);
  const TensorInfo& embedding = file.need("token_embd.weight", {2, 4});
  EXPECT_EQ(embedding.format, &format(Type::f32));
  EXPECT_EQ(embedding.type_name, "F32");
  EXPECT_EQ(embedding.offset, sample.at("data"));
  EXPECT_EQ(embedding.file, "sample");
  std::vector<float> values(8);
  embedding.format->decode(embedding.data.data(), values.data(), 8);
  EXPECT_EQ(values, (std::vector<float>{0, 1, 2, 3, 4, 5, 6, 7}));
  const TensorInfo& norm = file.need("norm");
  values.resize(3);
  norm.format->decode(norm.data.data(), values.data(), 3);
  EXPECT_EQ(values, (std::vector<float>{1, -2, std::ldexp(1.0f, -24)}));
  const TensorInfo& k = file.need("k");
  EXPECT_EQ(k.format, &format(Type::q4_k));
  EXPECT_EQ(k.type_name, "Q4_K");
  EXPECT_EQ(k.data.size(), 144u);
  EXPECT_EQ(file.find("absent"), nullptr);
}

TEST(GgufFile, NeedSaysWhatIsMissingAndBothShapes) {
  const Bytes sample = gguf_sample();
  const GgufFile file(bytes_of(sample.str()), "m.gguf");
  EXPECT_EQ(error_of([&] { file.need("absent"); }),
            "m.gguf: absent: the model has no such tensor, which its architecture requires");
  EXPECT_EQ(error_of([&] { file.need("norm", {4}); }), "m.gguf: norm at offset " +
                                                           std::to_string(sample.at("data") + 32) +
                                                           ": the shape [4] was expected, not [3]");
}

TEST(GgufFile, AValueOfTheWrongTypeIsAnErrorThatSaysWhatIsThere) {
  const Bytes sample = gguf_sample();
  const GgufFile file(bytes_of(sample.str()), "m.gguf");
  const Metadata& m = file.metadata();
  const auto at = [&](const char* mark) { return std::to_string(sample.at(mark)); };
  EXPECT_EQ(error_of([&] { m.find_uint("general.architecture"); }),
            "m.gguf: general.architecture at offset " + at("arch") +
                ": an integer of 0 or more was expected, not \"llama\" (str)");
  EXPECT_EQ(
      error_of([&] { m.find_string("llama.block_count"); }),
      "m.gguf: llama.block_count at offset " + at("layers") + ": a text was expected, not 5 (u32)");
  EXPECT_EQ(
      error_of([&] { m.find_int("llama.eps"); }),
      "m.gguf: llama.eps at offset " + at("eps") + ": an integer was expected, not 1e-05 (f32)");
  EXPECT_EQ(error_of([&] { m.find_float("flag"); }),
            "m.gguf: flag at offset " + at("flag") + ": a number was expected, not true (bool)");
  EXPECT_EQ(error_of([&] { m.find_bool("llama.block_count"); }),
            "m.gguf: llama.block_count at offset " + at("layers") +
                ": true or false was expected, not 5 (u32)");
  EXPECT_EQ(error_of([&] { m.find_floats("words"); }),
            "m.gguf: words at offset " + at("words") +
                ": an array of numbers was expected, not [\"one\", \"\", \"三\"] (arr[str])");
  EXPECT_EQ(error_of([&] { m.find_ints("flag"); }),
            "m.gguf: flag at offset " + at("flag") +
                ": an array of integers was expected, not true (bool)");
  EXPECT_EQ(error_of([&] { m.find_strings("nested"); }),
            "m.gguf: nested at offset " + at("nested") +
                ": an array of texts was expected, not [1 arrays] (arr[arr])");
  EXPECT_EQ(error_of([&] { m.need_uint("llama.context_length"); }),
            "m.gguf: llama.context_length: the key is missing; it should hold an integer of 0 or "
            "more");
  EXPECT_EQ(error_of([&] { m.need_strings("tokens"); }),
            "m.gguf: tokens: the key is missing; it should hold an array of texts");
}

TEST(GgufFile, NumbersOutOfRangeAreErrors) {
  Bytes b;
  b.raw("GGUF").u32(3).u64(0).u64(3);
  b.text("negative").u32(5).number(std::int32_t{-1});
  b.text("large").u32(10).u64(UINT64_MAX);
  b.text("larges").u32(9).u32(10).u64(2).u64(1).mark("second").u64(UINT64_MAX);
  const GgufFile file(bytes_of(b.str()), "m");
  EXPECT_EQ(file.metadata().find_int("negative"), -1);
  EXPECT_NE(error_of([&] { file.metadata().find_uint("negative"); }).find("not -1 (i32)"),
            std::string::npos);
  EXPECT_EQ(file.metadata().find_uint("large"), UINT64_MAX);
  EXPECT_NE(error_of([&] { file.metadata().find_int("large"); }).find("an integer was expected"),
            std::string::npos);
  EXPECT_NE(error_of([&] {
              file.metadata().find_ints("larges");
            }).find("offset " + std::to_string(b.at("second"))),
            std::string::npos);
}

TEST(GgufFile, TheSizesOfAllTypesAreThoseOfTheReference) {
  BANTAM_NEEDS_SHARED("golden/blocks/rows.json");
  const std::string json = read_file(test::shared_folder() / "golden/blocks/rows.json");
  for (const std::string name :
       {"Q8_0",   "Q4_0",  "Q4_1",    "Q5_0",   "Q5_1",  "Q2_K",  "Q3_K",  "Q4_K",
        "Q5_K",   "Q6_K",  "IQ4_NL",  "IQ4_XS", "TQ1_0", "TQ2_0", "MXFP4", "IQ2_XXS",
        "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S",  "IQ1_S", "IQ1_M"}) {
    const std::size_t at = json.find("\"" + name + "\": {");
    ASSERT_NE(at, json.npos) << name;
    const auto number = [&](const std::string& key) {
      const std::size_t found = json.find("\"" + key + "\": ", at);
      return static_cast<std::uint32_t>(std::stoul(json.substr(found + key.size() + 4)));
    };
    const GgufType* type = find_gguf_type(name);
    ASSERT_NE(type, nullptr) << name;
    EXPECT_EQ(type->block, number("block")) << name;
    EXPECT_EQ(type->bytes, number("bytes")) << name;
    EXPECT_EQ(type->id, number("ggml_type")) << name;
  }
}

TEST(GgufFile, TypesThatBothTablesKnowHaveOneSize) {
  for (const Format& f : formats()) {
    const GgufType* type = find_gguf_type(f.gguf_id);
    ASSERT_NE(type, nullptr) << f.name;
    EXPECT_EQ(find_format(type->name), &f);
    EXPECT_EQ(type->block, f.block);
    EXPECT_EQ(type->bytes, f.block_bytes);
  }
}

TEST(GgufFile, OpensEveryReferenceFile) {
  BANTAM_NEEDS_SHARED("golden");
  int count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(test::shared_folder())) {
    if (entry.path().extension() != ".gguf") continue;
    EXPECT_NO_THROW({
      const GgufFile file(entry.path());
      EXPECT_TRUE(file.metadata().has("general.architecture")) << entry.path();
      EXPECT_EQ(file.path(), entry.path().string());
      ASSERT_NE(file.mapped(), nullptr);
      for (const TensorInfo& tensor : file.tensors()) file.release(tensor);
    }) << entry.path();
    ++count;
  }
  EXPECT_GT(count, 50);
}

}  // namespace
}  // namespace bantam
