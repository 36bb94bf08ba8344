// With all weights but one frozen, backward computes and allocates what that one needs: counted in
// multiply-adds of the products, in calls of the other kernels, and in bytes.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "support/tiny_families.h"

namespace bantam::test {
namespace {

constexpr std::int64_t kLayers = 3, kTokens = 11;

// What ran between two looks at it, on the one thread of these tests.
struct Counts {
  std::int64_t multiply_adds = 0;  // of gemm_chain's: products of backward alone
  int norm_gains = 0, attention_tasks = 0, glu = 0, embeddings = 0;
};
Counts counts;
Kernels real;

Kernels counting() {
  real = kernels_for(best_isa());
  Kernels k = real;
  k.chain = [](const ChainBlock& a) noexcept {
    counts.multiply_adds += a.rows * a.columns * a.k;
    real.chain(a);
  };
  k.rms_norm_gain_back = [](const RmsNormGainBackArgs& a, std::int64_t b, std::int64_t e) noexcept {
    ++counts.norm_gains;
    real.rms_norm_gain_back(a, b, e);
  };
  k.attention_back = [](const AttentionBackArgs& a, std::int64_t task, float* scratch) noexcept {
    ++counts.attention_tasks;
    real.attention_back(a, task, scratch);
  };
  k.glu_back = [](const GluBackArgs& a, std::int64_t b, std::int64_t e) noexcept {
    ++counts.glu;
    real.glu_back(a, b, e);
  };
  k.scatter_add = [](const ScatterAddArgs& a, std::int64_t b, std::int64_t e) noexcept {
    ++counts.embeddings;
    real.scatter_add(a, b, e);
  };
  return k;
}

class Frozen : public ::testing::Test {
 protected:
  Frozen() : kernels_(counting()), ctx_(pool_, kernels_, arena_) {
    TinyModel tiny;
    tiny.layers = kLayers;
    config_ = tiny_config(tiny);
    model_ = family_by_gguf(config_.family, "").make(config_);
    const WeightRows rows = tiny_rows(tiny);
    for (const WeightSpec& w : model_->weights()) w.set(rows(w));
    for (std::int32_t t = 0; t < kTokens; ++t) {
      batch_.add(t * 7 % 261, t, 0, false);
      batch_.targets.push_back(t * 13 % 261);
      batch_.weights.push_back(1);
    }
  }

  struct Run {
    Counts counts;
    std::size_t forward_bytes, peak_bytes;
    std::map<std::string, std::vector<float>> gradients;
  };
  Run run(const std::function<bool(const std::string& name)>& trained, bool recompute) {
    Arena arena;
    Context ctx(pool_, kernels_, arena);
    Tape tape;
    ctx.tape = &tape;
    ctx.recompute = recompute;
    std::map<std::string, Tensor> gradients;
    std::vector<std::pair<WeightSpec, Tensor>> before;
    for (const WeightSpec& w : model_->weights()) {
      before.emplace_back(w, w.rows());
      if (!trained(w.own_name())) continue;
      const Tensor gradient = gradients[w.own_name()] = Tensor::zeros(w.shape);
      w.set(tape.watch(w.rows(), gradient));
    }
    model_->forward(ctx, batch_, nullptr);
    Run run{{}, arena.peak(), 0, {}};
    counts = {};
    tape.backward(ctx);
    run.counts = counts;
    run.peak_bytes = arena.peak();
    for (const auto& [weight, value] : before) weight.set(value);
    for (const auto& [name, gradient] : gradients)
      run.gradients[name] = {gradient.f32(), gradient.f32() + gradient.shape().count()};
    return run;
  }

  ThreadPool pool_{1};
  Kernels kernels_;
  Arena arena_;
  Context ctx_;
  Config config_;
  std::unique_ptr<Model> model_;
  Batch batch_;
};

TEST_F(Frozen, OneMatrixCostsWhatItsGradientNeeds) {
  const std::string name = "blk.1.ffn_up.weight";
  const Run all = run([](const std::string&) { return true; }, false);
  const std::int64_t d = config_.width, f = config_.feed_forward, t = kTokens;
  const std::int64_t kv = config_.kv_heads * config_.head_dim;
  const std::int64_t layer = 2 * d * d + 2 * d * kv + 3 * d * f;  // multiply-adds a token
  for (const bool recompute : {false, true}) {
    const Run one = run([&](const std::string& n) { return n == name; }, recompute);
    EXPECT_EQ(one.gradients.at(name), all.gradients.at(name)) << recompute;
    // The head's product with the logits' gradient ran in forward. Through the last layer back to
    // its input; in the second through ffn_down, then the gradient itself.
    EXPECT_EQ(one.counts.multiply_adds, t * (layer + d * f + d * f)) << recompute;
    EXPECT_EQ(one.counts.norm_gains, 0);
    EXPECT_EQ(one.counts.attention_tasks, config_.kv_heads);
    EXPECT_EQ(one.counts.glu, 2);
    EXPECT_EQ(one.counts.embeddings, 0);
  }
  EXPECT_EQ(all.counts.multiply_adds, t * 2 * kLayers * layer);
  EXPECT_EQ(all.counts.attention_tasks, kLayers * config_.kv_heads);
  EXPECT_GT(all.counts.norm_gains, 0);
  EXPECT_GT(all.counts.embeddings, 0);
}

// Bytes of what an arena hands out for [rows, columns] in f32.
std::size_t bytes(std::int64_t rows, std::int64_t columns) {
  return static_cast<std::size_t>(rows * columns * 4 + 63) / 64 * 64;
}

TEST_F(Frozen, OneMatrixTakesTheMemoryThatItsGradientNeeds) {
  const Run one = run([](const std::string& n) { return n == "blk.2.ffn_down.weight"; }, false);
  const std::int64_t d = config_.width, f = config_.feed_forward, t = kTokens,
                     v = config_.vocabulary;
  const std::int64_t kv = config_.kv_heads * config_.head_dim;
  // Embedding, the outputs of two frozen layers, and all results of the third: none of the factors
  // that frozen norms and attention would keep for backward.
  const std::size_t frozen = 3 * bytes(t, d);
  const std::size_t third = 2 * bytes(t, d) +                     // norms
                            3 * bytes(t, d) + 3 * bytes(t, kv) +  // q and k twice, v, heads
                            2 * bytes(t, d) +                     // attention's output, residual
                            3 * bytes(t, f) + 2 * bytes(t, d);
  // The final norm with its factors, losses, their gradient, and for a while the logits.
  const std::size_t end = bytes(t, d) + bytes(t, 1) + bytes(t, 1) + bytes(t, d) + bytes(t, v);
  EXPECT_EQ(one.forward_bytes, frozen + third + end);
  // Back to the output of ffn_down: the gradients of the normalised rows and of the residual sum,
  // which lie where the logits were.
  EXPECT_EQ(one.peak_bytes, one.forward_bytes);
  const Run none = run([](const std::string&) { return false; }, false);
  EXPECT_EQ(none.counts.multiply_adds, 0);
  EXPECT_TRUE(none.gradients.empty());
}

}  // namespace
}  // namespace bantam::test
