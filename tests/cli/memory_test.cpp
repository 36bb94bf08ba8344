// What `generate` keeps in memory: the file, the cache and little more.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/shell.h"

namespace bantam {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kOrdinary = false;
#else
constexpr bool kOrdinary = true;
#endif

// The most memory that the program had resident, in bytes; -1 when it failed.
std::int64_t peak_of(const std::string& model, const char* arithmetic) {
  const pid_t child = fork();
  if (child == 0) {
    if (freopen("/dev/null", "w", stdout))
      execl(BANTAM_PROGRAM, "bantam", "generate", model.c_str(), "--prompt", "the", "-n", "3",
            "--temp", "0", "--arithmetic", arithmetic, nullptr);
    _exit(99);
  }
  int status = 0;
  rusage usage{};
  if (wait4(child, &status, 0, &usage) != child || status != 0) return -1;
  return static_cast<std::int64_t>(usage.ru_maxrss) << 10;
}

// Numbers of 16 bits are widened in the kernel, not in memory; blocks are repacked, and what they
// were packed from is given back.
TEST(Memory, OfGenerateIsTheFileAndLittleMore) {
  if (!kOrdinary) GTEST_SKIP() << "a sanitizer has memory of its own";
  const test::ScratchFolder folder;
  for (const Type type : {Type::f16, Type::bf16, Type::q8_0}) {
    test::TinyModel tiny;
    tiny.width = 1024;
    tiny.feed_forward = 8192;
    tiny.type = type;
    const Path path = folder / "model.gguf";
    test::write_tiny_gguf(path, tiny);
    const auto bytes = static_cast<std::int64_t>(std::filesystem::file_size(path));
    ASSERT_GT(bytes, 50 << 20);
    const std::int64_t peak = peak_of(path.string(), type == Type::q8_0 ? "exact" : "f32");
    EXPECT_GT(peak, 0);
    // Widened to float32 it would be 220 MB or more.
    EXPECT_LT(peak, bytes + (60 << 20)) << format(type).name;
  }
}

// A head that is the embedding too is repacked, and its rows in the file are given back meanwhile.
TEST(Memory, HoldsATiedHeadOnce) {
  if (!kOrdinary) GTEST_SKIP() << "a sanitizer has memory of its own";
  const test::ScratchFolder folder;
  const struct {
    Type type;
    const char* arithmetic;
  } kCases[] = {{Type::f16, "bf16"}, {Type::bf16, "bf16"}, {Type::q8_0, "exact"}};
  for (const auto& [type, arithmetic] : kCases) {
    test::TinyModel tiny;
    tiny.width = 1024;
    tiny.feed_forward = 1024;
    tiny.tied = true;
    tiny.type = type;
    tiny.change = [](Config& c) { c.vocabulary = 64000; };
    const Path path = folder / "model.gguf";
    test::write_tiny_gguf(path, tiny);
    const auto bytes = static_cast<std::int64_t>(std::filesystem::file_size(path));
    ASSERT_GT(bytes, 60 << 20);
    const std::int64_t peak = peak_of(path.string(), arithmetic);
    EXPECT_GT(peak, 0);
    EXPECT_LT(peak, bytes + (60 << 20)) << format(type).name;
  }
}

}  // namespace
}  // namespace bantam
