// How fast a model will be: measured on a part of it in about two seconds, or reckoned from what a
// device can do.
#pragma once

#include <cstdint>

#include "base/rooms.h"
#include "plan/devices.h"
#include "plan/memory.h"
#include "plan/samples.h"
#include "plan/work.h"

namespace bantam::plan {

struct SpeedPlan {
  double load_s = 0;         // opening a file that the system has read before (a device: has not)
  double prefill_per_s = 0;  // tokens of a prompt of `prompt` tokens
  double first_token_s = 0;  // such a prompt, the model being loaded
  double decode_per_s = 0;   // tokens of an answer after an empty context
  std::int64_t prompt = 512;
};

// What a model costs, however its numbers are known.
struct ModelCosts {
  RunShape run;
  TokenWork work;
  std::int64_t cache_row_bytes = 0;  // of one position
};
ModelCosts costs_of(const RunShape& run);

// Loads as many first layers as make `sample` bytes (all, when they are fewer) and times them; what
// the other layers take is reckoned from the bytes that they have.
SpeedPlan measure_speed(std::shared_ptr<const ModelFile> file, const SessionOptions& options,
                        std::int64_t prompt, std::int64_t sample = std::int64_t{400} << 20);
// The same for a model that is not there: one of its shape with random weights of these types is made
// in memory that is given back.
SpeedPlan measure_speed(const Config& config, const StoredType& type, const SessionOptions& options,
                        std::int64_t prompt, std::int64_t sample = std::int64_t{400} << 20);

// The shares of a device's limits that runs here reach: docs/performance.md.
constexpr double kDecodeShare = 0.85, kPrefillShare = 0.45;
SpeedPlan reckon_speed(const Device& device, const ModelCosts& costs, std::int64_t prompt);

}  // namespace bantam::plan
