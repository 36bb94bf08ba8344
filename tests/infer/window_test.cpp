// A sliding window keeps its own positions and no others, and gives the same bytes as a cache that
// keeps all of them.
#include <gtest/gtest.h>

#include "base/error.h"
#include "infer/runs.h"
#include "support/tiny_families.h"

namespace bantam {
namespace {

using test::Logits, test::run, test::same_bytes, test::some_tokens;

constexpr std::int64_t kWindow = test::tiny::kWindow;

struct Kind {
  const char* name;
  void (*change)(Config&);
};
constexpr Kind kKinds[] = {
    {"every_layer", [](Config& c) { c.window = kWindow; }},
    {"every_other_layer",
     [](Config& c) { test::tiny::window(c, kWindow, [](std::int64_t l) { return l % 2 == 0; }); }},
};

class Window : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    test::TinyModel tiny;
    tiny.change = GetParam().change;
    test::write_tiny_gguf(folder_ / "model.gguf", tiny);
    file_ = std::make_shared<const ModelFile>(folder_ / "model.gguf");
    options_.threads = 1;
    options_.slots = 2;
    Session session(file_, options_);  // a chunk as long as the context: all positions are kept
    expected_ = run(session, 0, ids_, ids_.size());
  }
  SessionOptions small(std::int64_t chunk) const {
    SessionOptions options = options_;
    options.chunk = chunk;
    return options;
  }

  test::ScratchFolder folder_;
  std::shared_ptr<const ModelFile> file_;
  SessionOptions options_;
  std::vector<std::int32_t> ids_ = some_tokens(120, 3);
  Logits expected_;
};

TEST_P(Window, MovesOnWithoutChangingAByte) {
  for (const std::int64_t chunk : {1, 4, 9, 30})
    for (const std::size_t piece : {1u, 5u, 120u}) {
      Session session(file_, small(chunk));
      EXPECT_TRUE(same_bytes(run(session, 1, ids_, piece), expected_))
          << "chunks of " << chunk << ", pieces of " << piece;
    }
}

TEST_P(Window, TakesNoMoreMemoryThanItReaches) {
  Session session(file_, options_);
  CacheShape shape = session.model().cache_shape(1, 128, Type::f32);
  shape.chunk = 4;
  std::int64_t expected = 0;
  for (const CacheShape::Layer& l : shape.layers)
    expected += 2 * 4 * l.kv_heads * l.head_dim * (l.window > 0 ? 2 * kWindow : 128);
  EXPECT_EQ(shape.bytes(), expected);
}

// What was trimmed is evaluated again where the window has gone on, and gives the same.
TEST_P(Window, CanBeTrimmedAnywhere) {
  for (const std::size_t length : {119u, 115u, 112u, 100u, 40u, 5u, 0u}) {
    Session session(file_, small(4));
    run(session, 0, ids_, 7);
    std::vector<std::int32_t> other(ids_.begin(),
                                    ids_.begin() + static_cast<std::ptrdiff_t>(length));
    other.insert(other.end(), 3, 77);
    const auto held = static_cast<std::size_t>(session.reuse(0, other));
    EXPECT_TRUE(held == 0 || held == length) << held;
    Session fresh(file_, options_);
    const Logits whole = run(fresh, 0, other, other.size());
    const std::vector<std::int32_t> rest(other.begin() + static_cast<std::ptrdiff_t>(held),
                                         other.end());
    EXPECT_TRUE(same_bytes(run(session, 0, rest, 2),
                           Logits(whole.begin() + static_cast<std::ptrdiff_t>(held), whole.end())))
        << length;
  }
}

TEST_P(Window, IsNotGivenUpForTheLastFewTokens) {
  Session session(file_, small(4));
  run(session, 0, ids_, 1);
  std::int64_t kept = 0;
  for (std::int64_t length = 119; length > 0; --length) {
    session.copy(0, 1, length);
    if (session.tokens(1).empty()) break;
    ++kept;
  }
  EXPECT_LT(kept, 2 * kWindow);
}

TEST_P(Window, IsCopiedWithItsSequence) {
  Session session(file_, small(4));
  const std::vector<std::int32_t> start(ids_.begin(), ids_.begin() + 100),
      rest(ids_.begin() + 100, ids_.end());
  run(session, 0, start, 7);
  session.copy(0, 1, 100);
  ASSERT_EQ(session.tokens(1).size(), 100u);
  run(session, 0, some_tokens(28, 9), 3);
  EXPECT_TRUE(
      same_bytes(run(session, 1, rest, 3), Logits(expected_.begin() + 100, expected_.end())));
}

INSTANTIATE_TEST_SUITE_P(Infer, Window, ::testing::ValuesIn(kKinds),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace bantam
