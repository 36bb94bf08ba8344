// What a hostile file may cost: at most twice its size and 64 MiB of memory, of which the program
// itself has 16, and one second per MiB plus one.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <functional>

#include "files/gguf.h"
#include "files/hf_folder.h"
#include "files/safetensors.h"
#include "files/sample.h"
#include "support/effort.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

namespace bantam {
namespace {

using test::Bytes;
using test::TemporaryFolder;

constexpr std::uint64_t kMiB = 1 << 20;

// A number of /proc/self/status in bytes.
std::uint64_t status(const std::string& key) {
  std::ifstream file("/proc/self/status");
  for (std::string word; file >> word;)
    if (word == key + ":") {
      std::uint64_t kib = 0;
      file >> kib;
      return kib * 1024;
    }
  return 0;
}

// Not synced to the disk: these files are large and short-lived.
void write_plain(const Path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

struct Cost {
  std::uint64_t bytes = 0;
  double work = 0;  // units of support/effort.h
};

// Runs `open` in a process of its own, whatever it throws.
Cost cost_of(const std::function<void()>& open) {
  int ends[2];
  if (pipe(ends) != 0) return {};
  test::effort_unit();  // its memory is not the call's
  const pid_t child = fork();
  if (child == 0) {
    const std::uint64_t before = status("VmRSS");
    const double work = test::effort([&] {
      try {
        open();
      } catch (const Error&) {
      }
    });
    const Cost cost{status("VmHWM") - std::min(before, status("VmHWM")), work};
    const bool told = write(ends[1], &cost, sizeof cost) == sizeof cost;
    _exit(told ? 0 : 1);
  }
  Cost cost;
  EXPECT_EQ(read(ends[0], &cost, sizeof cost), static_cast<ssize_t>(sizeof cost));
  close(ends[0]);
  close(ends[1]);
  int how = 0;
  waitpid(child, &how, 0);
  EXPECT_EQ(how, 0);
  return cost;
}

void expect_cheap(const std::string& name, const Path& file, const std::function<void()>& open) {
  const std::uint64_t size = std::filesystem::file_size(file);
  const Cost cost = cost_of(open);
  EXPECT_LE(cost.bytes, 2 * size + 48 * kMiB) << name << ": file of " << size;
  EXPECT_LE(cost.work, 40 * (1 + static_cast<double>(size) / kMiB)) << name;
  testing::Test::RecordProperty(name, static_cast<int>(cost.bytes / kMiB));
}

std::string many_tensors(std::uint64_t count) {
  Bytes b;
  b.raw("GGUF").u32(3).u64(count).u64(1).text("general.alignment").u32(4).u32(8);
  for (std::uint64_t i = 0; i < count; ++i)
    b.text(std::to_string(i)).u32(1).u64(1).u32(24).u64(8 * i);
  return b.align(8).zeros(8 * count).str();
}

std::string many_keys(std::uint64_t count) {
  Bytes b;
  b.raw("GGUF").u32(3).u64(0).u64(count);
  for (std::uint64_t i = 0; i < count; ++i) b.text(std::to_string(i)).u32(0).raw("x");
  return b.str();
}

std::string one_array(std::uint32_t element, std::uint64_t count, std::size_t bytes) {
  return Bytes()
      .raw("GGUF")
      .u32(3)
      .u64(0)
      .u64(1)
      .text("a")
      .u32(9)
      .u32(element)
      .u64(count)
      .zeros(bytes)
      .str();
}

TEST(Resources, Gguf) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer's memory is not the program's";
  const TemporaryFolder folder;
  const Path path = folder / "a.gguf";
  const std::uint64_t most = Metadata::kMaxArray;
  for (const auto& [name, bytes] : {
           std::pair{"tensors", many_tensors(kMaxTensors)},
           std::pair{"keys", many_keys(Metadata::kMaxKeys)},
           std::pair{"strings", one_array(8, most, 8 * most)},
           std::pair{"bytes", one_array(0, most, most)},
           std::pair{"too many strings", one_array(8, 2 * most, 16 * most)},
           std::pair{"too many bytes", one_array(0, 16 * most, 16 * most)},
           std::pair{"empty arrays", one_array(9, most, 12 * most)},
       }) {
    write_plain(path, bytes);
    const auto held = [&](auto find) {  // strings and numbers are not held at the same time
      expect_cheap(name, path, [&] {
        const GgufFile file(path);
        find(file.metadata());
      });
    };
    held([](const Metadata& m) { m.find_strings("a"); });
    held([](const Metadata& m) { m.find_ints("a"); });
    held([](const Metadata& m) { m.find_floats("a"); });
  }
}

TEST(Resources, Safetensors) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer's memory is not the program's";
  const TemporaryFolder folder;
  const Path path = folder / "a.safetensors";
  std::string tensors = "{", metadata = "{\"__metadata__\":{", names = "{";
  for (std::uint64_t i = 0; i < kMaxTensors; ++i)
    tensors += (i ? ",\"" : "\"") + std::to_string(i) +
               R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  for (int i = 0; i < 5; ++i)
    metadata += (i ? ",\"" : "\"") + std::to_string(i) + "\":\"" +
                std::string(std::size_t{3} << 20, 'x') + "\"";
  for (int i = 0; i < 9; ++i)
    names += (i ? ",\"" : "\"") + std::string(std::size_t{3} << 20, static_cast<char>('a' + i)) +
             R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  const std::string numbers =
      "{\"a\":{\"shape\":[" + std::string(std::size_t{3} << 20, '1') + "]}}";
  for (const auto& [name, header] :
       {std::pair{"tensors", tensors + "}"}, std::pair{"metadata", metadata + "}}"},
        std::pair{"long names", names + "}"}, std::pair{"a long number", numbers},
        std::pair{"blanks", "{" + std::string(20'000'000, ' ') + "}"},
        std::pair{"a long text", "{\"" + std::string(20'000'000, 'x')}}) {
    write_plain(path, Bytes().text(header).str());
    expect_cheap(name, path, [&] { const SafetensorsFile file(path); });
  }
}

TEST(Resources, Folder) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer's memory is not the program's";
  const TemporaryFolder folder;
  const Path config = folder / "config.json", index = folder / "model.safetensors.index.json";
  const std::size_t most = std::size_t{4} << 20;
  std::string map = "{\"weight_map\":{";
  for (std::uint64_t i = 0; i < kMaxTensors; ++i)
    map += (i ? ",\"" : "\"") + std::to_string(i) + "\":\"" + std::to_string(i % 5000) + "\"";
  write_plain(index, map + "}}");
  write_plain(config, "{}");
  expect_cheap("index", index, [&] { const HfFolder model(folder.path()); });
  for (const auto& [name, text] : {std::pair{"deep", std::string(most, '[')},
                                   std::pair{"text", "\"" + std::string(most - 2, 'x') + "\""},
                                   std::pair{"zeros", "[" + std::string(most / 2, '0')},
                                   std::pair{"too long", std::string(4 * most, ' ')}}) {
    write_plain(config, text);
    expect_cheap(name, config, [&] { const HfFolder model(folder.path()); });
  }
}

TEST(Resources, AFileOfAGigabyteOpensInMilliseconds) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer's time is not the program's";
  const TemporaryFolder folder;
  const Path path = folder / "a.gguf";
  Bytes b;
  b.raw("GGUF").u32(3).u64(1).u64(2).text("tokens").u32(9).u32(8).u64(300'000);
  for (int i = 0; i < 300'000; ++i) b.text("token " + std::to_string(i));
  b.text("scores").u32(9).u32(6).u64(300'000).zeros(1'200'000);
  b.text("w").u32(1).u64(1 << 30).u32(24).u64(0).align(32);
  write_plain(path, b.str());
  std::filesystem::resize_file(path, b.str().size() + (1 << 30));
  const auto open = [&] { const GgufFile file(path); };
  open();  // the page cache is warm
  double best = 100;
  for (int i = 0; i < 5; ++i) best = std::min(best, cost_of(open).work);
  EXPECT_LT(best, 5);  // a tenth of a second
  EXPECT_LT(cost_of(open).bytes, 32 * kMiB);
}

}  // namespace
}  // namespace bantam
