// Every family trains through the forward that serves: its gradients are the slopes of its loss,
// and the same bytes when activations are computed again instead of kept.
#include <gtest/gtest.h>

#include <map>

#include "support/tiny_families.h"

namespace bantam::test {
namespace {

// A tiny model whose weights can be moved.
class Trained {
 public:
  explicit Trained(const TinyFamily& family)
      : pool_(2), kernels_(kernels_for(best_isa())), ctx_(pool_, kernels_, arena_) {
    TinyModel tiny;
    tiny.change = family.change;
    const Config config = tiny_config(tiny);
    model_ = family_by_gguf(config.family, "").make(config);
    const WeightRows rows = tiny_rows(tiny);
    for (const Weight& w : model_->weights()) {
      Parameter& p = parameters_[w.own_name()];  // a tied head moves with the embedding
      if (p.uses.empty()) p.value = rows(w);
      p.uses.push_back(w.tensor);
      p.gradients.push_back(Tensor::zeros(w.shape));
      *w.tensor = p.value;
    }
    // Two documents, one longer than any window here.
    const Random random(5, 0);
    for (int document = 0; document < 2; ++document)
      for (int i = 0; i < (document == 0 ? 14 : 5); ++i)
        batch_.add(static_cast<std::int32_t>(random.below(batch_.tokens.size(), 261)), i, document,
                   false);
    for (std::size_t t = 0; t < batch_.tokens.size(); ++t) {
      batch_.targets.push_back(static_cast<std::int32_t>(random.below(100 + t, 261)));
      batch_.weights.push_back(t % 5 == 3 ? 0.25f : 1);
    }
  }

  struct Parameter {
    Tensor value;
    std::vector<Tensor*> uses;
    std::vector<Tensor> gradients;  // one for each use

    double gradient(std::int64_t i) const {
      double sum = 0;
      for (const Tensor& g : gradients) sum += static_cast<double>(g.f32()[i]);
      return sum;
    }
  };
  const Config& config() const { return model_->config(); }
  std::map<std::string, Parameter>& parameters() { return parameters_; }

  double loss() {
    arena_.release({});
    const Tensor losses = model_->forward(ctx_, batch_, nullptr);
    double sum = 0;
    for (std::int64_t t = 0; t < losses.shape().count(); ++t)
      sum += static_cast<double>(losses.f32()[t]);
    return sum;
  }

  void back(bool recompute) {
    Tape tape;
    for (auto& [name, p] : parameters_)
      for (std::size_t i = 0; i < p.uses.size(); ++i) {
        std::fill_n(p.gradients[i].f32(), p.value.shape().count(), 0.0f);
        *p.uses[i] = tape.watch(p.value, p.gradients[i]);
      }
    ctx_.tape = &tape;
    ctx_.recompute = recompute;
    loss();
    tape.backward(ctx_);
    ctx_.tape = nullptr;
    for (auto& [name, p] : parameters_)
      for (Tensor* use : p.uses) *use = p.value;
  }

  // The slope of the loss along a direction: differences whose error is of fourth order.
  double slope(Parameter& p, const std::vector<double>& direction, double step) {
    const std::vector<float> kept(p.value.f32(), p.value.f32() + direction.size());
    const auto at = [&](double move) {
      for (std::size_t i = 0; i < direction.size(); ++i)
        p.value.f32()[i] = static_cast<float>(static_cast<double>(kept[i]) + move * direction[i]);
      return loss();
    };
    const double near = at(step) - at(-step), far = at(2 * step) - at(-2 * step);
    std::copy(kept.begin(), kept.end(), p.value.f32());
    return (8 * near - far) / (12 * step);
  }

 private:
  ThreadPool pool_;
  Kernels kernels_;
  Arena arena_;
  Context ctx_;
  std::unique_ptr<Model> model_;
  std::map<std::string, Parameter> parameters_;
  Batch batch_;
};

class Gradients : public ::testing::TestWithParam<TinyFamily> {};

TEST_P(Gradients, AreTheSlopesOfTheLoss) {
  Trained trained(GetParam());
  trained.back(false);
  for (auto& [name, p] : trained.parameters()) {
    const auto count = static_cast<std::size_t>(p.value.shape().count());
    std::vector<double> steepest(count), some(count);
    const Random random(9, count);
    double square = 0, along = 0, size = 0;
    for (std::size_t i = 0; i < count; ++i) {
      steepest[i] = p.gradient(static_cast<std::int64_t>(i));
      square += steepest[i] * steepest[i];
      some[i] = 2 * random.uniform(i) - 1;
      size += some[i] * some[i];
    }
    const double norm = std::sqrt(square);
    // Where nothing turns, a bias of the keys moves all scores of a row alike.
    if (trained.config().rope_width() == 0 && name.ends_with("attn_qkv.bias:64")) {
      EXPECT_LT(norm, 1e-4) << name;
      continue;
    }
    ASSERT_GT(norm, 1e-5) << name << " has no gradient";
    for (std::size_t i = 0; i < count; ++i) {
      some[i] /= std::sqrt(size);
      along += some[i] * steepest[i];
      steepest[i] /= norm;
    }
    // A step that changes the loss by 0.05, in which its rounding (some 1e-5) drowns.
    const double step = std::min(0.05 / norm, 0.2);
    EXPECT_NEAR(trained.slope(p, steepest, step), norm, 5e-3 * norm + 2e-4) << name;
    EXPECT_NEAR(trained.slope(p, some, step), along, 5e-3 * norm + 2e-4) << name << ", at random";
  }
}

TEST_P(Gradients, AreTheSameBytesWhenActivationsAreComputedAgain) {
  Trained trained(GetParam());
  trained.back(false);
  std::map<std::string, std::vector<std::vector<float>>> kept;
  for (auto& [name, p] : trained.parameters())
    for (const Tensor& g : p.gradients)
      kept[name].emplace_back(g.f32(), g.f32() + g.shape().count());
  trained.back(true);
  for (auto& [name, p] : trained.parameters())
    for (std::size_t use = 0; use < p.gradients.size(); ++use)
      EXPECT_EQ(std::memcmp(p.gradients[use].f32(), kept[name][use].data(),
                            kept[name][use].size() * sizeof(float)),
                0)
          << name;
}

INSTANTIATE_TEST_SUITE_P(Models, Gradients, ::testing::ValuesIn(kTinyFamilies), family_name);

}  // namespace
}  // namespace bantam::test
