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
