// OLMo 3 agrees with a float64 pass written from its makers' code (olmo3_reference.py), which made
// olmo3_logits.txt from the very folder that is written here.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "infer/runs.h"
#include "support/tiny_families.h"

namespace bantam::test {
namespace {

constexpr std::size_t kRows[] = {3, 17, 29};

std::vector<double> numbers(std::istream& in) {
  std::vector<double> all;
  for (double x; in >> x;) all.push_back(x);
  return all;
}

Path beside(const char* name) { return Path(__FILE__).parent_path() / name; }

TEST(Olmo3, AgreesWithItsMakersCode) {
  const ScratchFolder folder;
  TinyModel tiny;
  tiny.change = [](Config& c) {
    c.family = "olmo2";
    c.layers = 5;
    c.eps = 1e-3;
    tiny::window(c, 9, [](std::int64_t l) { return l % 4 != 3; });
    c.rope_scaling.kind = "linear";
    c.rope_scaling.factor = 4;
    c.rope_local_base = c.rope_base;
  };
  write_tiny_folder(folder / "m", tiny);
  const std::vector<std::int32_t> ids = some_tokens(30, 7);
  SessionOptions options;
  options.cache = Type::f32;
  Session session(std::make_shared<const ModelFile>(folder / "m"), options);
  const Logits got = run(session, 0, ids, ids.size());

  // Where numpy is at hand the stored numbers are made again.
  std::string command =
      "python3 " + beside("olmo3_reference.py").string() + " " + (folder / "m").string() + " ";
  for (std::size_t i = 0; i < ids.size(); ++i)
    command += (i == 0 ? "" : ",") + std::to_string(ids[i]);
  for (const std::size_t row : kRows)
    command += (row == kRows[0] ? " " : ",") + std::to_string(row);
  const Path out = folder / "out";
  const bool numpy = std::system((command + " 2>/dev/null >" + out.string()).c_str()) == 0;
  std::ifstream stored(beside("olmo3_logits.txt"));
  const std::vector<double> expected = numbers(stored);
  ASSERT_EQ(expected.size(), std::size(kRows) * 261);
  for (std::size_t r = 0; r < std::size(kRows); ++r)
    for (std::size_t v = 0; v < 261; ++v)
      ASSERT_NEAR(static_cast<double>(got[kRows[r]][v]), expected[r * 261 + v], 1e-4)
          << "row " << kRows[r] << ", token " << v;

  if (!numpy) GTEST_SKIP() << "the stored numbers agree; there is no numpy to make them again";
  std::ifstream again(out);
  const std::vector<double> made = numbers(again);
  ASSERT_EQ(made.size(), expected.size());
  for (std::size_t i = 0; i < made.size(); ++i) ASSERT_NEAR(made[i], expected[i], 1e-6) << i;
}

}  // namespace
}  // namespace bantam::test
