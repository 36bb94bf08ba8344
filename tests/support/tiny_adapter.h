// Adapters of random numbers for tiny models, written to a folder in PEFT's form (or a .gguf file):
// each number is large enough to change what the model says. A test that includes this uses the room
// adapt too.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "adapt/attach.h"
#include "base/random.h"
#include "infer/session.h"
#include "models/loader.h"

namespace bantam::test {

struct TinyAdapter {
  std::int64_t rank = 4;
  bool magnitudes = false;
  std::vector<std::string> targets = {};  // PEFT's names of modules; empty: every layer
  std::uint64_t seed = 1;
  std::string chat_template = "";
};

inline void write_tiny_adapter(const Path& path, const std::shared_ptr<const ModelFile>& file,
                               const TinyAdapter& tiny) {
  OwnRuntime runtime(1);
  std::vector<Scratch> scratch(2);
  const Exec exec{runtime.lend().pool, runtime.lend().kernels, scratch};
  const std::unique_ptr<Model> model = load_model(file, Arithmetic::f32, exec);
  adapt::NewAdapter settings;
  settings.weights = adapt::adapted_weights(*model, tiny.targets);
  settings.rank = tiny.rank;
  settings.alpha = static_cast<double>(tiny.rank);
  settings.magnitudes = tiny.magnitudes;
  settings.seed = tiny.seed;
  adapt::Adapter adapter = adapt::make_adapter(*model, file, settings, exec);
  adapter.chat_template = tiny.chat_template;
  std::uint64_t stream = 0;
  for (auto& [name, update] : adapter.updates) {
    const Random random(tiny.seed, (std::uint64_t{9} << 32) + stream++);
    for (std::int64_t i = 0; i < update.b.shape().count(); ++i)
      update.b.f32()[i] = static_cast<float>(random.uniform(static_cast<std::uint64_t>(i)) - 0.5);
  }
  adapt::write_adapter(adapter, *model, path, false);
}

// A session's choice of this adapter, and the same adapter for all that a session answers.
inline SessionOptions::Prepare tiny_choice(const Path& path) {
  return [path](Model& model, const std::shared_ptr<const ModelFile>& file, const Exec& exec) {
    const adapt::Adapter adapter = adapt::read_adapter(path, model);
    adapt::add_choice(model, adapter, file, exec);
    return adapt::digest(adapter);
  };
}
inline SessionOptions::Prepare tiny_attachment(const Path& path) {
  return [path](Model& model, const std::shared_ptr<const ModelFile>& file, const Exec& exec) {
    const adapt::Adapter adapter = adapt::read_adapter(path, model);
    adapt::attach(model, adapter, file, exec);
    return adapt::digest(adapter);
  };
}

}  // namespace bantam::test
