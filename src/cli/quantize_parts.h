// The parts of `bantam quantize` that measure: types by target, and the report on the result.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cli/conversion_parts.h"
#include "cli/measuring.h"
#include "shrink/target.h"

namespace bantam::cli {

struct QuantizeTarget {
  std::optional<std::string> size;    // "800MB"
  double kl = 0;                      // 0: none
  std::optional<std::int64_t> probe;  // tokens that each tensor's rounding is measured on

  bool given() const { return size || kl > 0; }
  // Bytes of the file; throws Error (usage) for what is no size.
  std::optional<std::int64_t> bytes() const;
};

// A session that computes in float32, with room for `positions` tokens.
Session exact_session(const std::shared_ptr<const ModelFile>& file, std::int64_t positions,
                      Runtime runtime);

// The types by measured sensitivity. `spare`: bytes of the file that are no matrices.
TypePlan plan_for_target(const std::shared_ptr<const ModelFile>& file, const QuantizeTarget& target,
                         const MeasuringText& text, const Importance& importance,
                         std::int64_t spare, Runtime runtime, bool quiet);

// Compares the file at `child` with its parent over `text`, prints the report (not with `quiet`),
// and writes it into the file. Returns it as JSON.
Json report_fidelity(const std::shared_ptr<const ModelFile>& parent, const Path& child,
                     const std::string& text, const Conversion& conversion, Runtime runtime,
                     bool quiet);

}  // namespace bantam::cli
