// Importance, fidelity and targets on a tiny model.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "blocks/format.h"
#include "infer/divergence.h"
#include "shrink/convert.h"
#include "shrink/target.h"
#include "support/tiny_families.h"

namespace bantam::test {
namespace {

SessionOptions exact(unsigned threads) {
  SessionOptions options;
  options.threads = threads;
  options.arithmetic = Arithmetic::f32;
  options.cache = Type::f32;
  return options;
}

std::vector<std::int32_t> letters(std::int64_t count) {
  std::vector<std::int32_t> ids;
  for (std::int64_t i = 0; i < count; ++i)
    ids.push_back(static_cast<std::int32_t>('a' + (i * i + 3 * i) % 26));
  return ids;
}

class ShrinkTest : public ::testing::Test {
 protected:
  ShrinkTest() {
    TinyModel tiny;
    tiny.layers = 3;
    tiny.width = 256;
    tiny.feed_forward = 512;
    write_tiny_gguf(path(), tiny);
    file_ = std::make_shared<const ModelFile>(path());
  }
  Path path() { return folder_ / "m.gguf"; }
  Importance importance(unsigned threads, const std::shared_ptr<const ModelFile>& file) {
    Session model(file, exact(threads));
    return measure_importance(model, letters(150), 64, 259, {});
  }
  // The file that is written with `threads` threads.
  std::string quantised(TypePlan plan, unsigned threads, const Importance* importance,
                        const char* name = "q.gguf") {
    ThreadPool pool(threads);
    Conversion conversion(file_, std::move(plan), {{}, &pool, importance});
    {
      GgufWriter writer(folder_ / name);
      for (const Metadata::Entry& e : file_->gguf()->metadata().entries()) writer.copy(e);
      conversion.write_gguf(writer);
    }
    return read_file(folder_ / name);
  }
  ScratchFolder folder_;
  std::shared_ptr<const ModelFile> file_;
};

TEST_F(ShrinkTest, ImportanceIsTheMeanSquareOfTheInputs) {
  const Importance one = importance(1, file_);
  EXPECT_EQ(one.chunks, 3);
  ASSERT_EQ(one.of.size(), 3u * 7 + 1);
  // What q, k and v see is the same; gate and up too.
  for (const char* same : {"attn_k", "attn_v"})
    EXPECT_EQ(one.of.at("blk.1." + std::string(same) + ".weight").squares,
              one.of.at("blk.1.attn_q.weight").squares);
  EXPECT_EQ(one.of.at("blk.2.ffn_up.weight").squares, one.of.at("blk.2.ffn_gate.weight").squares);
  EXPECT_EQ(one.of.at("blk.0.ffn_down.weight").squares.size(), 512u);
  EXPECT_EQ(one.of.at("output.weight").rows, 153);
  // A normalised row has a mean square of 1, times the gains squared: around 1.
  const std::vector<float> weights = one.weights("blk.0.attn_q.weight", 256);
  double mean = 0;
  for (const float w : weights) mean += static_cast<double>(w) / 256;
  EXPECT_NEAR(mean, 1.2, 0.3);
  EXPECT_TRUE(one.weights("blk.0.attn_q.weight", 255).empty());
  EXPECT_TRUE(one.weights("none", 256).empty());
  const Importance three = importance(3, file_);
  for (const auto& [name, inputs] : one.of) EXPECT_EQ(three.of.at(name).squares, inputs.squares);
}

TEST_F(ShrinkTest, ImportanceIsReadBack) {
  const Importance one = importance(2, file_);
  write_importance(one, folder_ / "i.gguf", "a text");
  const Importance back = read_importance(folder_ / "i.gguf");
  EXPECT_EQ(back.chunks, one.chunks);
  EXPECT_EQ(back.chunk_size, 64);
  ASSERT_EQ(back.of.size(), one.of.size());
  for (const auto& [name, inputs] : one.of) {
    EXPECT_EQ(back.of.at(name).rows, inputs.rows);
    for (std::size_t i = 0; i < inputs.squares.size(); ++i)
      EXPECT_EQ(back.of.at(name).squares[i],
                static_cast<double>(static_cast<float>(inputs.squares[i])));
  }
}

void put(std::string& to, std::int32_t value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof value);
}

TEST_F(ShrinkTest, TheOlderFormIsReadToo) {
  std::string bytes;
  put(bytes, 1);
  put(bytes, 3);
  bytes += "abc";
  put(bytes, 4);  // calls
  put(bytes, 2);  // values
  for (const float value : {8.0f, 2.0f}) bytes.append(reinterpret_cast<const char*>(&value), 4);
  write_file(folder_ / "i.dat", bytes);
  EXPECT_EQ(read_importance(folder_ / "i.dat").weights("abc", 2), (std::vector<float>{2.0f, 0.5f}));
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    write_file(folder_ / "cut.dat", bytes.substr(0, cut));
    EXPECT_THROW(read_importance(folder_ / "cut.dat"), Error) << cut;
  }
  for (const std::size_t at : {std::size_t{0}, std::size_t{4}, std::size_t{15}}) {
    std::string wrong = bytes;
    wrong[at + 3] = '\x7f';  // a count of 2 billion
    write_file(folder_ / "wrong.dat", wrong);
    EXPECT_THROW(read_importance(folder_ / "wrong.dat"), Error) << at;
  }
  EXPECT_THROW(read_importance(path()), Error) << "a model is no importance matrix";
}

