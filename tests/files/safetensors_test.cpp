#include "files/safetensors.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "files/safetensors_writer.h"
#include "files/sample.h"
#include "support/shared.h"

namespace bantam {
namespace {

using test::Bytes;
using test::bytes_of;
using test::error_of;
using test::TemporaryFolder;

std::string file_of(const std::string& header, std::size_t data) {
  Bytes b;
  b.text(header).zeros(data);
  return b.str();
}

// The bytes of a test in safetensors/src/tensor.rs (huggingface/safetensors), test_serialization.
TEST(SafetensorsFile, ReadsWhatTheReferenceWrites) {
  Bytes b;
  b.text(R"({"attn.0":{"dtype":"F32","shape":[1,2,3],"data_offsets":[0,24]}})");
  ASSERT_EQ(b.str()[0], 64);
  for (int i = 0; i < 6; ++i) b.number(static_cast<float>(i));
  const SafetensorsFile file(bytes_of(b.str()), "m.safetensors");
  ASSERT_EQ(file.tensors().size(), 1u);
  const TensorInfo& tensor = file.need("attn.0", {1, 2, 3});
  EXPECT_EQ(tensor.type_name, "F32");
  EXPECT_EQ(tensor.format, &format(Type::f32));
  EXPECT_EQ(tensor.offset, 72u);
  std::vector<float> values(6);
  tensor.format->decode(tensor.data.data(), values.data(), 6);
  EXPECT_EQ(values, (std::vector<float>{0, 1, 2, 3, 4, 5}));
}

TEST(SafetensorsFile, ReadsEmptyAndPaddedHeaders) {
  for (const char* header : {"{}", "{}      ", R"({"__metadata__":{"framework":"pt"}}     )"}) {
    const SafetensorsFile file(bytes_of(file_of(header, 0)), "m");
    EXPECT_EQ(file.tensors().size(), 0u);
  }
  const std::string bytes = file_of(R"({"__metadata__":{"format":"pt","step":"7"}})", 0);
  const SafetensorsFile file(bytes_of(bytes), "m");
  ASSERT_EQ(file.metadata().size(), 2u);
  EXPECT_EQ(file.metadata()[1], (std::pair<std::string, std::string>("step", "7")));
}

TEST(SafetensorsFile, TakesTensorsInAnyOrderAndTypesThatItOnlyLists) {
  const std::string bytes = file_of(R"({"b":{"data_offsets":[4,12],"shape":[1],"dtype":"I64"},)"
                                    R"("scalar":{"dtype":"F32","shape":[],"data_offsets":[0,4]},)"
                                    R"("none":{"dtype":"F16","shape":[0,5],"data_offsets":[4,4]},)"
                                    R"("f4":{"dtype":"F4","shape":[2,3],"data_offsets":[12,15]}})",
                                    15);
  const SafetensorsFile file(bytes_of(bytes), "m");
  EXPECT_EQ(file.need("b").format, nullptr);
  EXPECT_EQ(file.need("b").type_name, "I64");
  EXPECT_EQ(file.need("scalar").shape, Shape());
  EXPECT_EQ(file.need("none").data.size(), 0u);
  EXPECT_EQ(file.need("f4").data.size(), 3u);
}

struct BadHeader {
  std::string name;
  std::string bytes;
  std::string field;
  std::size_t offset;
  std::string says;
};

void expect_header_refused(const BadHeader& c) {
  SCOPED_TRACE(c.name);
  std::optional<Error> error;
  error_of([&] { SafetensorsFile(bytes_of(c.bytes), "bad.safetensors"); }, &error);
  if (!error) return;
  EXPECT_EQ(error->file(), "bad.safetensors");
  EXPECT_EQ(error->field(), c.field);
  EXPECT_EQ(error->offset(), c.offset);
  EXPECT_NE(error->message().find(c.says), std::string::npos) << error->message();
}

std::string with_length(std::uint64_t length, const std::string& rest) {
  return Bytes().u64(length).raw(rest).str();
}

TEST(SafetensorsMalformed, HeaderLength) {
  for (const BadHeader& c : {
           BadHeader{"empty", "", "header length", 0, "the file is empty"},
           BadHeader{"3 bytes", "abc", "header length", 0, "cut short"},
           BadHeader{"0", with_length(0, "{}"), "header length", 0, "is 0"},
           BadHeader{"2^63", with_length(std::uint64_t{1} << 63, "{}"), "header length", 0,
                     "is 9223372036854775808, but 2 bytes follow"},
           BadHeader{"past the end", with_length(3, "{}"), "header length", 0,
                     "but 2 bytes follow"},
           BadHeader{"2^64-1", with_length(UINT64_MAX, "{}"), "header length", 0,
                     "but 2 bytes follow"},
           BadHeader{"a GGUF file", "GGUF" + std::string(40, '\0'), "header length", 0,
                     "GGUF file"},
           BadHeader{"a pickle", "PK\x03\x04" + std::string(40, '\0'), "header length", 0,
                     "pickle"},
           BadHeader{"a page", "<!DOCTYPE html><html>", "header length", 0, "web page"},
       })
    expect_header_refused(c);
}

TEST(SafetensorsMalformed, HeaderText) {
  const std::string tensor = R"("t":{"dtype":"F32","shape":[1],"data_offsets":[0,4]})";
  for (const BadHeader& c : {
           BadHeader{"not JSON", file_of("{nonsense}", 0), "header", 8 + 2, "not valid JSON"},
           BadHeader{"not an object", file_of("[1,2,3]", 0), "header", 8, "beginning with {"},
           BadHeader{"a text", file_of("\"text\"", 0), "header", 8, "beginning with {"},
           BadHeader{"blanks first", file_of("  {}", 0), "header", 8, "beginning with {"},
           BadHeader{"something after it", file_of("{} {}", 0), "header", 8 + 3, "not valid JSON"},
           BadHeader{"cut", file_of("{" + tensor, 4), "header", 8 + 53, "not valid JSON"},
           BadHeader{"not UTF-8", file_of("{\"\xff\":1}", 0), "header", 8 + 2, "not valid JSON"},
           BadHeader{"deep", file_of("{\"t\":" + std::string(10000, '['), 0), "t", 8 + 1,
                     "dtype, shape and data_offsets were expected"},
           BadHeader{"deep in a shape", file_of("{\"t\":{\"shape\":" + std::string(10000, '['), 0),
                     "header", 8, "nested more than 3 deep"},
           BadHeader{"a number for a tensor", file_of(R"({"t":1})", 0), "t", 9, "a number"},
           BadHeader{"null for a tensor", file_of(R"({"t":null})", 0), "t", 9, "not null"},
           BadHeader{"metadata that is no text", file_of(R"({"__metadata__":{"a":1}})", 0),
                     "__metadata__", 9, "should be a text"},
           BadHeader{"metadata that is an array", file_of(R"({"__metadata__":[]})", 0),
                     "__metadata__", 9, "an array"},
       })
    expect_header_refused(c);
}

TEST(SafetensorsMalformed, Tensors) {
  const auto one = [](const std::string& body, std::size_t data) {
    return file_of("{\"t\":{" + body + "}}", data);
  };
  const auto two = [](const std::string& first, const std::string& second, std::size_t data) {
    const auto tensor = [](const char* name, const std::string& offsets) {
      return std::string("\"") + name + R"(":{"dtype":"F32","shape":[1],"data_offsets":)" +
             offsets + "}";
    };
    return file_of("{" + tensor("a", first) + "," + tensor("b", second) + "}", data);
  };
  const std::string f32 = R"("dtype":"F32",)";
  const std::string same = R"("a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]})";
  const std::size_t second = 8 + 1 + same.size() + 1;  // where "b" stands
  for (const BadHeader& c : {
           BadHeader{"offsets reversed", one(f32 + R"("shape":[1],"data_offsets":[4,0])", 4), "t",
                     9, "data_offsets are reversed: [4, 0)"},
           BadHeader{"overlap", two("[0,4]", "[2,6]", 6), "b", second, "overlap"},
           BadHeader{"past the end", one(f32 + R"("shape":[2],"data_offsets":[0,8])", 4), "t", 9,
                     "do not fit: the file has 4 bytes"},
           BadHeader{"near 2^63",
                     one(f32 + R"("shape":[2],"data_offsets":[0,9223372036854775807])", 4), "t", 9,
                     "do not fit"},
           BadHeader{"beyond 2^63",
                     one(f32 + R"("shape":[2],"data_offsets":[0,9223372036854775808])", 4), "t", 9,
                     "not an integer under 2^63"},
           BadHeader{"1e400", one(f32 + R"("shape":[2],"data_offsets":[0,1e400])", 4), "header", 62,
                     "too large"},
           BadHeader{"fraction", one(f32 + R"("shape":[1.5],"data_offsets":[0,4])", 4), "t", 9,
                     "not an integer"},
           BadHeader{"a gap", two("[0,4]", "[5,9]", 9), "b", second, "a gap"},
           BadHeader{"a gap before the first", one(f32 + R"("shape":[1],"data_offsets":[4,8])", 8),
                     "t", 9, "a gap"},
           BadHeader{"shape too small", one(f32 + R"("shape":[1],"data_offsets":[0,8])", 8), "t", 9,
                     "should be 4 bytes by its shape [1] of F32"},
           BadHeader{"shape too large", one(f32 + R"("shape":[3],"data_offsets":[0,8])", 8), "t", 9,
                     "should be 12 bytes"},
           BadHeader{"shape overflows",
                     one(f32 + R"("shape":[4294967296,4294967296,4],"data_offsets":[0,8])", 8), "t",
                     9, "larger than any file"},
           BadHeader{"negative", one(f32 + R"("shape":[-1],"data_offsets":[0,4])", 4), "t", 9,
                     "shape holds -1"},
           BadHeader{"five dimensions", one(f32 + R"("shape":[1,1,1,1,1],"data_offsets":[0,4])", 4),
                     "t", 9, "more than 4 dimensions"},
           BadHeader{"three offsets", one(f32 + R"("shape":[1],"data_offsets":[0,4,8])", 8), "t", 9,
                     "not two numbers"},
           BadHeader{"unknown dtype", one(R"("dtype":"F99","shape":[1],"data_offsets":[0,4])", 4),
                     "t", 9, "the dtype F99 is unknown"},
           BadHeader{"dtype a number", one(R"("dtype":5)", 4), "t", 9, "not as expected"},
           BadHeader{"half a byte", one(R"("dtype":"F4","shape":[3],"data_offsets":[0,1])", 1), "t",
                     9, "whole bytes"},
           BadHeader{"no dtype", one(R"("shape":[1],"data_offsets":[0,4])", 4), "t", 9,
                     "has no dtype"},
           BadHeader{"no shape", one(f32 + R"("data_offsets":[0,4])", 4), "t", 9, "has no shape"},
           BadHeader{"no offsets", one(f32 + R"("shape":[1])", 4), "t", 9, "has no data_offsets"},
           BadHeader{"shape twice", one(f32 + R"("shape":[1],"shape":[1])", 4), "t", 9, "twice"},
           BadHeader{"dtype twice", one(f32 + R"("dtype":"F32")", 4), "t", 9, "twice"},
           BadHeader{"same name", file_of("{" + same + "," + same + "}", 4), "a", 9,
                     "two tensors have this name"},
           BadHeader{"more data than tensors", file_of("{" + same + "}", 9), "data",
                     8 + same.size() + 2 + 4, "5 bytes follow"},
       })
    expect_header_refused(c);
}

