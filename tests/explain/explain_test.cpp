// What is explained of a model is what the reference decoder finds of it.
#include <gtest/gtest.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "explain/report.h"
#include "reference/decoder.h"
#include "support/tiny_families.h"

namespace bantam::test {
namespace {

using explain::Fill;
using nn::Point;

constexpr double kTolerance = 1e-4;

struct Subject {
  const char* family;
  Type type;
  Arithmetic arithmetic;
};

// A tiny model as it is served, a question, and the same in double precision.
class Explained : public ::testing::TestWithParam<Subject> {
 protected:
  Explained() : kernels_(kernels_for(best_isa())), exec_{pool_, kernels_, scratch_} {
    TinyModel tiny;
    tiny.type = GetParam().type;
    for (const TinyFamily& f : kTinyFamilies)
      if (std::string_view(f.name) == GetParam().family) tiny.change = f.change;
    write_tiny_gguf(folder_ / "m.gguf", tiny);
    file_ = std::make_shared<const ModelFile>(folder_ / "m.gguf");
    model_ = load_model(file_, GetParam().arithmetic, exec_);
    probe_.emplace(*model_, Runtime{pool_, kernels_}, GetParam().arithmetic);
    question_ = {{259, 84, 104, 257, 32, 99, 97, 116, 115}, {32, 115}};
    decoder_.emplace(*file_);
  }

  using Matrix = reference::Matrix<double>;
  // ln p(answer) after a prompt.
  template <class N>
  N answer(const reference::Decoder<N>& decoder, std::vector<std::int32_t> tokens,
           const typename reference::Decoder<N>::See& see = {}) const {
    const auto first = static_cast<std::int64_t>(tokens.size()) - 1;
    tokens.insert(tokens.end(), question_.answer.begin(), question_.answer.end() - 1);
    const auto logits = decoder.logits(tokens, see);
    N sum = 0;
    for (std::size_t i = 0; i < question_.answer.size(); ++i) {
      const N* row = logits.row(first + static_cast<std::int64_t>(i));
      sum += row[question_.answer[i]] - reference::log_sum_exp(row, logits.columns);
    }
    return sum;
  }
  double answer(const reference::Decoder<double>::See& see = {}) const {
    return answer(*decoder_, question_.prompt, see);
  }

  // For each token of the prompt: of ln p(answer) along its embedding.
  std::vector<double> slopes_of_reference() const {
    const reference::Decoder<reference::Complex> decoder(*file_);
    std::vector<double> slopes;
    for (std::size_t t = 0; t < question_.prompt.size(); ++t) {
      const auto moved = answer<reference::Complex>(
          decoder, question_.prompt,
          [&](Point point, int, reference::Matrix<reference::Complex>& value) {
            if (point != Point::embedding) return;
            for (std::int64_t d = 0; d < value.columns; ++d)
              value.row(static_cast<std::int64_t>(t))[d] *= reference::Complex(1, reference::kStep);
          });
      slopes.push_back(moved.imag() / reference::kStep);
    }
    return slopes;
  }

