#include "plan/choice.h"

#include <algorithm>

#include "blocks/format.h"

namespace bantam::plan {

namespace {

// A known shape stored in one of the ways.
struct Stored {
  const Storing* way;
  RunShape run;
  std::int64_t bytes;  // of the file's matrices
};

std::int64_t stored_bytes(const RunShape& run) {
  const std::unique_ptr<Model> model = family_by_gguf(run.config.family, "").make(run.config);
  std::int64_t bytes = 0;
  for (const WeightSpec& w : model->weights())
    if (w.role != Role::embedding || !run.config.tied) bytes += byte_size(run.type(w), w.shape);
  return bytes;
}

std::vector<Stored> by_bits(const Config& config, std::span<const Storing> ways,
                            const SessionOptions& options) {
  std::vector<Stored> all;
  for (const Storing& way : ways) {
    RunShape run = run_shape_of(config, way.types(config), options);
    const std::int64_t bytes = stored_bytes(run);
    all.push_back({&way, std::move(run), bytes});
  }
  std::ranges::stable_sort(all, std::greater(), &Stored::bytes);
  return all;
}

}  // namespace

std::vector<ModelChoice> choose_model(const Device& device, const ChoiceLimits& limits,
                                      std::span<const Storing> ways,
                                      const SessionOptions& options) {
  constexpr std::int64_t kProgram = 20 << 20;  // without a large vocabulary
  std::vector<ModelChoice> all;
  for (const NamedShape& shape : named_shapes()) {
    const Config config = config_of(shape);
    SessionOptions run = options;
    run.positions = std::min(limits.context, config.context);
    run.threads = device.threads;
    for (const Stored& stored : by_bits(config, ways, run)) {
      ModelChoice choice{&shape, stored.way->name, plan_memory(stored.run),
                         reckon_speed(device, costs_of(stored.run), 512)};
      choice.memory.program = kProgram;
      if (choice.memory.total() > limits.memory || choice.speed.decode_per_s < limits.decode_per_s)
        continue;
      all.push_back(std::move(choice));
      break;
    }
  }
  std::ranges::reverse(all);
  return all;
}

}  // namespace bantam::plan
