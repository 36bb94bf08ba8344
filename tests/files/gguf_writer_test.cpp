#include "files/gguf_writer.h"

#include <gtest/gtest.h>

#include "files/gguf.h"
#include "files/sample.h"
#include "support/shared.h"

namespace bantam {
namespace {

using test::error_of;
using test::TemporaryFolder;

std::size_t entries_in(const Path& folder) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++count;
  return count;
}

void set_all(GgufWriter& writer) {
  const std::vector<std::string> words{"a", "", "三"};
  const std::vector<std::string_view> views{"x", "yz"};
  const std::vector<float> floats{1.5f, -2.0f};
  const std::vector<std::int32_t> ints{-1, 2};
  const std::vector<std::uint32_t> uints{1, 4000000000u};
  const std::array<bool, 2> bools{true, false};
  writer.set("general.architecture", "llama");
  writer.set("bool", true);
  writer.set("u8", std::uint8_t{200});
  writer.set("i8", std::int8_t{-100});
  writer.set("u16", std::uint16_t{60000});
  writer.set("i16", std::int16_t{-30000});
  writer.set("u32", std::uint32_t{4000000000u});
  writer.set("i32", -2000000000);
  writer.set("u64", std::uint64_t{1} << 63);
  writer.set("i64", std::int64_t{-1} << 62);
  writer.set("f32", 0.1f);
  writer.set("f64", 0.1);
  writer.set("text", std::string("a text"));
  writer.set("words", words);
  writer.set("views", views);
  writer.set("floats", floats);
  writer.set("ints", ints);
  writer.set("uints", uints);
  writer.set("bools", std::span<const bool>(bools));
  writer.set("none", std::vector<float>{});
}

TEST(GgufWriter, WhatIsSetIsRead) {
  const TemporaryFolder folder;
  GgufWriter writer(folder / "m.gguf");
  set_all(writer);
  writer.close();
  const GgufFile file(folder / "m.gguf");
  const Metadata& m = file.metadata();
  EXPECT_EQ(file.version(), 3u);
  EXPECT_EQ(m.entries().size(), 20u);
  EXPECT_EQ(m.entries()[0].key, "general.architecture");
  EXPECT_TRUE(m.need_bool("bool"));
  for (const auto& [key, type, value] :
       {std::tuple{"u8", "u8", std::int64_t{200}}, std::tuple{"i8", "i8", std::int64_t{-100}},
        std::tuple{"u16", "u16", std::int64_t{60000}},
        std::tuple{"i16", "i16", std::int64_t{-30000}},
        std::tuple{"u32", "u32", std::int64_t{4000000000}},
        std::tuple{"i32", "i32", std::int64_t{-2000000000}},
        std::tuple{"i64", "i64", std::int64_t{-1} << 62}}) {
    EXPECT_EQ(m.need_int(key), value);
    EXPECT_EQ(Metadata::type_name(*m.find(key)), type);
  }
  EXPECT_EQ(m.need_uint("u64"), std::uint64_t{1} << 63);
  EXPECT_EQ(m.need_float("f32"), static_cast<double>(0.1f));
  EXPECT_EQ(m.need_float("f64"), 0.1);
  EXPECT_EQ(m.need_string("text"), "a text");
  EXPECT_EQ(m.need_strings("words"), (std::vector<std::string_view>{"a", "", "三"}));
  EXPECT_EQ(m.need_strings("views"), (std::vector<std::string_view>{"x", "yz"}));
  EXPECT_EQ(m.need_floats("floats"), (std::vector<float>{1.5f, -2.0f}));
  EXPECT_EQ(m.need_ints("ints"), (std::vector<std::int64_t>{-1, 2}));
  EXPECT_EQ(m.need_ints("uints"), (std::vector<std::int64_t>{1, 4000000000}));
  EXPECT_EQ(m.need_ints("bools"), (std::vector<std::int64_t>{1, 0}));
  EXPECT_EQ(m.need_floats("none"), std::vector<float>{});
}

TEST(GgufWriter, ReplacesAndRemovesKeysInPlace) {
  const TemporaryFolder folder;
  GgufWriter writer(folder / "m.gguf");
  writer.set("a", 1);
  writer.set("b", 2);
  writer.set("c", 3);
  writer.set("a", "text");
  writer.remove("b");
  writer.close();
  const GgufFile file(folder / "m.gguf");
  ASSERT_EQ(file.metadata().entries().size(), 2u);
  EXPECT_EQ(file.metadata().entries()[0].key, "a");
  EXPECT_EQ(file.metadata().need_string("a"), "text");
}

// Tensors streamed in parts, whole, as scalars: read back with the same bytes, aligned.
void write_tensors(const Path& path) {
  const std::vector<float> values{1, 2, 3, 4, 5, 6};
  const auto bytes = std::as_bytes(std::span(values));
  GgufWriter writer(path);
  writer.set("general.architecture", "test");
  writer.add_tensor("a", Type::f32, {2, 3});
  writer.add_tensor("scalar", Type::f32, {});
  writer.add_tensor("k", *find_gguf_type("Q4_K"), {2, 256});
  writer.finish([&](std::size_t tensor, const PutBytes& put) {
    if (tensor == 0) {
      put(bytes.first(10));
      put(bytes.subspan(10));
    } else if (tensor == 1) {
      put(bytes.first(4));
    } else {
      put(std::vector<std::byte>(288, std::byte{7}));
    }
  });
}

TEST(GgufWriter, TensorsComeBackAligned) {
  const TemporaryFolder folder;
  write_tensors(folder / "m.gguf");
  const GgufFile file(folder / "m.gguf");
  ASSERT_EQ(file.tensors().size(), 3u);
  for (const TensorInfo& tensor : file.tensors()) EXPECT_EQ(tensor.offset % 32, 0u);
  std::vector<float> values(6);
  const TensorInfo& a = file.need("a", {2, 3});
  a.format->decode(a.data.data(), values.data(), 6);
  EXPECT_EQ(values, (std::vector<float>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(file.need("scalar").shape, Shape({1}));
  EXPECT_EQ(file.need("k").type_name, "Q4_K");
  EXPECT_EQ(file.need("k").data[287], std::byte{7});
  EXPECT_EQ(file.size() % 32, 0u);
}

TEST(GgufWriter, SameInputSameBytes) {
  const TemporaryFolder folder;
  write_tensors(folder / "1.gguf");
  write_tensors(folder / "2.gguf");
  EXPECT_EQ(read_file(folder / "1.gguf"), read_file(folder / "2.gguf"));
}

TEST(GgufWriter, WhatMakesNoFileIsRefusedAndTheOldFileStays) {
  const TemporaryFolder folder;
  const Path path = folder / "m.gguf";
  write_file(path, "old");
  const std::vector<std::byte> four(4);
  const auto attempt = [&](auto act) {
    return error_of([&] {
      GgufWriter writer(path);
      writer.add_tensor("a", Type::f32, {1});
      act(writer);
      writer.finish([&](std::size_t, const PutBytes& put) { put(four); });
    });
  };
  const std::string file = path.string();
  for (const auto& [error, expected] : std::vector<std::pair<std::string, std::string>>{
           {attempt([](GgufWriter& w) { w.add_tensor("a", Type::f32, {1}); }),
            file + ": a: two tensors have this name"},
           {attempt([](GgufWriter& w) { w.add_tensor("b", Type::q8_0, {31}); }),
            file + ": b: rows of 31 elements cannot be Q8_0, which packs 32 at a time"},
           {attempt([](GgufWriter& w) { w.add_tensor("b", Type::f32, {0}); }),
            file + ": b: the shape [0] has no elements"},
           {attempt([](GgufWriter& w) { w.add_tensor(std::string(64, 'n'), Type::f32, {1}); }),
            file + ": " + std::string(64, 'n') +
                ": a tensor name of 1 to 63 bytes of UTF-8 was expected"},
           {attempt([](GgufWriter& w) { w.set("", 1); }),
            file + ": a key of 1 to 65535 bytes without NUL was expected"},
           {attempt([](GgufWriter& w) { w.set("t", "\xff"); }),
            file + ": t: a text that is not UTF-8 cannot be written: \\xff"},
           {attempt([](GgufWriter& w) { w.add_tensor("b", Type::f32, {2}); }),
            file + ": b: only 4 of its 8 bytes were written"},
           {attempt([](GgufWriter& w) { w.add_tensor("b", Type::f16, {1}); }),
            file + ": b: more bytes were written than its 2"},
           {attempt([](GgufWriter& w) { w.close(); }), file + ": a: the tensor was not written"},
       })
    EXPECT_EQ(error, expected);
  EXPECT_EQ(read_file(path), "old");
  EXPECT_EQ(entries_in(folder.path()), 1u);
}

// The reference writer (gguf-py) made these files: copying one key by key and tensor by tensor
// gives the same bytes. Files that state an alignment are left out: a copy does not state it.
TEST(GgufWriter, CopiesReferenceFilesByteForByte) {
  BANTAM_NEEDS_SHARED("golden/llama-k");
  const TemporaryFolder folder;
  int copied = 0;
  for (const char* name : {"golden/llama/model-f32.gguf", "golden/llama-k/model-Q4_K_M.gguf",
                           "golden/openelm/model-f16.gguf"}) {
    const Path path = test::shared_folder() / name;
    const GgufFile file(path);
    if (file.metadata().has("general.alignment")) continue;
    GgufWriter writer(folder / "copy.gguf");
    for (const Metadata::Entry& entry : file.metadata().entries()) writer.copy(entry);
    for (const TensorInfo& tensor : file.tensors())
      writer.add_tensor(tensor.name, *find_gguf_type(tensor.type_name), tensor.shape);
    writer.finish([&](std::size_t i, const PutBytes& put) { put(file.tensors()[i].data); });
    EXPECT_TRUE(read_file(folder / "copy.gguf") == read_file(path)) << name;
    ++copied;
  }
  EXPECT_GT(copied, 0);
}

}  // namespace
}  // namespace bantam
