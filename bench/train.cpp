// Training speed: tokens a second of whole steps, beside PyTorch's best where it is installed and the
// register-only peak of the arithmetic in use, all in one run and in alternation.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "kernels/peak.h"
#include "models/model.h"
#include "train/trainer.h"

namespace bantam {

namespace {

struct BenchShape {
  const char* name;
  std::int64_t layers, width, heads, feed_forward, vocabulary, rows, context;
  bool tied;
};
constexpr BenchShape kShapes[] = {
    {"0.86M", 4, 128, 4, 344, 512, 8, 256, true},
    {"8.4M", 8, 256, 4, 688, 4096, 8, 256, false},
    {"124M", 12, 768, 12, 2048, 50304, 4, 256, true},
};

TrainSettings settings_of(const BenchShape& s, Arithmetic arithmetic) {
  TrainSettings t;
  t.model.family = "llama";
  t.model.layers = s.layers;
  t.model.width = s.width;
  t.model.heads = t.model.kv_heads = s.heads;
  t.model.head_dim = s.width / s.heads;
  t.model.feed_forward = s.feed_forward;
  t.model.vocabulary = s.vocabulary;
  t.model.context = s.context;
  t.model.tied = s.tied;
  t.steps = 1000;
  t.rows = s.rows;
  t.context = s.context;
  t.arithmetic = arithmetic;
  t.validation = 0;
  t.optimiser.muon = false;  // the peer's step is AdamW too
  return t;
}

TokenStore random_text(const BenchShape& s) {
  TokenStore store;
  const Random random(1, 1);
  std::uint64_t index = 0;
  for (int d = 0; d < 64; ++d) {
    std::vector<std::int32_t> tokens;
    for (std::int64_t i = 0; i <= s.context; ++i)
      tokens.push_back(static_cast<std::int32_t>(random.below(index++, static_cast<std::uint64_t>(s.vocabulary))));
    store.add(tokens, std::vector<float>(tokens.size(), 1.0f));
  }
  return store;
}

double seconds_of(Trainer& trainer) {
  const auto start = std::chrono::steady_clock::now();
  trainer.step();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

int run(int argc, char** argv) {
  const std::string only = argc > 1 ? argv[1] : "";
  const int steps = argc > 2 ? std::atoi(argv[2]) : 7;
  ThreadPool pool(default_threads());
  const Kernels kernels = kernels_for(best_isa());
  for (const BenchShape& shape : kShapes) {
    if (!only.empty() && only != shape.name) continue;
    const TokenStore store = random_text(shape);
    for (const Arithmetic arithmetic : {Arithmetic::f32, Arithmetic::bf16}) {
      Trainer trainer(family_by_gguf("llama", ""), settings_of(shape, arithmetic), store, pool, kernels);
      std::vector<double> times;
      seconds_of(trainer);
      for (int i = 0; i < steps; ++i) times.push_back(seconds_of(trainer));
      std::sort(times.begin(), times.end());
      const double tokens = static_cast<double>(shape.rows * shape.context);
      const double flops = 6.0 * static_cast<double>(trainer.plan().parameters -
                                                     (shape.tied ? 0 : shape.vocabulary * shape.width));
      const double median = times[times.size() / 2];
      fmt::print("{} {} {}: {:.0f} tokens/s (best {:.0f}), {:.1f} Gflop/s\n", shape.name,
                 arithmetic == Arithmetic::f32 ? "f32" : "bf16", kernels.name, tokens / median,
                 tokens / times[0], flops * tokens / median / 1e9);
    }
  }
  return 0;
}

}  // namespace bantam

int main(int argc, char** argv) {
  try {
    return bantam::run(argc, argv);
  } catch (const bantam::Error& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
