// A small training run over made-up text, for the tests of the trainer.
#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/random.h"
#include "kernels/kernels.h"
#include "models/model.h"
#include "train/trainer.h"

namespace bantam::test {

// Documents of 2 to 90 tokens in which every token follows from the one before, most of the time.
inline TokenStore sample_text(std::int64_t documents, std::int32_t vocabulary) {
  TokenStore store;
  const Random random(5, 1);
  std::uint64_t index = 0;
  for (std::int64_t d = 0; d < documents; ++d) {
    std::vector<std::int32_t> tokens{
        static_cast<std::int32_t>(random.below(index++, static_cast<std::uint64_t>(vocabulary)))};
    const std::uint64_t length = 2 + random.below(index++, 89);
    while (tokens.size() < length) {
      const bool noise = random.below(index++, 10) == 0;
      tokens.push_back(noise ? static_cast<std::int32_t>(
                                   random.below(index++, static_cast<std::uint64_t>(vocabulary)))
                             : (tokens.back() * 7 + 3) % vocabulary);
    }
    store.add(tokens, std::vector<float>(tokens.size(), d % 3 == 0 ? 0.25f : 1.0f));
  }
  return store;
}

inline TrainSettings sample_settings(Arithmetic arithmetic = Arithmetic::bf16) {
  TrainSettings s;
  s.model.family = "llama";
  s.model.layers = 2;
  s.model.width = 48;
  s.model.heads = 4;
  s.model.kv_heads = 2;
  s.model.head_dim = 12;
  s.model.feed_forward = 80;
  s.model.vocabulary = 101;
  s.model.context = 64;
  s.model.tied = true;
  s.context = 64;
  s.rows = 16;
  s.steps = 20;
  s.arithmetic = arithmetic;
  s.validation = 0.1;
  return s;
}

// Every byte of the weights, one parameter after another.
inline std::string weight_bytes(const Trainer& trainer) {
  std::string bytes;
  for (const Parameter& p : trainer.parameters())
    bytes.append(reinterpret_cast<const char*>(p.value.view().data),
                 static_cast<std::size_t>(p.shape.count()) * 4);
  return bytes;
}
// Their SHA-256: equal for equal bytes, and short in a message.
inline std::string weight_sum(const Trainer& trainer) {
  Sha256 sum;
  const std::string bytes = weight_bytes(trainer);
  sum.add(std::as_bytes(std::span(bytes)));
  return sum.hex();
}

struct SampleRun {
  SampleRun(const TokenStore& store, const TrainSettings& settings, unsigned threads = 2,
            Isa isa = best_isa())
      : pool(threads),
        kernels(kernels_for(isa)),
        trainer(family_by_gguf("llama", ""), settings, store, pool, kernels) {}
  void steps(int count) {
    for (int i = 0; i < count; ++i) trainer.step();
  }
  ThreadPool pool;
  Kernels kernels;
  Trainer trainer;
};

}  // namespace bantam::test
