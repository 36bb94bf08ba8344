// One order of summation: the logits of a sequence are the same bytes however it is run.
#include "infer/session.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/error.h"
#include "infer/runs.h"
#include "support/tiny_model.h"

namespace bantam {
namespace {

using test::Logits, test::run, test::same_bytes, test::some_tokens;

class SameBytes : public ::testing::TestWithParam<std::tuple<Type, std::optional<Arithmetic>>> {
 protected:
  void SetUp() override {
    TinyModel tiny;
    tiny.type = std::get<0>(GetParam());
    options_.arithmetic = std::get<1>(GetParam());
    options_.threads = 1;
    const Path path = folder_ / "model.gguf";
    write_tiny_gguf(path, tiny);
    file_ = std::make_shared<const ModelFile>(path);
    ids_ = some_tokens(45, 11);
    Session session(file_, options_);
    expected_ = run(session, 0, ids_, ids_.size());
    ASSERT_EQ(expected_.size(), ids_.size());
  }

  using TinyModel = test::TinyModel;
  static void write_tiny_gguf(const Path& path, const TinyModel& tiny) {
    test::write_tiny_gguf(path, tiny);
  }

  test::ScratchFolder folder_;
  std::shared_ptr<const ModelFile> file_;
  SessionOptions options_;
  std::vector<std::int32_t> ids_;
  Logits expected_;
};

TEST_P(SameBytes, WithAnyNumberOfThreads) {
  for (const unsigned threads : {2u, 3u}) {
    SessionOptions options = options_;
    options.threads = threads;
    Session session(file_, options);
    EXPECT_TRUE(same_bytes(run(session, 0, ids_, ids_.size()), expected_)) << threads << " threads";
  }
}

TEST_P(SameBytes, OnEveryInstructionSet) {
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::amx, Isa::neon}) {
    if (!isa_available(isa)) continue;
    SessionOptions options = options_;
    options.isa = isa;
    Session session(file_, options);
    EXPECT_TRUE(same_bytes(run(session, 0, ids_, ids_.size()), expected_)) << isa_name(isa);
  }
}

TEST_P(SameBytes, InChunksAndTokenByToken) {
  for (const std::int64_t chunk : {1, 7, 512})
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, ids_.size()}) {
      SessionOptions options = options_;
      options.chunk = chunk;
      Session session(file_, options);
      EXPECT_TRUE(same_bytes(run(session, 0, ids_, piece), expected_))
          << "chunks of " << chunk << ", pieces of " << piece;
    }
}

TEST_P(SameBytes, InABatchOfFive) {
  for (const std::int64_t chunk : {7, 512}) {
    SessionOptions options = options_;
    options.slots = 5;
    options.chunk = chunk;
    options.threads = 2;
    Session session(file_, options);
    std::vector<std::vector<std::int32_t>> others;
    std::vector<Session::Part> parts;
    for (std::size_t i = 0; i < 5; ++i) others.push_back(i == 3 ? ids_ : some_tokens(5 + 9 * i, i));
    // Slots in another order than the parts.
    for (std::size_t i = 0; i < 5; ++i)
      parts.push_back({static_cast<std::int64_t>(4 - i), others[i], Session::Want::all});
    Logits logits;
    session.evaluate(parts, [&](std::size_t part, std::size_t index, std::span<const float> row) {
      if (part != 3) return;
      EXPECT_EQ(index, logits.size());
      logits.emplace_back(row.begin(), row.end());
    });
    EXPECT_TRUE(same_bytes(logits, expected_)) << "chunks of " << chunk;
  }
}

TEST_P(SameBytes, AfterTrimmingAndCopying) {
  SessionOptions options = options_;
  options.slots = 2;
  Session session(file_, options);
  std::vector<std::int32_t> other = ids_;
  for (std::size_t i = 20; i < other.size(); ++i) other[i] = 5;
  run(session, 0, other, other.size());
  ASSERT_EQ(session.reuse(0, ids_), 20);
  session.copy(0, 1, 20);
  const std::vector<std::int32_t> rest(ids_.begin() + 20, ids_.end());
  const Logits expected(expected_.begin() + 20, expected_.end());
  EXPECT_TRUE(same_bytes(run(session, 0, rest, rest.size()), expected));
  EXPECT_TRUE(same_bytes(run(session, 1, rest, rest.size()), expected));
  EXPECT_EQ(session.reuse(1, ids_), static_cast<std::int64_t>(ids_.size()) - 1);
}

