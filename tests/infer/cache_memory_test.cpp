// What keys and values cost: what is held, and not what could be.
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "base/error.h"
#include "base/lazy_memory.h"
#include "infer/runs.h"
#include "infer/session.h"
#include "nn/cache.h"
#include "support/tiny_model.h"

namespace bantam {
namespace {

// Bytes of this process that are in memory.
std::int64_t resident() {
  std::ifstream file("/proc/self/statm");
  std::int64_t all = 0, pages = 0;
  file >> all >> pages;
  return pages * sysconf(_SC_PAGESIZE);
}

constexpr std::int64_t kMiB = std::int64_t{1} << 20;

TEST(CacheMemory, IsTakenAsPositionsComeAndGivenBackWhenTheyGo) {
  test::ScratchFolder folder;
  test::TinyModel tiny;
  test::write_tiny_gguf(folder / "m.gguf", tiny);
  const auto file = std::make_shared<const ModelFile>(folder / "m.gguf");
  SessionOptions options;
  options.threads = 1;
  options.slots = 16;
  options.context = std::int64_t{1} << 19;  // 128 MiB a slot, 2 GiB in all
  {
    Session warm(file);  // what every session takes
    test::run(warm, 0, test::some_tokens(100, 1), 100);
  }
  const std::int64_t before = resident();
  Session session(file, options);
  for (std::int64_t slot = 0; slot < options.slots; ++slot)
    test::run(session, slot, test::some_tokens(40, 1), 40);
  EXPECT_LT(resident() - before, 64 * kMiB);
  EXPECT_GE(session.room(), options.context);
}

// Huge pages or not, and whether the system has them or not: the bytes are the same, and a short text after a
// long one costs what a short text costs.
TEST(CacheMemory, OfALongPromptIsGivenBackForAShortOne) {
  CacheShape shape;
  shape.layers = {{2, 64}, {2, 64}};
  shape.slots = 4;
  shape.context = 16384;  // 16 MiB a slot in f16
  Cache cache(shape);
  const auto fill = [&](std::int64_t slot, std::int64_t length) {
    cache.visit(slot, length, [&](std::size_t layer, std::span<std::byte> bytes) {
      for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 7 + layer + 1);
    });
  };
  const auto wrong_bytes = [&](std::int64_t slot, std::int64_t length) {
    std::size_t wrong = 0, seen = 0;
    cache.visit(slot, length, [&](std::size_t layer, std::span<std::byte> bytes) {
      for (std::size_t i = 0; i < bytes.size(); ++i) wrong += bytes[i] != static_cast<std::byte>(i * 7 + layer + 1);
      seen += bytes.size();
    });
    return seen == static_cast<std::size_t>(length) * 1024 ? wrong : seen;
  };
  const std::int64_t before = resident();
  fill(0, 100);
  for (const std::int64_t slot : {1, 2}) {
    cache.expect(slot, 12000);
    fill(slot, 12000);
  }
  EXPECT_GT(resident() - before, 20 * kMiB);
  EXPECT_EQ(wrong_bytes(1, 12000), 0u);
  cache.shrink(1, 9000);
  EXPECT_EQ(wrong_bytes(1, 9000), 0u);
  for (const std::int64_t slot : {1, 2}) cache.shrink(slot, 0);
  for (const std::int64_t slot : {1, 2, 3}) fill(slot, 100);
  EXPECT_LT(resident() - before, 8 * kMiB);
  for (const std::int64_t slot : {0, 1, 2, 3}) EXPECT_EQ(wrong_bytes(slot, 100), 0u);
}

TEST(CacheMemory, APlaceThatNoMachineHasIsRefused) {
  test::ScratchFolder folder;
  test::write_tiny_gguf(folder / "m.gguf", test::TinyModel());
  SessionOptions options;
  options.context = kMostContext;  // 64 GiB a slot in f16
  options.slots = 1;
  const auto file = std::make_shared<const ModelFile>(folder / "m.gguf");
  const auto pages = static_cast<std::int64_t>(sysconf(_SC_PHYS_PAGES));
  if (pages * sysconf(_SC_PAGESIZE) > 60 * 1024 * kMiB) GTEST_SKIP() << "this machine has it";
  try {
    Session session(file, options);
    ADD_FAILURE() << "not refused";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("--ctx with less"), std::string::npos) << error.what();
  }
}

TEST(LazyMemory, IsZeroedKeptAndGivenBack) {
  constexpr std::size_t kBytes = std::size_t{64} << 20;
  LazyMemory memory(std::size_t{1} << 33);
  const std::int64_t before = resident();
  for (std::size_t i = 0; i < kBytes; i += 512) memory.data()[i] = std::byte{7};
  EXPECT_GT(resident() - before, 60 * kMiB);
  memory.give_back(5000, kBytes);
  EXPECT_LT(resident() - before, 8 * kMiB);
  EXPECT_EQ(memory.data()[0], std::byte{7});
  EXPECT_EQ(memory.data()[4608], std::byte{7});  // its page lies half outside
  EXPECT_EQ(memory.data()[kBytes - 512], std::byte{0});
  memory.give_back(100, 200);  // no whole page
  EXPECT_EQ(memory.data()[0], std::byte{7});
}

}  // namespace
}  // namespace bantam
