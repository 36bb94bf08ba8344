// The other way round: which model, in which type, a machine can give so many tokens a second with.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/rooms.h"
#include "plan/shapes.h"
#include "plan/speed.h"

namespace bantam::plan {

// A way to store a model: one type for all matrices, or a mix.
struct Storing {
  std::string name;  // "q4_k_m"
  std::function<StoredType(const Config&)> types;
};

struct ModelChoice {
  const NamedShape* shape = nullptr;
  std::string type;  // the name of how it is stored
  MemoryParts memory;
  SpeedPlan speed;
};

struct ChoiceLimits {
  double decode_per_s = 0;  // at least; 0: any
  std::int64_t memory = 0;  // bytes at most, the program's among them
  std::int64_t context = 4096;
};

// Of each known shape the way to store it that has most bits a weight within the limits; the largest
// shape comes first, shapes that cannot keep within them are left out. `ways`: to choose from, of
// equal ones the first is better.
std::vector<ModelChoice> choose_model(const Device& device, const ChoiceLimits& limits,
                                      std::span<const Storing> ways, const SessionOptions& options);

}  // namespace bantam::plan
