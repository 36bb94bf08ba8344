// How much each input of a matrix matters: the mean of its squares over a calibration text. Weights
// of the rounding errors in quantising.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"

namespace bantam {

struct Importance {
  struct Inputs {
    std::vector<double> squares;  // sums over the text, one for each input
    std::int64_t rows = 0;        // how many were summed
  };
  std::map<std::string, Inputs> of;  // by the name of the tensor in GGUF
  std::int64_t chunks = 0, chunk_size = 0;

  // One weight for each input of the tensor, or none: it was not seen, or has another width.
  std::vector<float> weights(const std::string& tensor, std::int64_t width) const;
};

}  // namespace bantam