  ScratchFolder folder_;
  ThreadPool pool_{2};
  Kernels kernels_;
  std::vector<Scratch> scratch_ = std::vector<Scratch>(3);
  Exec exec_;
  std::shared_ptr<const ModelFile> file_;
  std::unique_ptr<Model> model_;
  std::optional<explain::Probe> probe_;
  explain::Question question_;
  std::optional<reference::Decoder<double>> decoder_;
};

// What holds in every arithmetic that a model is served in.
class AsServed : public Explained {};

TEST_P(AsServed, TheLastRowOfTheLensIsTheModelsAnswer) {
  const auto lens = explain::logit_lens(*probe_, question_, 5);
  ASSERT_EQ(static_cast<std::int64_t>(lens.size()), probe_->config().layers + 1);
  const Tensor logits = probe_->forward(probe_->batch(question_), nullptr);
  const TokenProbabilities model = log_probabilities(
      {logits.f32(), static_cast<std::size_t>(logits.columns())}, question_.answer.front(), 5);
  EXPECT_EQ(lens.back().answer, model.chosen.log_probability);
  ASSERT_EQ(lens.back().top.size(), 5u);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(lens.back().top[i].id, model.top[i].id);
    EXPECT_EQ(lens.back().top[i].log_probability, model.top[i].log_probability);
  }
}

TEST_P(Explained, EveryRowOfTheLensIsTheReferences) {
  const auto lens = explain::logit_lens(*probe_, question_, 3);
  std::vector<Matrix> residuals;
  answer([&](Point point, int layer, const Matrix& value) {
    if (point == Point::layer_input ||
        (point == Point::residual && layer + 1 == probe_->config().layers))
      residuals.push_back(value);
  });
  ASSERT_EQ(residuals.size(), lens.size());
  const auto last = static_cast<std::int64_t>(question_.prompt.size()) - 1;
  for (std::size_t l = 0; l < lens.size(); ++l) {
    const Matrix logits = decoder_->read_out(residuals[l]);
    const double* row = logits.row(last);
    const double shift = reference::log_sum_exp(row, logits.columns);
    EXPECT_NEAR(lens[l].answer, row[question_.answer.front()] - shift, kTolerance);
    for (const TokenProbability& p : lens[l].top)
      EXPECT_NEAR(p.log_probability, row[p.id] - shift, kTolerance);
    const auto best = std::max_element(row, row + logits.columns);
    EXPECT_NEAR(lens[l].top.front().log_probability, *best - shift, kTolerance);
    EXPECT_GE(lens[l].rank, 1);
  }
}

TEST_P(Explained, GradientTimesInputIsTheReferences) {
  const std::vector<double> found = explain::gradient_times_input(*probe_, question_);
  const std::vector<double> want = slopes_of_reference();
  ASSERT_EQ(found.size(), want.size());
  for (std::size_t t = 0; t < found.size(); ++t) EXPECT_NEAR(found[t], want[t], kTolerance) << t;
}

TEST_P(Explained, LeavingATokenOutIsTheReferences) {
  const std::vector<double> found = explain::leave_one_out(*probe_, question_);
  ASSERT_EQ(found.size(), question_.prompt.size());
  const double whole = answer();
  EXPECT_NEAR(probe_->answer(question_), whole, kTolerance);
  for (std::size_t t = 0; t < found.size(); ++t) {
    std::vector<std::int32_t> less = question_.prompt;
    less.erase(less.begin() + static_cast<std::ptrdiff_t>(t));
    EXPECT_NEAR(found[t], answer(*decoder_, less) - whole, kTolerance) << t;
  }
}

TEST_P(Explained, TakingAPartAwayIsTheReferences) {
  const Config& config = probe_->config();
  const double whole = answer();
  for (const Fill fill : {Fill::zero, Fill::mean}) {
    const explain::Ablation found = explain::ablate(*probe_, question_, fill);
    const auto clear = [fill](Matrix& value, std::int64_t first, std::int64_t count) {
      for (std::int64_t c = first; c < first + count; ++c) {
        double sum = 0;
        for (std::int64_t r = 0; r < value.rows; ++r) sum += value.row(r)[c];
        for (std::int64_t r = 0; r < value.rows; ++r)
          value.row(r)[c] = fill == Fill::mean ? sum / static_cast<double>(value.rows) : 0;
      }
    };
    for (int l = 0; l < config.layers; ++l) {
      const auto at = static_cast<std::size_t>(l);
      const auto without = [&](bool attention, bool feed_forward) {
        return answer([&](Point point, int layer, Matrix& value) {
                 if (layer != l) return;
                 if ((attention && point == Point::attention_out) ||
                     (feed_forward && point == Point::feed_forward_out))
                   clear(value, 0, value.columns);
               }) -
               whole;
      };
      EXPECT_NEAR(found.layers[at], without(true, true), kTolerance);
      EXPECT_NEAR(found.attention[at], without(true, false), kTolerance);
      EXPECT_NEAR(found.feed_forward[at], without(false, true), kTolerance);
      ASSERT_EQ(static_cast<std::int64_t>(found.heads[at].size()), config.layer(l).heads);
      for (std::int64_t h = 0; h < config.layer(l).heads; ++h) {
        const double want = answer([&](Point point, int layer, Matrix& value) {
          if (layer == l && point == Point::heads)
            clear(value, h * config.head_dim, config.head_dim);
        });
        EXPECT_NEAR(found.heads[at][static_cast<std::size_t>(h)], want - whole, kTolerance);
      }
    }
  }
}

TEST_P(AsServed, TakingNothingAwayChangesNoByte) {
  const Batch batch = probe_->batch(question_);
  const Tensor plain = probe_->forward(batch, nullptr);
  const std::vector<float> want(plain.f32(), plain.f32() + plain.shape().count());
  EXPECT_EQ(probe_->answer(question_), explain::log_probability(plain, 0, question_.answer));
  // Three times beside variants of which something is taken.
  const explain::Removal removal{Point::heads, 1, 0, 8};
  const std::vector<explain::Variant> variants{
      {question_.prompt}, {question_.prompt, {removal}}, {question_.prompt}};
  const std::vector<double> found = probe_->answers(variants, question_.answer);
  EXPECT_EQ(found[0], probe_->answer(question_));
  EXPECT_EQ(found[2], found[0]);
  EXPECT_NE(found[1], found[0]);
  class Onlooker : public nn::Observer {
    Tensor see(Context&, Point, int, const Tensor& value) override { return value; }
  } onlooker;
  const Tensor seen = probe_->forward(batch, &onlooker);
  EXPECT_EQ(std::memcmp(seen.f32(), want.data(), want.size() * sizeof(float)), 0);
}

// int8 rounds the activations: slopes are those of the numbers that the weights decode to, and
// point where the reference's do.
TEST_P(AsServed, GradientTimesInputPointsWhereTheReferencesDoes) {
  const std::vector<double> found = explain::gradient_times_input(*probe_, question_);
  const std::vector<double> want = slopes_of_reference();
  double product = 0, square_found = 0, square_want = 0;
  for (std::size_t t = 0; t < found.size(); ++t) {
    product += found[t] * want[t];
    square_found += found[t] * found[t];
    square_want += want[t] * want[t];
  }
  EXPECT_GT(product / std::sqrt(square_found * square_want), 0.9);
}

std::string name_of(const ::testing::TestParamInfo<Subject>& p) {
  constexpr const char* kArithmetics[] = {"", "_int8", "_bf16", "_faithful"};
  return std::string(p.param.family) + "_" + std::string(format(p.param.type).name) +
         kArithmetics[static_cast<std::size_t>(p.param.arithmetic)];
}

constexpr Subject kInFloat[] = {
    {"llama", Type::f32, Arithmetic::f32},   {"gemma3", Type::f32, Arithmetic::f32},
    {"gpt2", Type::f32, Arithmetic::f32},    {"stablelm_parallel", Type::f32, Arithmetic::f32},
    {"openelm", Type::f32, Arithmetic::f32}, {"qwen3", Type::f16, Arithmetic::f32},
    {"llama", Type::q8_0, Arithmetic::f32},  {"qwen2", Type::q4_1, Arithmetic::f32}};
constexpr Subject kServed[] = {
    {"llama", Type::f32, Arithmetic::f32},       {"phi2", Type::f16, Arithmetic::f32},
    {"llama", Type::q8_0, Arithmetic::int8},     {"gemma2", Type::q8_0, Arithmetic::int8},
    {"llama", Type::q8_0, Arithmetic::faithful}, {"llama", Type::bf16, Arithmetic::bf16}};
INSTANTIATE_TEST_SUITE_P(Models, Explained, ::testing::ValuesIn(kInFloat), name_of);
INSTANTIATE_TEST_SUITE_P(Models, AsServed, ::testing::ValuesIn(kServed), name_of);

// A model whose heads are as wide as a block, and a question.
struct Cached {
  Cached() {
    TinyModel tiny;
    tiny.heads = 2;
    tiny.kv_heads = 1;
    write_tiny_gguf(folder / "m.gguf", tiny);
    file = std::make_shared<const ModelFile>(folder / "m.gguf");
    model = load_model(file, Arithmetic::f32, Exec{pool, kernels, scratch});
  }
  explain::Probe probe(Type cache) { return {*model, {pool, kernels}, Arithmetic::f32, {}, cache}; }

