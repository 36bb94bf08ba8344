// Types for each tensor by what rounding it costs, measured: the least divergence from the parent
// for a number of bytes, or the fewest bytes for a divergence.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/rooms.h"
#include "shrink/fidelity.h"
#include "shrink/importance.h"
#include "shrink/type_plan.h"

namespace bantam::shrink {

// A type that a tensor could have.
struct TypeOption {
  Type type;
  std::int64_t bytes = 0;
  double cost = 0;  // the divergence that it adds, nats a token, as far as costs add up
};
// The options of one tensor by rising bytes, each cheaper than the last; none that another betters.
struct TensorOptions {
  std::string name;
  std::vector<TypeOption> options;
};

// What each tensor's rounding costs: each is rounded alone, the passages are run, and the
// divergence from the model as it was is scaled to the other types by their weighted squared
// errors. `model`: float32 arithmetic, opened from `file`; it is as it was afterwards.
std::vector<TensorOptions> measure_options(Session& model,
                                           const std::shared_ptr<const ModelFile>& file,
                                           const Passages& passages, const Importance& importance,
                                           ThreadPool& pool, const Tick& tick);

struct TypeChoice {
  std::map<std::string, Type> types;
  std::int64_t bytes = 0;
  double cost = 0;  // predicted
};
// The least cost within `bytes`; nullopt when the smallest types take more.
std::optional<TypeChoice> choose_for_bytes(std::span<const TensorOptions> tensors,
                                           std::int64_t bytes);
// The fewest bytes with at most `cost`; the largest types when even those cost more.
TypeChoice choose_for_cost(std::span<const TensorOptions> tensors, double cost);

// The divergence (mean) of the model with these types, measured on the passages; it is as it was
// afterwards.
double measure_choice(Session& model, const std::shared_ptr<const ModelFile>& file,
                      const TypeChoice& choice, const Passages& passages,
                      const Importance& importance, ThreadPool& pool);

}  // namespace bantam::shrink
