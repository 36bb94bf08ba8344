// An adapter put into the weights of its model for good.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/rooms.h"
#include "adapt/adapter.h"
#include "models/loader.h"

namespace bantam::adapt {

// What writing the merged weights in a type cost.
struct MergeReport {
  struct Line {
    std::string type;
    std::int64_t weights = 0;
    double change = 0;    // root mean square of what the adapter adds
    double rounding = 0;  // of what the type took from the sum: beside `change` when that is small
  };
  std::vector<Line> lines;  // of the adapted weights, by type
};

// Writes the model with the adapter in its weights: NAME.gguf or a folder. A float model becomes
// float32, so that the sums are exact to a rounding; `type` says another. A model in blocks keeps
// its types and is rounded anew. Throws Error.
MergeReport merge(const Path& model, const Path& adapter, const Path& out,
                  std::optional<Type> type, bool replace, ThreadPool& pool, const Kernels& kernels,
                  const std::function<void()>& check = [] {});

}  // namespace bantam::adapt
