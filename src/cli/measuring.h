// Texts on which `bantam imatrix` and `bantam quantize` measure a model.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "shrink/calibration_text.h"
#include "shrink/importance.h"

namespace bantam::cli {

struct MeasuringText {
  std::vector<std::string> files;  // none: calibration_text()

  std::vector<std::int32_t> tokens(const Tokenizer& tokenizer) const;
  // What may be said of it in a file: a hash, never its words or name.
  std::string about() const;
  // Throws Error where what is written to `out` would take the place of one of them.
  void require_apart(const std::string& out) const;
};

// The token that begins a text, if the model has one.
std::optional<std::int32_t> first_token(const Tokenizer& tokenizer);

// Throws Error (interrupted) when the user ends it.
Importance measured_importance(const std::shared_ptr<const ModelFile>& file,
                               const MeasuringText& text, std::int64_t chunk, Runtime runtime,
                               bool quiet);

}  // namespace bantam::cli
