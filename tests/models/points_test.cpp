// The points of nn/point.h: each is reached once in a pass, holds what the reference decoder has
// there, and can be replaced and differentiated.
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "reference/decoder.h"
#include "support/tiny_families.h"

namespace bantam::test {
namespace {

using nn::Point;
using Place = std::pair<Point, int>;
constexpr std::int64_t kSequence = 13;  // more than any window of the tiny families

const char* name_of(Point point) {
  constexpr const char* kNames[nn::kPoints] = {"embedding",
                                               "layer_input",
                                               "attention_input",
                                               "query",
                                               "key",
                                               "value",
                                               "attention_weights",
                                               "heads",
                                               "attention_out",
                                               "middle",
                                               "feed_forward_input",
                                               "feed_forward_hidden",
                                               "feed_forward_out",
                                               "residual",
                                               "final_norm",
                                               "logits"};
  return kNames[static_cast<std::size_t>(point)];
}

class Onlooker : public nn::Observer {
 public:
  using See = std::function<Tensor(Context&, Place, const Tensor&)>;
  explicit Onlooker(See see) : see_(std::move(see)) {}
  bool wants_attention_weights(int) override { return true; }
  Tensor see(Context& ctx, Point point, int layer, const Tensor& value) override {
    ++calls[{point, layer}];
    order.push_back(point);
    return see_(ctx, {point, layer}, value);
  }
  std::map<Place, int> calls;
  std::vector<Point> order;

 private:
  See see_;
};

// A tiny model of a file, with and without a tape.
class Observed {
 public:
  Observed(const TinyFamily& family, Type type)
      : kernels_(kernels_for(best_isa())), ctx_(pool_, kernels_, arena_) {
    TinyModel tiny;
    tiny.change = family.change;
    tiny.type = type;
    write_tiny_gguf(folder_ / "m.gguf", tiny);
    file_ = std::make_shared<const ModelFile>(folder_ / "m.gguf");
    model_ = load_model(file_, Arithmetic::f32, ctx_.exec);
    const Random random(5, 0);
    for (std::int32_t i = 0; i < kSequence; ++i)
      batch_.add(static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(i), 261)), i, 0,
                 true);
  }
  const ModelFile& file() const { return *file_; }
  const Config& config() const { return model_->config(); }
  std::span<const std::int32_t> tokens() const { return batch_.tokens; }

  Tensor logits(nn::Observer* observer, Tape* tape = nullptr, bool recompute = false) {
    arena_.reset();
    ctx_.observer = observer;
    ctx_.tape = tape;
    ctx_.recompute = recompute;
    const Tensor made = model_->forward(ctx_, batch_, nullptr);
    ctx_.observer = nullptr;
    return made;
  }
  void back(Tape& tape, const Tensor& from, const Tensor& gradient) {
    const Tape::Seed seed{from, gradient};
    tape.backward(ctx_, {&seed, 1});
    ctx_.tape = nullptr;
  }

 private:
  ScratchFolder folder_;
  ThreadPool pool_{2};
  Kernels kernels_;
  Arena arena_;
  Context ctx_;
  std::shared_ptr<const ModelFile> file_;
  std::unique_ptr<Model> model_;
  Batch batch_;
};

// Numbers for a place, the same for both decoders.
double shift_of(Place place, std::size_t i) {
  const auto stream = static_cast<std::uint64_t>(place.second * nn::kPoints) +
                      static_cast<std::uint64_t>(place.first);
  return 2 * Random(17, stream).uniform(i) - 1;
}

// Where the reference keeps column c of queries or keys: pairs that turn are neighbours in files of
// some families, here they are half a head apart.
std::size_t column_in_reference(const Config& config, Point point, std::int64_t c) {
  const bool interleaved =
      config.family == "llama" || config.family == "smollm3" || config.family == "granite";
  if (!interleaved || (point != Point::query && point != Point::key))
    return static_cast<std::size_t>(c);
  const std::int64_t head = c / config.head_dim, in = c % config.head_dim;
  const std::int64_t half = config.head_dim / 2;
  return static_cast<std::size_t>(head * config.head_dim +
                                  (in < half ? 2 * in : 2 * (in - half) + 1));
}

// value += factor * shift, in the order of the program's columns.
template <class N>
void move(const Config& config, Place place, reference::Matrix<N>& value, const N& factor) {
  for (std::int64_t r = 0; r < value.rows; ++r)
    for (std::int64_t c = 0; c < value.columns; ++c)
      value.row(r)[column_in_reference(config, place.first, c)] +=
          factor * shift_of(place, static_cast<std::size_t>(r * value.columns + c));
}

void expect_near(const Tensor& found, const reference::Matrix<double>& want, const Config& config,
                 Place place, double error) {
  ASSERT_EQ(found.shape(), (Shape{want.rows, want.columns}));
  double largest = 0;
  for (const double w : want.at) largest = std::max(largest, std::fabs(w));
  for (std::int64_t r = 0; r < want.rows; ++r)
    for (std::int64_t c = 0; c < want.columns; ++c)
      ASSERT_NEAR(static_cast<double>(found.f32()[r * want.columns + c]),
                  want.row(r)[column_in_reference(config, place.first, c)], error * (1 + largest))
          << "row " << r << ", column " << c;
}

std::vector<Place> places(const Config& config) {
  std::vector<Place> all{{Point::embedding, 0}, {Point::final_norm, 0}, {Point::logits, 0}};
  for (int l = 0; l < config.layers; ++l)
    for (int p = static_cast<int>(Point::layer_input); p <= static_cast<int>(Point::residual); ++p)
      all.emplace_back(static_cast<Point>(p), l);
  return all;
}

class EveryFamily : public ::testing::TestWithParam<TinyFamily> {};

