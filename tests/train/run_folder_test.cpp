// The folder of an unfinished run belongs to one run, and goes away empty.
#include "train/run_folder.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace bantam::test {

namespace {

TEST(RunFolder, IsHeldByOneRunAtATime) {
  const Path out = Path(::testing::TempDir()) / "bantam-held.gguf";
  {
    const RunFolder first(out);
    ASSERT_TRUE(std::filesystem::is_directory(first.path()));
    try {
      const RunFolder second(out);
      FAIL() << "two runs at once";
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("another training run is writing here"),
                std::string::npos);
      EXPECT_EQ(error.file(), first.path().string());
    }
    EXPECT_TRUE(std::filesystem::exists(first.path()));
  }
  EXPECT_FALSE(std::filesystem::exists(out.string() + ".run"));
  const RunFolder again(out);
  EXPECT_TRUE(std::filesystem::exists(again.path()));
}

TEST(RunFolder, SetsDiskAsideThatNobodySees) {
  const Path out = Path(::testing::TempDir()) / "bantam-aside.gguf";
  Path folder;
  {
    RunFolder run(out);
    folder = run.path();
    ASSERT_TRUE(run.set_aside(1 << 20));
    if (run.aside() == 0) GTEST_SKIP() << "this file system sets nothing aside";
    EXPECT_GE(run.aside(), 1u << 20);
    EXPECT_TRUE(std::filesystem::is_empty(folder));
    EXPECT_FALSE(run.set_aside(std::uint64_t{1} << 60));
    EXPECT_TRUE(run.set_aside(4096));
    EXPECT_LT(run.aside(), 1u << 20);
    run.set_aside(0);
    EXPECT_EQ(run.aside(), 0u);
  }
  EXPECT_FALSE(std::filesystem::exists(folder));
}

TEST(RunFolder, KeepsWhatIsInIt) {
  const Path out = Path(::testing::TempDir()) / "bantam-kept.gguf";
  Path folder;
  {
    const RunFolder run(out);
    folder = run.path();
    write_file(folder / "checkpoint", "something");
  }
  EXPECT_EQ(read_file(folder / "checkpoint"), "something");
  {
    RunFolder run(out);
    run.remove();
  }
  EXPECT_FALSE(std::filesystem::exists(folder));
}

TEST(RunFolder, ThatCannotBeMadeIsNamed) {
  for (const char* out : {"/no/such/folder/model.gguf", "/proc/model.gguf"}) {
    try {
      const RunFolder run(out);
      FAIL() << out;
    } catch (const Error& error) {
      EXPECT_EQ(error.file(), std::string(out) + ".run");
    }
  }
  const Path file = Path(::testing::TempDir()) / "bantam-file.gguf";
  write_file(file.string() + ".run", "a file");
  EXPECT_THROW(RunFolder run(file), Error);
  EXPECT_EQ(read_file(file.string() + ".run"), "a file");
  std::filesystem::remove(file.string() + ".run");
}

}  // namespace

}  // namespace bantam::test