TEST_P(SameBytes, WithOnlyTheLastTokenAsked) {
  Session session(file_, options_);
  Logits logits;
  const Session::Part part{0, ids_, Session::Want::last};
  session.evaluate({&part, 1}, [&](std::size_t, std::size_t index, std::span<const float> row) {
    EXPECT_EQ(index, ids_.size() - 1);
    logits.emplace_back(row.begin(), row.end());
  });
  EXPECT_TRUE(same_bytes(logits, {expected_.back()}));
}

std::string arithmetic_text(
    const ::testing::TestParamInfo<std::tuple<Type, std::optional<Arithmetic>>>& info) {
  const auto [type, arithmetic] = info.param;
  const char* const names[] = {"f32", "exact", "bf16"};
  return std::string(format(type).name) + "_" +
         (arithmetic ? names[static_cast<int>(*arithmetic)] : "default");
}

INSTANTIATE_TEST_SUITE_P(Session, SameBytes,
                         ::testing::Values(std::tuple(Type::f32, std::nullopt),
                                           std::tuple(Type::f16, std::nullopt),
                                           std::tuple(Type::bf16, std::nullopt),
                                           std::tuple(Type::q8_0, std::nullopt),
                                           std::tuple(Type::q8_0, std::optional(Arithmetic::f32)),
                                           std::tuple(Type::f32, std::optional(Arithmetic::bf16))),
                         arithmetic_text);

TEST(Session, TypesThatHoldTheSameNumbersGiveTheSameBytes) {
  test::ScratchFolder folder;
  const std::vector<std::int32_t> ids = some_tokens(20, 2);
  Logits expected;
  for (const Type type : {Type::f32, Type::f16, Type::bf16})
    for (const bool gguf : {true, false}) {
      test::TinyModel tiny;
      tiny.type = type;
      const Path path = folder / (std::string(format(type).name) + (gguf ? ".gguf" : ""));
      if (gguf)
        test::write_tiny_gguf(path, tiny);
      else
        test::write_tiny_folder(path, tiny);
      Session session(std::make_shared<const ModelFile>(path));
      const Logits logits = run(session, 0, ids, ids.size());
      if (expected.empty()) expected = logits;
      EXPECT_TRUE(same_bytes(logits, expected)) << path;
    }
}

TEST(Session, RefusesWhatDoesNotFitBeforeAnythingIsEvaluated) {
  test::ScratchFolder folder;
  test::write_tiny_gguf(folder / "m.gguf");
  SessionOptions options;
  options.context = 8;
  options.slots = 2;
  Session session(std::make_shared<const ModelFile>(folder / "m.gguf"), options);
  struct Case {
    std::vector<Session::Part> parts;
    const char* message;
  };
  const std::vector<std::int32_t> nine(9, 1), unknown = {1, 261}, negative = {-1}, two = {1, 2};
  const std::vector<Case> cases = {
      {{{0, two}, {1, nine}}, "9 tokens long, the context has room for 8"},
      {{{0, unknown}}, "no token 261"},
      {{{0, negative}}, "no token -1"},
      {{{2, two}}, "a slot from 0 to 1 was expected, not 2"},
      {{{0, two}, {0, two}}, "slot 0 stands twice"},
  };
  for (const Case& c : cases) {
    try {
      session.evaluate(c.parts, [](std::size_t, std::size_t, std::span<const float>) { FAIL(); });
      ADD_FAILURE() << c.message;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(c.message), std::string::npos) << error.what();
    }
    EXPECT_TRUE(session.tokens(0).empty());
    EXPECT_TRUE(session.tokens(1).empty());
  }
}

TEST(Session, StopsBetweenChunksWhenAskedTo) {
  test::ScratchFolder folder;
  test::write_tiny_gguf(folder / "m.gguf");
  SessionOptions options;
  options.chunk = 4;
  Session session(std::make_shared<const ModelFile>(folder / "m.gguf"), options);
  const std::vector<std::int32_t> ids = some_tokens(10, 1);
  const Session::Part part{0, ids, Session::Want::last};
  EXPECT_FALSE(session.evaluate(
      {&part, 1}, [](std::size_t, std::size_t, std::span<const float>) { FAIL(); },
      [] { return false; }));
  EXPECT_EQ(session.tokens(0).size(), 4u);
}

}  // namespace
}  // namespace bantam
