// A prompt that was evaluated, kept in a file and taken up again.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/error.h"
#include "infer/runs.h"
#include "support/tiny_families.h"

namespace bantam {
namespace {

using test::Logits, test::run, test::same_bytes, test::some_tokens;

class SavedPrompt : public ::testing::Test {
 protected:
  std::shared_ptr<const ModelFile> model(std::uint64_t seed, void (*change)(Config&) = nullptr) {
    test::TinyModel tiny;
    tiny.seed = seed;
    tiny.change = change;
    const Path path = folder_ / ("model-" + std::to_string(++models_) + ".gguf");
    test::write_tiny_gguf(path, tiny);
    return std::make_shared<const ModelFile>(path);
  }
  static SessionOptions options(std::int64_t chunk = 512) {
    SessionOptions o;
    o.threads = 1;
    o.chunk = chunk;
    o.slots = 2;
    return o;
  }
  std::string refusal(const std::shared_ptr<const ModelFile>& file, const SessionOptions& o) {
    Session session(file, o);
    try {
      session.load(0, saved_, ids_);
    } catch (const Error& error) {
      EXPECT_TRUE(session.tokens(0).empty());
      return error.what();
    }
    return "";
  }

  test::ScratchFolder folder_;
  const Path saved_ = folder_ / "prompt";
  int models_ = 0;
  std::vector<std::int32_t> ids_ = some_tokens(60, 5);
};

TEST_F(SavedPrompt, GoesOnWithTheSameBytes) {
  for (const auto change : {+[](Config&) {}, +[](Config& c) { c.window = 9; }}) {
    const auto file = model(1, change);
    Session before(file, options(4));
    const Logits expected = run(before, 1, ids_, 4);
    before.trim(1, 50);
    Session first(file, options(4));
    run(first, 1, {ids_.begin(), ids_.begin() + 50}, 4);
    first.save(1, saved_);
    Session second(file, options(4));
    ASSERT_EQ(second.load(0, saved_, ids_), 50);
    EXPECT_TRUE(same_bytes(run(second, 0, {ids_.begin() + 50, ids_.end()}, 3),
                           Logits(expected.begin() + 50, expected.end())));
  }
  struct stat about {};
  ASSERT_EQ(stat(saved_.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600u);
}

TEST_F(SavedPrompt, GivesWhatItHasInCommonAndLeavesTheLastTokenToEvaluate) {
  const auto file = model(1);
  Session first(file, options());
  run(first, 0, ids_, 60);
  first.save(0, saved_);
  std::vector<std::int32_t> other = ids_;
  other[33] ^= 1;
  Session second(file, options());
  EXPECT_EQ(second.load(0, saved_, other), 33);
  EXPECT_EQ(second.load(0, saved_, ids_), 59);
  EXPECT_EQ(second.load(0, saved_, {}), 0);
  SessionOptions few = options();
  few.positions = 20;
  Session small(file, few);
  EXPECT_EQ(small.load(0, saved_, ids_), 20);
}

TEST_F(SavedPrompt, OfAnotherModelOrArithmeticIsRefused) {
  const auto file = model(1);
  Session first(file, options());
  run(first, 0, ids_, 60);
  first.save(0, saved_);
  EXPECT_NE(refusal(model(2), options()).find("another model"), std::string::npos);
  SessionOptions other = options();
  other.arithmetic = Arithmetic::bf16;
  EXPECT_NE(refusal(file, other).find("another arithmetic"), std::string::npos);
  other = options();
  other.cache = Type::f32;
  EXPECT_NE(refusal(file, other).find("another cache"), std::string::npos);
  EXPECT_EQ(refusal(file, options()), "");
}

TEST_F(SavedPrompt, ThatIsDamagedIsRefused) {
  const auto file = model(1);
  Session first(file, options());
  run(first, 0, ids_, 60);
  first.save(0, saved_);
  const std::string good = read_file(saved_);
  for (std::size_t cut : {0u, 5u, 8u, 20u, 300u}) {
    write_file(saved_, good.substr(0, cut));
    EXPECT_NE(refusal(file, options()), "") << cut;
  }
  for (std::size_t at = 0; at < good.size(); at += 1 + good.size() / 50) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    write_file(saved_, bad);
    EXPECT_NE(refusal(file, options()), "") << at;
  }
}

}  // namespace
}  // namespace bantam
