// Every family trains through the forward that serves: its gradients are the derivatives of the
// reference decoder's loss, and the same bytes when activations are computed again instead of kept.
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <map>
#include <optional>

#include "reference/decoder.h"
#include "support/tiny_families.h"

namespace bantam::test {
namespace {

// Two documents, one longer than any window of the tiny families.
Batch two_documents() {
  Batch batch;
  const Random random(5, 0);
  for (int document = 0; document < 2; ++document)
    for (int i = 0; i < (document == 0 ? 14 : 5); ++i)
      batch.add(static_cast<std::int32_t>(random.below(batch.tokens.size(), 261)), i, document,
                false);
  for (std::size_t t = 0; t < batch.tokens.size(); ++t) {
    batch.targets.push_back(static_cast<std::int32_t>(random.below(100 + t, 261)));
    batch.weights.push_back(t % 5 == 3 ? 0.25f : 1);
  }
  return batch;
}

// A tiny model and the gradient of its loss by every weight.
class Trained {
 public:
  Trained(const TinyFamily& family, Isa isa)
      : batch_(two_documents()),
        pool_(2),
        kernels_(kernels_for(isa)),
        ctx_(pool_, kernels_, arena_) {
    TinyModel tiny;
    tiny.change = family.change;
    const Config config = tiny_config(tiny);
    model_ = family_by_gguf(config.family, "").make(config);
    const WeightRows rows = tiny_rows(tiny);
    for (const WeightSpec& w : model_->weights()) {
      Parameter& p = parameters_[w.own_name()];  // a tied head moves with the embedding
      if (p.uses.empty()) p.value = rows(w);
      p.uses.push_back(w);
      p.gradients.push_back(Tensor::zeros(w.shape));
      w.set(p.value);
    }
  }

  struct Parameter {
    Tensor value;
    std::vector<WeightSpec> uses;
    std::vector<Tensor> gradients;  // one for each use

    std::int64_t count() const { return value.shape().count(); }
    double gradient(std::int64_t i) const {
      double sum = 0;
      for (const Tensor& g : gradients) sum += static_cast<double>(g.f32()[i]);
      return sum;
    }
  };
  const Config& config() const { return model_->config(); }
  const Batch& batch() const { return batch_; }
  std::map<std::string, Parameter>& parameters() { return parameters_; }

  // Returns the loss.
  double back(Arithmetic arithmetic, bool recompute) {
    Tape tape;
    for (auto& [name, p] : parameters_)
      for (std::size_t i = 0; i < p.uses.size(); ++i) {
        std::fill_n(p.gradients[i].f32(), p.count(), 0.0f);
        p.uses[i].set(tape.watch(p.value, p.gradients[i]));
      }
    ctx_.tape = &tape;
    ctx_.recompute = recompute;
    ctx_.arithmetic = arithmetic;
    ctx_.activation = arithmetic == Arithmetic::bf16 ? Type::bf16 : Type::f32;
    arena_.reset();
    const Tensor losses = model_->forward(ctx_, batch_, nullptr);
    double sum = 0;
    for (std::int64_t t = 0; t < losses.shape().count(); ++t)
      sum += static_cast<double>(losses.f32()[t]);
    tape.backward(ctx_);
    ctx_.tape = nullptr;
    for (auto& [name, p] : parameters_)
      for (const WeightSpec& use : p.uses) use.set(p.value);
    return sum;
  }

 private:
  Batch batch_;
  ThreadPool pool_;
  Kernels kernels_;
  Arena arena_;
  Context ctx_;
  std::unique_ptr<Model> model_;
  std::map<std::string, Parameter> parameters_;
};

// The same model in complex numbers.
class Reference {
 public:
  explicit Reference(const TinyFamily& family) {
    TinyModel tiny;
    tiny.change = family.change;
    write_tiny_gguf(folder_ / "m.gguf", tiny);
    decoder_.emplace(ModelFile(folder_ / "m.gguf"));
  }

  reference::Complex loss(const Batch& batch) const {
    reference::Complex sum = 0;
    for (std::size_t first = 0, end; first < batch.tokens.size(); first = end) {
      end = first + 1;
      while (end < batch.tokens.size() && batch.sequences[end] == batch.sequences[first]) ++end;
      const auto logits = decoder_->logits(std::span(batch.tokens).subspan(first, end - first));
      for (std::size_t t = first; t < end; ++t) {
        const reference::Complex* row = logits.row(static_cast<std::int64_t>(t - first));
        sum += static_cast<double>(batch.weights[t]) *
               (reference::log_sum_exp(row, logits.columns) - row[batch.targets[t]]);
      }
    }
    return sum;
  }

  // Element i of a weight of the model, where the file keeps it.
  reference::Complex& element(const WeightSpec& w, std::int64_t i) {
    const std::int64_t columns = w.shape.rank() == 2 ? w.shape[1] : 1;
    std::int64_t row = i / columns;
    if (w.rotary_heads > 0) {  // pairs are neighbours there
      const std::int64_t width = w.shape[0] / w.rotary_heads, half = width / 2;
      const std::int64_t in = row % width;
      row += (in < half ? 2 * in : 2 * (in - half) + 1) - in;
    }
    const std::int64_t first = w.gguf_part.whole.rank() ? w.gguf_part.first : 0;
    // A part of one row of gains counts its rows in whole gains.
    const bool gains = w.gguf_part.whole.rank() == 2 && w.shape.rank() == 1;
    const std::int64_t start = gains ? first * w.shape[0] : first * columns;
    return decoder_->tensor(w.gguf)[static_cast<std::size_t>(start + row * columns + i % columns)];
  }