TEST_F(ShrinkTest, TheFileDoesNotDependOnTheThreads) {
  const Importance matters = importance(2, file_);
  for (const Importance* importance : {static_cast<const Importance*>(nullptr), &matters}) {
    const TypePlan plan = TypePlan::mixed(*find_mix("q4_k_m"), importance != nullptr);
    const std::string one = quantised(plan, 1, importance);
    EXPECT_EQ(quantised(plan, 2, importance), one);
    EXPECT_EQ(quantised(plan, 5, importance), one);
  }
}

double distance(const std::shared_ptr<const ModelFile>& a, const Path& b) {
  Session before(a, exact(2));
  Session after(std::make_shared<const ModelFile>(b), exact(2));
  ThreadPool pool(2);
  return compare_models(before, after, {letters(100), 50, 259}, pool, {}).kl_mean;
}

// The two layouts of ternary blocks: nothing is lost from one to the other, and what only one can say is refused.
TEST_F(ShrinkTest, TernaryBlocksOfBothLayoutsAreTheSameNumbers) {
  EXPECT_TRUE(same_numbers(Type::tq1_0, Type::tq2_0) && same_numbers(Type::tq2_0, Type::tq1_0) && same_numbers(Type::q8_0, Type::q8_0));
  EXPECT_FALSE(same_numbers(Type::tq1_0, Type::q4_0) || same_numbers(Type::q4_0, Type::q4_1));
  const std::string one = quantised(TypePlan::uniform(Type::tq1_0), 2, nullptr, "one.gguf");
  file_ = std::make_shared<const ModelFile>(folder_ / "one.gguf");
  std::string two = quantised(TypePlan::uniform(Type::tq2_0), 2, nullptr, "two.gguf");
  EXPECT_EQ(distance(file_, folder_ / "two.gguf"), 0);
  file_ = std::make_shared<const ModelFile>(folder_ / "two.gguf");
  EXPECT_EQ(quantised(TypePlan::uniform(Type::tq1_0), 2, nullptr, "back.gguf"), one);
  const TensorInfo& gate = file_->tensors().need("blk.0.ffn_gate.weight");
  two[static_cast<std::size_t>(gate.offset)] = '\xff';  // four times the code that stands for 2
  write_file(folder_ / "fourth.gguf", two);
  file_ = std::make_shared<const ModelFile>(folder_ / "fourth.gguf");
  try {
    quantised(TypePlan::uniform(Type::tq1_0), 2, nullptr, "no.gguf");
    ADD_FAILURE() << "not refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.field(), "blk.0.ffn_gate.weight") << error.what();
    EXPECT_NE(error.message().find("none of -1, 0 and 1"), std::string::npos) << error.what();
  }
}

TEST_F(ShrinkTest, FidelityOfAFileToItselfIsWhole) {
  Session before(file_, exact(1)), after(file_, exact(2));
  ThreadPool pool(2);
  const Fidelity f = compare_models(before, after, {letters(100), 40, 259}, pool, {});
  EXPECT_EQ(f.positions, 103);
  EXPECT_EQ(f.kl_mean, 0);
  EXPECT_EQ(f.kl_99, 0);
  EXPECT_EQ(f.same_top, 1);
  EXPECT_EQ(f.perplexity, f.parent_perplexity);
  EXPECT_GT(f.perplexity, 1);
}

TEST_F(ShrinkTest, MoreBitsAreNearer) {
  double last = INFINITY;
  for (const Type type : {Type::q2_k, Type::q3_k, Type::q4_k, Type::q5_k, Type::q6_k, Type::q8_0}) {
    quantised(TypePlan::uniform(type), 2, nullptr);
    const double now = distance(file_, folder_ / "q.gguf");
    EXPECT_LT(now, last) << format(type).name;
    last = now;
  }
  EXPECT_GT(last, 0);
}

