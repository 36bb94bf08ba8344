#include "plan/choice.h"

#include <algorithm>

#include "blocks/format.h"

namespace bantam::plan {

std::vector<ModelChoice> choose_model(const Device& device, const ChoiceLimits& limits,
                                      std::span<const Type> types, const SessionOptions& options) {
  constexpr std::int64_t kProgram = 20 << 20;  // without a large vocabulary
  std::vector<Type> by_bits(types.begin(), types.end());
  std::ranges::sort(by_bits, std::greater(), [](Type type) {
    return static_cast<double>(format(type).block_bytes) / static_cast<double>(format(type).block);
  });
  std::vector<ModelChoice> all;
  for (const NamedShape& shape : named_shapes()) {
    const Config config = config_of(shape);
    SessionOptions run = options;
    run.positions = std::min(limits.context, config.context);
    run.threads = device.threads;
    for (const Type type : by_bits) {
      const RunShape planned = run_shape_of(config, type, run);
      ModelChoice choice{&shape, type, plan_memory(planned),
                         reckon_speed(device, costs_of(planned), 512)};
      choice.memory.program = kProgram;
      if (choice.memory.total() > limits.memory || choice.speed.decode_per_s < limits.decode_per_s)
        continue;
      all.push_back(choice);
      break;
    }
  }
  std::ranges::reverse(all);
  return all;
}

}  // namespace bantam::plan
