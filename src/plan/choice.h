// The other way round: which model, in which type, a machine can give so many tokens a second with.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/rooms.h"
#include "plan/shapes.h"
#include "plan/speed.h"

namespace bantam::plan {

struct ModelChoice {
  const NamedShape* shape = nullptr;
  Type type = Type::f16;
  MemoryParts memory;
  SpeedPlan speed;
};

struct ChoiceLimits {
  double decode_per_s = 0;  // at least; 0: any
  std::int64_t memory = 0;  // bytes at most, the program's among them
  std::int64_t context = 4096;
};

// Of each known shape the type of most bits a weight that keeps within the limits; the largest
// shape comes first, shapes that cannot keep within them are left out. `types`: to choose from.
std::vector<ModelChoice> choose_model(const Device& device, const ChoiceLimits& limits,
                                      std::span<const Type> types, const SessionOptions& options);

}  // namespace bantam::plan
