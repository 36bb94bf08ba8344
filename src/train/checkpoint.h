// A training run on disk: everything that the next step depends on, under a sum that notices any
// change, written so that a kill at any moment leaves the one before or the new one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/file.h"
#include "train/batches.h"
#include "train/parameters.h"

namespace bantam::train {

struct RunState {
  std::int64_t step = 0;  // steps done
  RowStream::Position position;
  std::vector<float> losses;             // of each step done
  std::vector<float> validation_losses;  // with the steps they were taken after
  std::vector<std::int64_t> validation_steps;
  // Of steps that learn from rewards: the mean, how many groups were asked, in how many of them all
  // answers earned the same, and how many answers were cut off.
  std::vector<float> rewards;
  std::vector<std::int64_t> groups, silent, cut;
  double seconds = 0;  // of training, for the report: no result depends on it
};

// What a checkpoint belongs to; resuming compares both.
struct RunIdentity {
  std::string settings;  // TrainSettings::text()
  std::string data;      // TokenStore::fingerprint()
  std::int64_t tokens_per_step = 0;  // what steps are in tokens, for messages
};

// Layout: "BNTMRUN1", length of the JSON header (u64), the header, tensors one after another in
// f32, SHA-256 of all before.
void write_checkpoint(const Path& path, const RunIdentity& identity, const RunState& state,
                      const std::vector<Parameter>& parameters);

// Fills the parameters and returns the state. Throws Error: not a checkpoint, of a newer version,
// cut, a bit changed, of another recipe (what differs is named with both values; more
// steps are no difference, fewer than are done are told apart), of other text. Nothing is changed in
// `parameters` unless everything is right.
RunState read_checkpoint(const Path& path, const RunIdentity& identity,
                         std::vector<Parameter>& parameters);

}  // namespace bantam::train