 private:
  ScratchFolder folder_;
  std::optional<reference::Decoder<reference::Complex>> decoder_;
};

// A direction through all weights at once, in which each contributes as much as the next: random,
// and along its gradient, so that what is wrong anywhere shows.
class Direction {
 public:
  Direction(Trained& trained, Reference& reference,
            const std::function<bool(const std::string&)>& in) {
    std::uint64_t stream = 0;
    for (auto& [name, p] : trained.parameters()) {
      if (!in(name) || moves_nothing(trained.config(), name)) continue;
      const std::vector<double> along = of(p, stream++);
      for (std::int64_t i = 0; i < p.count(); ++i) {
        const double d = along[static_cast<std::size_t>(i)];
        expected_ += d * p.gradient(i);
        reference.element(p.uses.front(), i) += reference::Complex(0, reference::kStep * d);
      }
      moved_.emplace_back(&p, along);
    }
    slope_ = reference.loss(trained.batch()).imag() / reference::kStep;
    for (const auto& [p, along] : moved_)
      for (std::int64_t i = 0; i < p->count(); ++i) {
        reference::Complex& number = reference.element(p->uses.front(), i);
        number = number.real();
      }
  }
  double found() const { return expected_; }  // by backward
  double slope() const { return slope_; }     // of the reference
  std::size_t weights() const { return moved_.size(); }

 private:
  // Where nothing turns, a bias of the keys moves all scores of a row alike: its gradient is zero,
  // and what backward finds is rounding.
  static bool moves_nothing(const Config& config, const std::string& name) {
    return config.rope_width() == 0 && name.ends_with("attn_qkv.bias:64");
  }
  static std::vector<double> of(const Trained::Parameter& p, std::uint64_t stream) {
    std::vector<double> d(static_cast<std::size_t>(p.count()));
    const Random random(9, stream);
    double square = 0;
    for (std::int64_t i = 0; i < p.count(); ++i) square += p.gradient(i) * p.gradient(i);
    const double norm = std::sqrt(square) + 1e-3;
    for (std::size_t i = 0; i < d.size(); ++i)
      d[i] = (p.gradient(static_cast<std::int64_t>(i)) / norm +
              (2 * random.uniform(i) - 1) / std::sqrt(static_cast<double>(d.size()) / 3)) /
             norm;
    return d;
  }

  std::vector<std::pair<const Trained::Parameter*, std::vector<double>>> moved_;
  double expected_ = 0, slope_ = 0;
};

class Gradients : public ::testing::TestWithParam<TinyFamily> {
 protected:
  // `error`: of a gradient to its norm.
  void compare(Isa isa, Arithmetic arithmetic, double loss_error, double error) {
    SCOPED_TRACE(std::string(isa_name(isa)) + ", arithmetic " +
                 std::to_string(static_cast<int>(arithmetic)));
    Trained trained(GetParam(), isa);
    Reference reference(GetParam());
    const double loss = trained.back(arithmetic, false);
    const double want = reference.loss(trained.batch()).real();
    EXPECT_NEAR(loss, want, loss_error * want);
    const Direction all(trained, reference, [](const std::string&) { return true; });
    const auto weights = static_cast<double>(all.weights());
    EXPECT_GT(all.found(), 0.7 * weights);  // about 1 for each
    const double allowed = error * weights / 2;  // errors may lean one way
    EXPECT_NEAR(all.found(), all.slope(), allowed);
    if (std::fabs(all.found() - all.slope()) <= allowed) return;
    for (const auto& [name, p] : trained.parameters()) {
      const Direction one(trained, reference, [&](const std::string& n) { return n == name; });
      EXPECT_NEAR(one.found(), one.slope(), error) << name;
    }
  }
};

TEST_P(Gradients, AreThoseOfTheReference) {
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::amx, Isa::neon})
    if (isa_available(isa)) compare(isa, Arithmetic::f32, 1e-6, 3e-5);
}

// What lies between ops is rounded by 2^-8 at most, some dozen times in a layer: where these do not
// lean one way, and no sum cancels, as much as twelve of them in a row. A gradient that is wrong is
// off by about 1.
TEST_P(Gradients, AreThoseOfTheReferenceInBfloat16) {
  compare(best_isa(), Arithmetic::bf16, 2e-3, 12.0 / 256);
}

TEST_P(Gradients, AreTheSameBytesWhenActivationsAreComputedAgain) {
  Trained trained(GetParam(), best_isa());
  trained.back(Arithmetic::f32, false);
  std::map<std::string, std::vector<std::vector<float>>> kept;
  for (auto& [name, p] : trained.parameters())
    for (const Tensor& g : p.gradients) kept[name].emplace_back(g.f32(), g.f32() + p.count());
  trained.back(Arithmetic::f32, true);
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
