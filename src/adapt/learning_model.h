// A model that learns: in memory, with an adapter whose numbers stand on a tape.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "adapt/adapter.h"
#include "adapt/attach.h"
#include "adapt/defaults.h"
#include "adapt/run.h"
#include "base/rooms.h"
#include "models/loader.h"
#include "train/parameters.h"

namespace bantam::adapt {

struct LearningModel {
  std::unique_ptr<Model> model;
  Adapter adapter;                     // without updates where the model itself is trained
  std::vector<Parameter> parameters;   // what is trained
  std::optional<RowLengths> lengths;   // of an adapter with magnitudes: made again before each forward
  std::int64_t widened = 0;            // bytes of matrices that the file keeps in 16 bits

  std::int64_t trained() const;        // numbers
  std::int64_t trained_bytes() const;  // with their gradients and the optimiser's moments
};

// Bytes of all the tensors of a file; whether some of them are in blocks.
std::int64_t weight_bytes(const ModelFile& file);
bool in_blocks(const ModelFile& file);

// Loads the model in the form that the choice computes in, and puts an adapter on it: that of the request
// (then the choice gets its rank and alpha) or a new one. Throws Error.
void load_with_adapter(LearningModel& out, const TuneRequest& request, Choice& choice,
                       const std::shared_ptr<const ModelFile>& file, Tape& tape, const Exec& exec);

}  // namespace bantam::adapt
