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
std::int64_t peak_of(std::vector<std::string> words) {
  words.insert(words.begin(), "bantam");
  const pid_t child = fork();
  if (child == 0) {
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    if (freopen("/dev/null", "w", stdout) && freopen("/dev/null", "w", stderr))
      execv(BANTAM_PROGRAM, arguments.data());
    _exit(99);
  }
  int status = 0;
  rusage usage{};
  if (wait4(child, &status, 0, &usage) != child || status != 0) return -1;
  return static_cast<std::int64_t>(usage.ru_maxrss) << 10;
}

std::int64_t peak_of(const std::string& model, const char* arithmetic) {
  return peak_of({"generate", model, "--prompt", "the", "-n", "3", "--temp", "0", "--arithmetic",
                  arithmetic});
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

// Rows of the embedding that are looked up in the file do not gather in memory, wherever they lie.
TEST(Memory, DoesNotGatherTheEmbedding) {
  if (!kOrdinary) GTEST_SKIP() << "a sanitizer has memory of its own";
  const test::ScratchFolder folder;
  test::TinyModel tiny;
  tiny.width = 1024;
  tiny.feed_forward = 256;
  tiny.layers = 1;
  tiny.context = 1024;
  tiny.tied = true;
  tiny.type = Type::q8_0;
  tiny.change = [](Config& c) { c.vocabulary = 64000; };
  const std::string path = (folder / "model.gguf").string();
  test::write_tiny_gguf(path, tiny);
  const auto peak = [&](std::int64_t apart) {
    std::string tokens;
    for (std::int64_t i = 0; i < 500; ++i)
      tokens += (i > 0 ? "," : "") + std::to_string(apart * i);
    return peak_of({"generate", path, "--tokens", tokens, "-n", "2", "--temp", "0", "-t", "2"});
  };
  const std::int64_t together = peak(1), all_over = peak(127);
  EXPECT_GT(together, 60 << 20);
  EXPECT_LT(all_over, together + (8 << 20));
}

// An answer that fills all the room which the limit leaves it stays within, and makes use of it.
TEST(Memory, KeepsToItsLimit) {
  if (!kOrdinary) GTEST_SKIP() << "a sanitizer has memory of its own";
  const test::ScratchFolder folder;
  test::TinyModel tiny;
  tiny.width = 256;
  tiny.heads = tiny.kv_heads = 4;
  tiny.layers = 12;  // 12 kB of keys and values a token
  tiny.feed_forward = 256;
  tiny.context = 1'000'000;
  const std::string path = (folder / "model.gguf").string();
  for (const Type type : {Type::f16, Type::q8_0}) {
    tiny.type = type;
    test::write_tiny_gguf(path, tiny);
    for (const bool draft : {false, true}) {
      std::vector<std::string> words{"generate", path,   "--prompt", "the",          "--temp",
                                     "0",        "-t",   "2",        "--logit-bias", "260=-inf"};
      if (draft) words.insert(words.end(), {"--draft", path, "--draft-tokens", "2"});
      // What the program itself holds differs by how it was compiled.
      std::vector<std::string> one = words;
      one.insert(one.end(), {"-n", "1", "--ctx", "64"});
      const std::int64_t least = peak_of(one);
      ASSERT_GT(least, 0);
      const std::int64_t limit = least / 1'000'000 + (draft ? 30 : 16);
      words.insert(words.end(), {"--memory", std::to_string(limit) + "MB"});
      const std::int64_t peak = peak_of(words);
      EXPECT_LE(peak, limit * 1'000'000) << format(type).name << (draft ? " with a draft" : "");
      EXPECT_GT(peak, limit * 750'000) << format(type).name << (draft ? " with a draft" : "");
    }
  }
}

}  // namespace
}  // namespace bantam
