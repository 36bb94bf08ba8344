// How much each input of a matrix matters: the mean of its squares over a calibration text. Weights
// of the rounding errors in quantising.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "infer/session.h"

namespace bantam::shrink {

struct Importance {
  struct Inputs {
    std::vector<double> squares;  // sums over the text, one for each input
    double rows = 0;              // how many were summed
  };
  std::map<std::string, Inputs> of;  // by the name of the tensor in GGUF
  std::int64_t chunks = 0, chunk_size = 0;

  // One weight for each input of the tensor, or none: it was not seen, or has another width.
  std::vector<float> weights(const std::string& tensor, std::int64_t width) const;
};

// Runs the tokens through the model, `chunk` at a time, each from the beginning of a context and
// after the token that begins a text, if the model has one. `model`: float32 arithmetic. `tick`:
// called with the chunks done and their number before each; may throw to end the work. The sums do
// not depend on the number of threads.
Importance measure_importance(Session& model, std::span<const std::int32_t> tokens,
                              std::int64_t chunk, std::optional<std::int32_t> begin,
                              const std::function<void(std::int64_t, std::int64_t)>& tick);

// llama.cpp's file for it: GGUF with tensors NAME.in_sum2 and NAME.counts
// (tools/imatrix/imatrix.cpp, ggml-org/llama.cpp). `text`: what is said of the calibration text.
void write_importance(const Importance& importance, const Path& file, const std::string& text);
// The same, or its older form (.dat). Throws Error when the file is neither, or is damaged.
Importance read_importance(const Path& file);

}  // namespace bantam::shrink