TEST_P(EveryFamily, EachPointIsReachedOnceAndHoldsWhatTheReferenceHas) {
  Observed observed(GetParam(), Type::f32);
  std::map<Place, reference::Matrix<double>> want;
  reference::Decoder<double>(observed.file())
      .logits(observed.tokens(),
              [&](Point point, int layer, const reference::Matrix<double>& value) {
                want[{point, layer}] = value;
              });
  Onlooker onlooker([&](Context&, Place place, const Tensor& value) {
    SCOPED_TRACE(std::string(name_of(place.first)) + ", layer " + std::to_string(place.second));
    expect_near(value, want.at(place), observed.config(), place, 2e-6);
    return value;
  });
  const Tensor logits = observed.logits(&onlooker);
  EXPECT_EQ(onlooker.calls.size(), want.size());
  EXPECT_EQ(onlooker.calls.size(), places(observed.config()).size());
  for (const auto& [place, calls] : onlooker.calls) EXPECT_EQ(calls, 1) << name_of(place.first);
  EXPECT_TRUE(std::is_sorted(onlooker.order.begin() + 1,
                             onlooker.order.begin() + 1 + static_cast<int>(Point::residual)));
  // Nobody who only looks changes a byte.
  std::vector<float> seen(logits.f32(), logits.f32() + logits.shape().count());
  const Tensor alone = observed.logits(nullptr);
  EXPECT_EQ(std::memcmp(alone.f32(), seen.data(), seen.size() * sizeof(float)), 0);
}

INSTANTIATE_TEST_SUITE_P(Points, EveryFamily, ::testing::ValuesIn(kTinyFamilies), family_name);

struct Subject {
  const char* family;
  Type type;
};

class Points : public ::testing::TestWithParam<Subject> {
 protected:
  Points() : observed_(family(), GetParam().type) {}
  static const TinyFamily& family() {
    for (const TinyFamily& f : kTinyFamilies)
      if (std::string_view(f.name) == GetParam().family) return f;
    throw std::runtime_error("no such family");
  }
  Observed observed_;
};

TEST_P(Points, CanBeReplaced) {
  const reference::Decoder<double> decoder(observed_.file());
  const Config& config = observed_.config();
  for (const Place& place : places(config)) {
    SCOPED_TRACE(std::string(name_of(place.first)) + ", layer " + std::to_string(place.second));
    const double step = 0.05;
    const auto want = decoder.logits(observed_.tokens(),
                                     [&](Point point, int layer, reference::Matrix<double>& value) {
                                       if (Place(point, layer) == place)
                                         move(config, place, value, step);
                                     });
    Onlooker onlooker([&](Context& ctx, Place at, const Tensor& value) {
      if (at != place) return value;
      const Tensor moved = ctx.make(value.shape());
      for (std::int64_t i = 0; i < value.shape().count(); ++i)
        moved.f32()[i] = static_cast<float>(static_cast<double>(value.f32()[i]) +
                                            step * shift_of(place, static_cast<std::size_t>(i)));
      return moved;
    });
    expect_near(observed_.logits(&onlooker), want, config, {Point::logits, 0}, 5e-6);
  }
}

TEST_P(Points, HaveTheGradientOfTheReference) {
  const reference::Decoder<reference::Complex> decoder(observed_.file());
  const Config& config = observed_.config();
  for (const bool recompute : {false, true}) {
    std::map<Place, Tensor> gradients;
    Onlooker onlooker([&](Context& ctx, Place place, const Tensor& value) {
      Tensor kept = value;
      gradients[place] = ctx.tape->keep(kept);
      return kept;
    });
    Tape tape;
    const Tensor logits = observed_.logits(&onlooker, &tape, recompute);
    const Tensor seed = Tensor::zeros(logits.shape());
    for (std::int64_t i = 0; i < seed.shape().count(); ++i)
      seed.f32()[i] =
          static_cast<float>(shift_of({Point::logits, 99}, static_cast<std::size_t>(i)));
    observed_.back(tape, logits, seed);
    for (const auto& [place, calls] : onlooker.calls) EXPECT_EQ(calls, 1) << name_of(place.first);
    ASSERT_EQ(gradients.size(), places(config).size());
    for (const auto& [place, gradient] : gradients) {
      SCOPED_TRACE(std::string(name_of(place.first)) + ", layer " + std::to_string(place.second));
      const auto moved = decoder.logits(
          observed_.tokens(),
          [&, at = place](Point point, int layer, reference::Matrix<reference::Complex>& value) {
            if (Place(point, layer) == at)
              move(config, at, value, reference::Complex(0, reference::kStep));
          });
      double want = 0, found = 0, square = 0;
      for (std::size_t i = 0; i < moved.at.size(); ++i)
        want += static_cast<double>(seed.f32()[i]) * moved.at[i].imag() / reference::kStep;
      for (std::int64_t i = 0; i < gradient.shape().count(); ++i) {
        const auto g = static_cast<double>(gradient.f32()[i]);
        found += g * shift_of(place, static_cast<std::size_t>(i));
        square += g * g;
      }
      EXPECT_GT(square, 1e-6);
      EXPECT_NEAR(found, want, 3e-5 * std::sqrt(square) + 1e-6);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Some, Points,
    ::testing::Values(Subject{"llama", Type::f32}, Subject{"llama", Type::q8_0},
                      Subject{"gemma2", Type::f32}, Subject{"gemma2", Type::q8_0},
                      Subject{"phi2", Type::f32}, Subject{"phi2", Type::q8_0}),
    [](const auto& p) {
      return std::string(p.param.family) + (p.param.type == Type::f32 ? "_f32" : "_q8_0");
    });

}  // namespace
}  // namespace bantam::test