  ScratchFolder folder;
  ThreadPool pool{2};
  Kernels kernels = kernels_for(best_isa());
  std::vector<Scratch> scratch = std::vector<Scratch>(3);
  std::shared_ptr<const ModelFile> file;
  std::unique_ptr<Model> model;
  const explain::Question question{{259, 84, 104, 257, 32, 99, 97, 116, 115}, {32, 115}};
};

TEST(CacheType, IsAnsweredWithAsTheCacheItself) {
  Cached c;
  std::vector<double> seen;
  for (const Type type : {Type::f32, Type::f16, Type::bf16, Type::q8_0, Type::q4_0}) {
    explain::Probe probe = c.probe(type);
    const Batch batch = probe.batch(c.question);
    Cache cache(c.model->cache_shape(1, batch.rows(), type));
    Arena arena;
    Context ctx(c.pool, c.kernels, arena);
    const double want = explain::log_probability(c.model->forward(ctx, batch, &cache), 0, c.question.answer);
    EXPECT_EQ(probe.answer(c.question), want) << format(type).name;
    EXPECT_EQ(std::ranges::count(seen, want), 0) << format(type).name << " rounds nothing of its own";
    seen.push_back(want);
    EXPECT_EQ(explain::logit_lens(probe, c.question, 1).back().answer,
              explain::log_probability(probe.forward(batch, nullptr), 0, {c.question.answer.data(), 1}));
  }
}

// The reference rounds the real parts and leaves the slopes as they are.
TEST(CacheType, LetsSlopesThrough) {
  Cached c;
  const reference::Decoder<reference::Complex> decoder(*c.file);
  const Format& f = format(Type::bf16);
  const auto slope = [&](std::size_t token, bool round) {
    std::vector<std::int32_t> tokens = c.question.prompt;
    tokens.push_back(c.question.answer.front());
    const auto logits = decoder.logits(tokens, [&](Point point, int, reference::Matrix<reference::Complex>& value) {
      if (point == Point::embedding)
        for (std::int64_t d = 0; d < value.columns; ++d)
          value.row(static_cast<std::int64_t>(token))[d] *= reference::Complex(1, reference::kStep);
      if (!round || (point != Point::key && point != Point::value)) return;
      for (reference::Complex& number : value.at) {
        float real = static_cast<float>(number.real());
        std::byte stored[2];
        f.encode(&real, stored, 1);
        f.decode(stored, &real, 1);
        number = {static_cast<double>(real), number.imag()};
      }
    });
    reference::Complex sum = 0;
    for (std::size_t i = 0; i < c.question.answer.size(); ++i) {
      const auto* row = logits.row(static_cast<std::int64_t>(c.question.prompt.size() + i) - 1);
      sum += row[c.question.answer[i]] - reference::log_sum_exp(row, logits.columns);
    }
    return sum.imag() / reference::kStep;
  };
  explain::Probe probe = c.probe(Type::bf16);
  const std::vector<double> found = explain::gradient_times_input(probe, c.question);
  double moved = 0;
  for (std::size_t t = 0; t < found.size(); ++t) {
    const double want = slope(t, true);
    EXPECT_NEAR(found[t], want, kTolerance) << t;
    moved = std::max(moved, std::abs(want - slope(t, false)));
  }
  EXPECT_GT(moved, 2 * kTolerance);  // else nothing was shown
}

TEST(CacheType, ThatTheModelCannotHaveIsRefused) {
  ScratchFolder folder;
  write_tiny_gguf(folder / "m.gguf");  // heads of 16
  const auto file = std::make_shared<const ModelFile>(folder / "m.gguf");
  ThreadPool pool(1);
  const Kernels kernels = kernels_for(best_isa());
  std::vector<Scratch> scratch(2);
  const auto model = load_model(file, Arithmetic::f32, Exec{pool, kernels, scratch});
  EXPECT_THROW(explain::Probe(*model, {pool, kernels}, Arithmetic::f32, {}, Type::q8_0), Error);
  EXPECT_NO_THROW(explain::Probe(*model, {pool, kernels}, Arithmetic::f32, {}, Type::f16));
}

TEST(Report, SaysWhichTokenOfTheAnswerTheLensIsOf) {
  explain::Report report;
  report.question = {{1, 2}, {3, 4}};
  report.lens = {{0, {{2, -1.0}}, -2.0, 4}};
  const auto word = [](std::int32_t id) { return "w" + std::to_string(id); };
  EXPECT_NE(explain::to_table(report, word, false).find("where \"w3\", the answer's first token, stands"),
            std::string::npos);
  EXPECT_EQ(explain::to_json(report, word)["lens_of"], (Json{{"id", 3}, {"text", "w3"}}));
  report.question.answer = {3};
  EXPECT_NE(explain::to_table(report, word, false).find("where \"w3\" stands"), std::string::npos);
}

TEST(Report, SaysWhatWasFoundWithAndWithoutColour) {
  explain::Report report;
  report.question = {{1, 2}, {3}};
  report.answer = -0.5;
  report.lens = {{0, {{2, -1.0}}, -2.0, 4}, {1, {{3, -0.5}}, -0.5, 1}};
  report.attribution = explain::Attribution{{0.25, -0.5}, {0, -1.5}};
  report.ablation = explain::Ablation{{-1}, {-0.5}, {-0.25}, {{0.125, -0.5}}};
  const auto word = [](std::int32_t id) {
    return id == 2 ? std::string("\x1b[31m\n") : "w" + std::to_string(id);
  };
  const std::string plain = explain::to_table(report, word, false);
  EXPECT_EQ(plain.find('\x1b'), std::string::npos) << "a token may not colour the terminal";
  for (const char* part : {"\"w3\": probability 0.6065", "\\x1b[31m\\n", "embedding", "layer   1",
                           "rank 4", "+0.250", "-1.500", "[.@] 2 -0.500"})
    EXPECT_NE(plain.find(part), std::string::npos) << part << " in\n" << plain;
  // Without its escape sequences the coloured table says the same, but for the map of the heads.
  const std::string coloured = explain::to_table(report, word, true);
  EXPECT_NE(coloured.find("\x1b[48;5;"), std::string::npos);
  const Json json = explain::to_json(report, word);
  EXPECT_EQ(json["answer_logprob"], -0.5);
  EXPECT_EQ(json["lens"][0]["rank"], 4);
  EXPECT_EQ(json["attribution"]["left_out"][1], -1.5);
  EXPECT_EQ(json["ablation"]["heads"][0][1], -0.5);
}

TEST(Probe, RefusesWhatIsNoQuestion) {
  ScratchFolder folder;
  write_tiny_gguf(folder / "m.gguf");
  const auto file = std::make_shared<const ModelFile>(folder / "m.gguf");
  ThreadPool pool(1);
  const Kernels kernels = kernels_for(best_isa());
  std::vector<Scratch> scratch(2);
  const auto model = load_model(file, Arithmetic::f32, Exec{pool, kernels, scratch});
  explain::Probe probe(*model, {pool, kernels}, Arithmetic::f32);
  EXPECT_THROW(probe.check({{}, {1}}), Error);
  EXPECT_THROW(probe.check({{1}, {}}), Error);
  EXPECT_THROW(probe.check({{1}, {261}}), Error);
  EXPECT_THROW(probe.check({{-1}, {1}}), Error);
  EXPECT_THROW(probe.check({std::vector<std::int32_t>(128, 1), {1}}), Error);
  EXPECT_NO_THROW(probe.check({std::vector<std::int32_t>(127, 1), {1}}));
}

}  // namespace
}  // namespace bantam::test
