// GGUF models in several files: read from any of them, written as llama-gguf-split does.
#include "files/gguf_parts.h"

#include <gtest/gtest.h>

#include <fstream>

#include "files/gguf.h"
#include "files/gguf_writer.h"
#include "files/sample.h"

namespace bantam {
namespace {

using test::error_of;
using test::TemporaryFolder;

TEST(GgufParts, NamesAreReadAndMade) {
  const auto named = gguf_part_name("folder/model-1.5b-00002-of-00003.gguf");
  ASSERT_TRUE(named);
  EXPECT_EQ(named->prefix, Path("folder/model-1.5b"));
  EXPECT_EQ(named->number, 1u);
  EXPECT_EQ(named->count, 3u);
  EXPECT_EQ(gguf_part_path(named->prefix, 2, 3), Path("folder/model-1.5b-00003-of-00003.gguf"));
  for (const char* other :
       {"model.gguf", "model-00002-of-00003.bin", "model-00004-of-00003.gguf", "-of-.gguf",
        "model-00000-of-00003.gguf", "model-2-of-3.gguf", "model-0000x-of-00003.gguf",
        "00002-of-00003.gguf"})
    EXPECT_FALSE(gguf_part_name(other)) << other;
}

// Part `number` of `count`, put together here by hand: one tensor of two numbers, `name`.
std::string part(std::uint16_t number, std::uint16_t count, std::int32_t tensors,
                 std::string_view name, float first) {
  test::Bytes b;
  b.raw("GGUF").u32(3).u64(1).u64(number == 0 ? 4 : 3);
  if (number == 0) b.text("general.architecture").u32(8).text("llama");
  b.text("split.no").u32(2).number(number);
  b.text("split.count").u32(2).number(count);
  b.text("split.tensors.count").u32(5).number(tensors);
  b.text(name).u32(1).u64(2).u32(0).u64(0).align(32).number(first).number(first + 1).align(32);
  return b.str();
}

void put(const Path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

struct Parts {
  TemporaryFolder folder;
  explicit Parts(std::int32_t tensors = 3) {
    put(at(0), part(0, 3, tensors, "a", 1));
    put(at(1), part(1, 3, tensors, "b", 3));
    put(at(2), part(2, 3, tensors, "c", 5));
  }
  Path at(std::uint64_t number) const { return gguf_part_path(folder / "m", number, 3); }
};

TEST(GgufParts, AnyPartOpensAll) {
  const Parts parts;
  for (std::uint64_t number = 0; number < 3; ++number) {
    const GgufFile file(parts.at(number));
    EXPECT_EQ(file.parts(), 3u);
    EXPECT_EQ(file.path(), parts.at(0).string());
    EXPECT_EQ(file.metadata().need_string("general.architecture"), "llama");
    ASSERT_EQ(file.tensors().size(), 3u);
    float want = 1;
    for (const char* name : {"a", "b", "c"}) {
      const TensorInfo* t = file.find(name);
      ASSERT_NE(t, nullptr) << name;
      float got[2];
      std::memcpy(got, t->data.data(), sizeof got);
      EXPECT_EQ(got[0], want);
      EXPECT_EQ(got[1], want + 1);
      want += 2;
      file.release(*t);
    }
    EXPECT_EQ(file.find("b")->file, parts.at(1).string());
    EXPECT_EQ(file.size(), std::filesystem::file_size(parts.at(0)) +
                               2 * std::filesystem::file_size(parts.at(1)));
  }
}

TEST(GgufParts, LinksIntoACacheOpen) {
  const Parts parts;
  const Path links = parts.folder / "links";
  std::filesystem::create_directory(links);
  for (std::uint64_t i = 0; i < 3; ++i) {
    const Path blob = parts.folder / ("blob" + std::to_string(i));
    std::filesystem::rename(parts.at(i), blob);
    std::filesystem::create_symlink(blob, gguf_part_path(links / "m", i, 3));
  }
  EXPECT_EQ(GgufFile(gguf_part_path(links / "m", 2, 3)).tensors().size(), 3u);
  // Of a blob alone nobody can tell where its neighbours are.
  EXPECT_NE(error_of([&] { GgufFile(parts.folder / "blob1"); }).find("-00002-of-00003.gguf"),
            std::string::npos);
}

void expect_error(const Path& path, std::string_view in_message) {
  const std::string message = error_of([&] { GgufFile file(path); });
  EXPECT_NE(message.find(in_message), std::string::npos) << message;
}

TEST(GgufParts, AMissingOneIsNamed) {
  const Parts parts;
  std::filesystem::remove(parts.at(1));
  expect_error(parts.at(0), parts.at(1).string() + ": part 2 of 3 of the model is missing");
  expect_error(parts.at(2), parts.at(1).string() + ": part 2 of 3 of the model is missing");
  expect_error(parts.at(1), parts.at(1).string() + ": part 2 of 3 of the model is missing");
  std::filesystem::remove(parts.at(0));
  expect_error(parts.at(2), parts.at(0).string() + ": part 1 of 3 of the model is missing");
}

TEST(GgufParts, HostileOnesAreRefused) {
  const Parts parts;
  const auto with = [&](std::uint64_t at, const std::string& bytes, std::string_view message) {
    const std::string before = read_file(parts.at(at));
    put(parts.at(at), bytes);
    expect_error(parts.at(0), message);
    put(parts.at(at), before);
  };
  with(1, part(2, 3, 3, "b", 3), "split.no");                      // another part than its name says
  with(1, part(1, 4, 3, "b", 3), "split.count");                   // of another model
  with(1, part(1, 3, 3, "a", 3), "two parts hold a tensor");       // a tensor twice
  with(0, part(0, 3, 4, "a", 1), "split.tensors.count");           // fewer than it says
  with(0, part(3, 3, 3, "a", 1), "cannot be");                     // number past the last
  with(0, part(0, 65535, 3, "a", 1), "at most 512 are supported");
  with(1, test::gguf_sample().str(), "split.count");               // a whole model in its place
  with(1, part(1, 3, 3, "b", 3).substr(0, 100), "cut short");
  with(1, "", "empty");
  // A name that says something else than the file does.
  const Path other = parts.folder / "other.gguf";
  std::filesystem::rename(parts.at(0), other);
  expect_error(other, "-00001-of-00003.gguf");
  // A folder in the place of a part.
  std::filesystem::create_directory(parts.at(0));
  expect_error(parts.at(1), parts.at(0).string());
}

// Sizes and names as llama-gguf-split's: 32-byte multiples of data counted, heads not.
TEST(GgufParts, WrittenInPartsAndReadBack) {
  const TemporaryFolder folder;
  const auto make = [&](std::uint64_t bytes, bool replace) {
    GgufWriter writer(folder / "m.gguf");
    writer.split(bytes, replace);
    writer.set("general.architecture", "llama");
    writer.set("split.count", std::uint16_t{7});  // left over from a source in parts
    for (const char* name : {"a", "b", "c", "d"}) writer.add_tensor(name, Type::f32, {20});
    writer.add_tensor("large", Type::f32, {100});
    writer.finish([](std::size_t index, const PutBytes& put) {
      const std::vector<float> numbers(index == 4 ? 100 : 20, static_cast<float>(index));
      put(std::as_bytes(std::span(numbers)));
    });
    return writer.files();
  };
  // 96 bytes each (80 and padding): two fit into 200; "large" has one of its own.
  const std::vector<Path> files = make(200, false);
  ASSERT_EQ(files.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(files[i], gguf_part_path(folder / "m", i, 3));
  EXPECT_FALSE(std::filesystem::exists(folder / "m.gguf"));
  const GgufFile file(files[1]);
  ASSERT_EQ(file.tensors().size(), 5u);
  for (std::size_t i = 0; i < 5; ++i) {
    float got;
    std::memcpy(&got, file.tensors()[i].data.data(), sizeof got);
    EXPECT_EQ(got, static_cast<float>(i));
    EXPECT_EQ(file.tensors()[i].file, files[i / 2].string());
  }
  // The second part says of itself only which one it is.
  const std::string second = read_file(files[1]);
  const std::string head = test::Bytes()
                               .raw("GGUF")
                               .u32(3)
                               .u64(2)
                               .u64(3)
                               .text("split.no")
                               .u32(2)
                               .number(std::uint16_t{1})
                               .text("split.count")
                               .u32(2)
                               .number(std::uint16_t{3})
                               .text("split.tensors.count")
                               .u32(5)
                               .number(std::int32_t{5})
                               .str();
  EXPECT_EQ(second.substr(0, head.size()), head);
  // What is there stays, unless it may be replaced; nothing else is left behind.
  EXPECT_NE(error_of([&] { make(200, false); }).find("exists"), std::string::npos);
  // Parts of another number, too: they would lie mixed with the new ones.
  const std::string refused = error_of([&] { make(1'000, false); });
  const std::string named = (folder / "m-00001-of-00003.gguf").string();
  EXPECT_EQ(refused.find(named + ": exists, one of 3 parts"), 0u) << refused;
  for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(std::filesystem::exists(files[i]));
  make(200, true);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 3);
  // Everything in one: a part all the same.
  EXPECT_EQ(make(1'000'000, true), std::vector<Path>{gguf_part_path(folder / "m", 0, 1)});
  // The older ones are gone.
  EXPECT_EQ(gguf_parts_named(folder / "m"), std::vector<Path>{gguf_part_path(folder / "m", 0, 1)});
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
  EXPECT_EQ(GgufFile(gguf_part_path(folder / "m", 0, 1)).tensors().size(), 5u);
}

}  // namespace
}  // namespace bantam
