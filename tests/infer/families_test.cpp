// One order of summation, for every family: the logits of a sequence are the same bytes however it
// is run.
#include <gtest/gtest.h>

#include <set>

#include "infer/runs.h"
#include "support/tiny_families.h"

namespace bantam::test {
namespace {

TEST(Families, AreAllInTheTableOfTinyModels) {
  std::set<std::string> tested;
  for (const TinyFamily& family : kTinyFamilies) {
    TinyModel tiny;
    tiny.change = family.change;
    tested.insert(tiny_config(tiny).family);
  }
  for (const Family& family : families())
    EXPECT_TRUE(tested.contains(std::string(family.gguf))) << family.gguf;
}

class EveryFamily : public ::testing::TestWithParam<TinyFamily> {};

TEST_P(EveryFamily, GivesTheSameBytesWholeTokenByTokenAndInABatch) {
  ScratchFolder folder;
  TinyModel tiny;
  tiny.change = GetParam().change;
  write_tiny_gguf(folder / "m.gguf", tiny);
  const auto file = std::make_shared<const ModelFile>(folder / "m.gguf");
  const std::vector<std::int32_t> ids = some_tokens(37, 11);
  SessionOptions options;
  options.threads = 1;
  options.slots = 3;
  Session alone(file, options);
  const Logits expected = run(alone, 0, ids, ids.size());
  for (unsigned threads = 1; threads <= 3; ++threads) {
    options.threads = threads;
    Session session(file, options);
    EXPECT_TRUE(same_bytes(run(session, 0, ids, ids.size()), expected)) << threads << " threads";
    EXPECT_TRUE(same_bytes(run(session, 1, ids, 1), expected))
        << "token by token, " << threads << " threads";
    session.trim(0, 0);
    session.trim(1, 0);
    const std::vector<std::int32_t> before = some_tokens(5, 1), after = some_tokens(23, 2);
    const std::vector<Session::Part> parts = {{2, before, Session::Want::all},
                                              {0, ids, Session::Want::all},
                                              {1, after, Session::Want::all}};
    Logits logits;
    session.evaluate(parts, [&](std::size_t part, std::size_t, std::span<const float> row) {
      if (part == 1) logits.emplace_back(row.begin(), row.end());
    });
    EXPECT_TRUE(same_bytes(logits, expected)) << "in a batch, " << threads << " threads";
  }
}

INSTANTIATE_TEST_SUITE_P(Infer, EveryFamily, ::testing::ValuesIn(kTinyFamilies), family_name);

}  // namespace
}  // namespace bantam::test