TEST(SafetensorsMalformed, CutAnywhere) {
  const std::string good = file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                                   R"("b":{"dtype":"BF16","shape":[2],"data_offsets":[8,12]}}  )",
                                   12);
  EXPECT_NO_THROW(SafetensorsFile(bytes_of(good), "good"));
  for (std::size_t length = 0; length < good.size(); ++length) {
    std::optional<Error> error;
    error_of([&] { SafetensorsFile(bytes_of(good).first(length), "cut"); }, &error);
    ASSERT_TRUE(error) << length;
    EXPECT_EQ(error->file(), "cut");
    EXPECT_FALSE(error->field().empty()) << error->what();
    EXPECT_TRUE(error->offset()) << error->what();
  }
}

TEST(SafetensorsMalformed, ATextOfManyMegabytesIsRefused) {
  const std::string bytes = file_of("{\"" + std::string(std::size_t{5} << 20, 'x') + "\":1}", 0);
  expect_header_refused({"long", bytes, "header", 9, "longer than 4 MiB"});
}

void fill(std::size_t tensor, const PutBytes& put) {
  const std::vector<std::byte> bytes(tensor == 0 ? 6 : 8, static_cast<std::byte>(tensor + 1));
  put(std::span(bytes).first(2));
  put(std::span(bytes).subspan(2));
}

