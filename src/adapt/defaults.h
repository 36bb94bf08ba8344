// What is chosen when a person says only the model and the data.
#pragma once

#include <string>
#include <vector>

#include "base/rooms.h"
#include "adapt/run.h"
#include "models/loader.h"

namespace bantam::adapt {

struct Choice {
  Method method = Method::lora;
  std::int64_t rank = 16;
  double alpha = 32;
  double validation = 0;  // share of the examples
  bool early_stop = false;
  TuneSettings settings;
};

// `quantised`: the model's matrices are in blocks. `examples` are those that can be learnt from,
// validation included.
Choice choose(const TuneRequest& request, const ModelFile& file, bool quantised,
              std::int64_t examples, bool fast_bf16);
std::string_view method_name(Method method);
// "method lora, rank 16, ...": said before the first step.
std::vector<std::string> lines_of(const Choice& choice, std::int64_t steps_per_epoch);

}  // namespace bantam::adapt