TEST(DivergenceTest, ByHand) {
  const std::vector<float> p{0, 0}, q{std::log(3.0f), 0};
  const Divergence d = divergence(p, q, 1);
  EXPECT_NEAR(d.kl, 0.5 * std::log(0.5 / 0.75) + 0.5 * std::log(0.5 / 0.25), 1e-7);
  EXPECT_NEAR(d.loss_p, std::log(2), 1e-12);
  EXPECT_NEAR(d.loss_q, std::log(4), 1e-7);
  EXPECT_EQ(d.top_q, 0);
}

// Tensors of three types each; by hand.
std::vector<TensorOptions> two_tensors() {
  return {{"a", {{Type::q2_k, 10, 8}, {Type::q4_k, 20, 3}, {Type::q8_0, 40, 1}}},
          {"b", {{Type::q2_k, 10, 2}, {Type::q4_k, 20, 1.5}, {Type::q8_0, 40, 0.1}}}};
}

TEST(ChooseTest, TakesWhatSavesMostAByteFirst) {
  const auto types = [](const TypeChoice& c) {
    return std::pair(c.types.at("a"), c.types.at("b"));
  };
  EXPECT_EQ(choose_for_bytes(two_tensors(), 19), std::nullopt);
  EXPECT_EQ(types(*choose_for_bytes(two_tensors(), 20)), std::pair(Type::q2_k, Type::q2_k));
  EXPECT_EQ(types(*choose_for_bytes(two_tensors(), 31)), std::pair(Type::q4_k, Type::q2_k));
  // a to q8_0 saves 0.1 a byte; b to q8_0 saves 0.063: its q4_k lies above the hull.
  EXPECT_EQ(types(*choose_for_bytes(two_tensors(), 50)), std::pair(Type::q8_0, Type::q2_k));
  const auto all = choose_for_bytes(two_tensors(), 1000);
  EXPECT_EQ(types(*all), std::pair(Type::q8_0, Type::q8_0));
  EXPECT_EQ(all->bytes, 80);
  EXPECT_NEAR(all->cost, 1.1, 1e-12);
  EXPECT_EQ(types(choose_for_cost(two_tensors(), 5.0)), std::pair(Type::q4_k, Type::q2_k));
  EXPECT_EQ(types(choose_for_cost(two_tensors(), 0)), std::pair(Type::q8_0, Type::q8_0));
  EXPECT_EQ(types(choose_for_cost(two_tensors(), 100)), std::pair(Type::q2_k, Type::q2_k));
}

TEST_F(ShrinkTest, ATargetIsMetAndBetterThanOneType) {
  const Importance matters = importance(2, file_);
  ThreadPool pool(2);
  Session model(file_, exact(2));
  const Passages passages{letters(128), 64, 259};
  const std::vector<TensorOptions> options =
      measure_options(model, file_, passages, matters, pool, {});
  ASSERT_EQ(options.size(), 3u * 7 + 2);
  std::int64_t uniform = 0;
  for (const TensorOptions& t : options) {
    EXPECT_GT(t.options.size(), 3u) << t.name;
    for (std::size_t i = 1; i < t.options.size(); ++i) {
      EXPECT_GT(t.options[i].bytes, t.options[i - 1].bytes);
      EXPECT_LT(t.options[i].cost, t.options[i - 1].cost);
    }
  }
  for (const TensorInfo& t : file_->tensors().tensors())
    if (t.shape.rank() == 2) uniform += byte_size(Type::q4_k, t.shape);
  const auto choice = choose_for_bytes(options, uniform);
  ASSERT_TRUE(choice.has_value());
  EXPECT_LE(choice->bytes, uniform);
  const double measured = measure_choice(model, file_, *choice, passages, matters, pool);
  // The model is as it was.
  EXPECT_EQ(measure_choice(model, file_, *choice, passages, matters, pool), measured);
  quantised(TypePlan::chosen(choice->types, 15), 2, &matters, "t.gguf");
  quantised(TypePlan::uniform(Type::q4_k), 2, &matters, "u.gguf");
  const double ours = distance(file_, folder_ / "t.gguf");
  EXPECT_LT(ours, distance(file_, folder_ / "u.gguf"));
}

TEST_F(ShrinkTest, KnowsWhatIsQuantisedAlready) {
  EXPECT_TRUE(quantised_types(*file_).empty());
  quantised(TypePlan::mixed(*find_mix("q4_k_m"), false), 2, nullptr);
  const ModelFile made(folder_ / "q.gguf");
  EXPECT_EQ(quantised_types(made).size(), 2u);
  EXPECT_EQ(made.gguf()->metadata().find_uint("general.file_type"), 15u);
}

}  // namespace
}  // namespace bantam::test
