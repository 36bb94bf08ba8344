// Scripts and their expected output: each file in cases/ is a session with the program.
//   # a remark
//   $ a command line for sh
//   the output, standard error among it; "..." stands for any text in a line, alone for any lines
//   [2]        the exit status, where it is not 0
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <vector>

#include "cli/shell.h"

namespace bantam {
namespace {

struct Step {
  std::string command;
  std::vector<std::string> expected;
  int line;
};

std::vector<Step> read_steps(const Path& path) {
  std::istringstream text(read_file(path));
  std::vector<Step> steps;
  std::string line;
  for (int number = 1; std::getline(text, line); ++number) {
    if (line.starts_with("# ")) continue;
    if (line.starts_with("$ "))
      steps.push_back({line.substr(2), {}, number});
    else if (!steps.empty() && !line.empty())
      steps.back().expected.push_back(line);
  }
  return steps;
}

// `pattern` with "..." in it fits the whole of `text`.
bool line_fits(std::string_view pattern, std::string_view text) {
  const std::size_t dots = pattern.find("...");
  if (dots == std::string_view::npos) return pattern == text;
  if (!text.starts_with(pattern.substr(0, dots))) return false;
  text.remove_prefix(dots);
  pattern.remove_prefix(dots + 3);
  for (std::size_t skip = 0; skip <= text.size(); ++skip)
    if (line_fits(pattern, text.substr(skip))) return true;
  return false;
}

bool lines_fit(std::span<const std::string> patterns, std::span<const std::string> lines) {
  if (patterns.empty()) return lines.empty();
  if (patterns.front() == "...") {
    for (std::size_t skip = 0; skip <= lines.size(); ++skip)
      if (lines_fit(patterns.subspan(1), lines.subspan(skip))) return true;
    return false;
  }
  return !lines.empty() && line_fits(patterns.front(), lines.front()) &&
         lines_fit(patterns.subspan(1), lines.subspan(1));
}

class Cases : public ::testing::TestWithParam<std::string> {};

TEST_P(Cases, GiveTheExpectedOutput) {
  const test::ScratchFolder folder;
  test::write_models(folder.path());
  for (const Step& step : read_steps(Path(BANTAM_CLI_CASES) / (GetParam() + ".txt"))) {
    const test::Ran ran = test::shell(step.command, folder.path());
    std::vector<std::string> lines;
    std::istringstream text(ran.output);
    for (std::string line; std::getline(text, line);)
      if (!line.empty()) lines.push_back(line);
    if (ran.status != 0) lines.push_back("[" + std::to_string(ran.status) + "]");
    EXPECT_TRUE(lines_fit(step.expected, lines))
        << GetParam() << ".txt:" << step.line << ": $ " << step.command << "\n"
        << ran.output << "[" << ran.status << "]";
  }
}

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(BANTAM_CLI_CASES))
    if (entry.path().extension() == ".txt") names.push_back(entry.path().stem().string());
  std::ranges::sort(names);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Cli, Cases, ::testing::ValuesIn(case_names()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace bantam
