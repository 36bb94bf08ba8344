// ./run: what it is given on its command line, before it builds anything.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/file.h"

namespace bantam::recipe {
namespace {

// What the script prints, standard error among it, and its status.
std::string run_with(const std::string& arguments) {
  const Path out = std::filesystem::temp_directory_path() / ("bantam-run-test-" + std::to_string(getpid()));
  const int status = std::system(("'" BANTAM_SOURCE "/run' " + arguments + " > '" + out.string() + "' 2>&1 </dev/null").c_str());
  const std::string printed = read_file(out);
  std::filesystem::remove(out);
  return printed + "[" + std::to_string(WEXITSTATUS(status)) + "]";
}

TEST(RunScript, AnEmptyNameIsNoNameAtAll) {
  for (const char* arguments : {"''", "-- ''", "--again ''", "'' x"})
    EXPECT_EQ(run_with(arguments), "run: the name of a folder or model was expected; it is empty\n[2]") << arguments;
  for (const char* arguments : {"--report", "--report ''"}) EXPECT_EQ(run_with(arguments), "run: --report needs a file\n[2]") << arguments;
}

TEST(RunScript, TwoHyphensEndTheOptions) {
  EXPECT_EQ(run_with("-x"), "run: there is no option '-x'; see ./run --help\n[2]");
  for (const char* arguments : {"-- -x -y", "a b", "a -- -y", "-- a --help"})
    EXPECT_EQ(run_with(arguments), "run: one folder or model was expected\n[2]") << arguments;
}

}  // namespace
}  // namespace bantam::recipe