TEST(SafetensorsWriter, WritesAsTheReferenceDoes) {
  const TemporaryFolder folder;
  SafetensorsWriter writer(folder / "m.safetensors");
  writer.add_tensor("h", Type::f16, {3});
  writer.add_tensor("b", Type::f32, {1, 2});
  writer.add_tensor("a \"1\"", Type::f32, {2});
  writer.finish(fill);
  std::string header = R"({"__metadata__":{"format":"pt"},)"
                       R"("a \"1\"":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                       R"("b":{"dtype":"F32","shape":[1,2],"data_offsets":[8,16]},)"
                       R"("h":{"dtype":"F16","shape":[3],"data_offsets":[16,22]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  EXPECT_EQ(read_file(folder / "m.safetensors"), Bytes().text(header).str() + std::string(8, '\3') +
                                                     std::string(8, '\2') + std::string(6, '\1'));
}

TEST(SafetensorsWriter, ACopyHoldsTheSame) {
  BANTAM_NEEDS_SHARED("golden/llama/model.safetensors");
  const TemporaryFolder folder;
  for (const char* name : {"llama", "llama-bf16", "bitnet", "gpt2"}) {
    const SafetensorsFile file(test::shared_folder() / "golden" / name / "model.safetensors");
    SafetensorsWriter writer(folder / "copy");
    for (const TensorInfo& tensor : file.tensors())
      writer.add_tensor(tensor.name, tensor.format->type, tensor.shape);
    writer.finish([&](std::size_t i, const PutBytes& put) { put(file.tensors()[i].data); });
    const SafetensorsFile copy(folder / "copy");
    ASSERT_EQ(copy.tensors().size(), file.tensors().size()) << name;
    for (const TensorInfo& tensor : file.tensors())
      EXPECT_TRUE(std::ranges::equal(copy.need(tensor.name, tensor.shape).data, tensor.data))
          << name << " " << tensor.name;
  }
}

TEST(SafetensorsWriter, WhatMakesNoFileIsRefused) {
  const TemporaryFolder folder;
  const std::string name = (folder / "m").string();
  SafetensorsWriter writer(folder / "m");
  EXPECT_EQ(error_of([&] { writer.add_tensor("q", Type::q8_0, {32}); }),
            name + ": q: safetensors has no type q8_0; write f32, f16 or bf16");
  EXPECT_EQ(error_of([&] { writer.add_tensor("__metadata__", Type::f32, {1}); }),
            name + ": __metadata__: the name of a tensor in UTF-8 was expected");
  writer.add_tensor("a", Type::f32, {1});
  EXPECT_EQ(error_of([&] { writer.finish([](std::size_t, const PutBytes&) {}); }),
            name + ": a: its 4 bytes were expected, not 0");
  writer.add_tensor("a", Type::f32, {1});
  EXPECT_EQ(error_of([&] { writer.finish(fill); }), name + ": a: two tensors have this name");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace bantam
