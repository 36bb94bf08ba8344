// Tables of text: what is read of them, and what is refused with its place.
#include "data/csv.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace bantam::data {
namespace {

// Every record on a line; or the error.
std::string read_all(std::string_view text, std::vector<std::string> columns = {}) {
  try {
    std::string out;
    CsvTable table(text, "a.csv", std::move(columns));
    while (table.next()) out += std::to_string(table.line()) + to_text(table.record()) + "\n";
    return out;
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(Csv, RowsAreRecords) {
  EXPECT_EQ(read_all("a,b\n1,2\n"), "2{\"a\":\"1\",\"b\":\"2\"}\n");
  EXPECT_EQ(read_all("a,b\r\n\r\n\"x, \"\"y\"\"\nz\",\r\n3,4"), "3{\"a\":\"x, \\\"y\\\"\\nz\",\"b\":\"\"}\n5{\"a\":\"3\",\"b\":\"4\"}\n");
  EXPECT_EQ(read_all("1,2\n", {"a", "b"}), "1{\"a\":\"1\",\"b\":\"2\"}\n");
  EXPECT_EQ(read_all(",a,,\n0,1,,\n"), "2{\"a\":\"1\"}\n");  // columns without a name
  EXPECT_EQ(read_all("a\n"), "");
}

TEST(Csv, FaultsHaveTheirPlace) {
  EXPECT_EQ(read_all(""), "a.csv: there is no row with the names of the columns");
  EXPECT_EQ(read_all("a,b,a\n1,2,3\n"), "a.csv:1: the column \"a\" stands twice; each needs a name of its own");
  EXPECT_EQ(read_all("\nb,\"b\"\n"), "a.csv:2: the column \"b\" stands twice; each needs a name of its own");
  EXPECT_EQ(read_all("a,b,c\n1,2,3\n1\n"), "a.csv:3: b: a row of 3 cells was expected, not of 1");
  EXPECT_EQ(read_all("a,b\n1,2,3\n"), "a.csv:2: a row of 2 cells was expected, not of 3");
  EXPECT_EQ(read_all("a,b\n1,\"2\n\n"), "a.csv:2: the quote that opens in this line is not closed");
  EXPECT_EQ(read_all("a,b\n1,\"2\"3\n"), "a.csv:2: a comma or the end of the line was expected after a quoted cell");
}

}  // namespace
}  // namespace bantam::data
