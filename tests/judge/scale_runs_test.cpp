// Runs in a person's table are read, and what is wrong in it has its line and column.
#include "judge/scale_runs.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "judge/support.h"

namespace bantam::test {
namespace {

// The losses that were read; or the error without the folder.
std::string read(const std::string& name, const std::string& text) {
  const ScratchFolder folder;
  const std::string path = (folder / name).string();
  write_file(path, text);
  try {
    std::string out;
    for (const judge::ScalePoint& p : judge::read_runs(path)) out += std::to_string(p.loss).substr(0, 4) + " ";
    return out;
  } catch (const Error& error) {
    return std::string(error.what()).substr(folder.path().string().size() + 1);
  }
}

TEST(ScaleRuns, TablesAndLinesOfJson) {
  EXPECT_EQ(read("a.csv", "name,loss,tokens,parameters\nx,2.50,1e6,100\n\"y\n\",2.25,2e6,200\n"), "2.50 2.25 ");
  EXPECT_EQ(read("a.jsonl", "{\"parameters\": 100, \"tokens\": 1e6, \"loss\": \"2.50\"}\n"), "2.50 ");
}

TEST(ScaleRuns, ValuesAreNumbersAboveZero) {
  const auto row = [](const std::string& cells) { return read("a.csv", "parameters,tokens,loss\n1,\"2\",3\n\n" + cells + "\n"); };
  EXPECT_EQ(row("100,200,-1.5"), "a.csv:4: loss: a number above 0 was expected, not \"-1.5\"");
  for (const char* loss : {"nan", "NaN", "inf", "-inf", "1e999", "0", "two", "", "2.5x", " 2"})
    EXPECT_EQ(row("100,200," + std::string(loss)), "a.csv:4: loss: a number above 0 was expected, not \"" + std::string(loss) + "\"");
  EXPECT_EQ(row("0,200,1.5"), "a.csv:4: parameters: a number above 0 was expected, not \"0\"");
  EXPECT_EQ(row("1,-200,1.5"), "a.csv:4: tokens: a number above 0 was expected, not \"-200\"");
  const auto line = [](const std::string& loss) { return read("a.jsonl", "\n{\"parameters\": 1, \"tokens\": 2, \"loss\": " + loss + "}\n"); };
  EXPECT_EQ(line("-2"), "a.jsonl:2: loss: a number above 0 was expected, not -2");
  EXPECT_EQ(line("NaN"), "a.jsonl:2: loss: a number above 0 was expected, not NaN");
  EXPECT_EQ(line("null"), "a.jsonl:2: loss: a number above 0 was expected, not null");
}

TEST(ScaleRuns, ColumnsAreThereOnce) {
  EXPECT_EQ(read("a.csv", "\nparameters,tokens,los\n1,2,3\n"),
            "a.csv:2: loss: there is no such column; each run needs parameters, tokens and loss; is \"los\" meant for it?");
  EXPECT_EQ(read("a.csv", "parameters,loss\n1,3\n"), "a.csv:1: tokens: there is no such column; each run needs parameters, tokens and loss");
  EXPECT_EQ(read("a.csv", "parameters,tokens,loss,tokens\n1,2,3,4\n"), "a.csv:1: the column \"tokens\" stands twice; each needs a name of its own");
  EXPECT_EQ(read("a.csv", "parameters,tokens,loss\n1,2,3\n1,2\n"), "a.csv:3: loss: a row of 3 cells was expected, not of 2");
  EXPECT_EQ(read("a.csv", "parameters,tokens,loss\n1,2,3,4\n"), "a.csv:2: a row of 3 cells was expected, not of 4");
  EXPECT_EQ(read("a.jsonl", "{\"parameters\": 1, \"tokens\": 2, \"loss\": 3}\n{\"parameters\": 1, \"Tokens\": 2, \"loss\": 3}\n"),
            "a.jsonl:2: tokens: there is no such column; each run needs parameters, tokens and loss; is \"Tokens\" meant for it?");
}

}  // namespace
}  // namespace bantam::test
