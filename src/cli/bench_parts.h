// What `bantam bench` does beside speed.
#pragma once

#include <optional>
#include <string>

#include "cli/model_options.h"

namespace bantam::cli {

// "medians of 5 runs"
inline std::string medians_of(std::int64_t runs) {
  return runs == 1 ? "of one run" : "medians of " + std::to_string(runs) + " runs";
}

// Measures what arithmetic and cache cost (bench --quality) on the first `tokens` tokens of a text,
// against `parent` or the model itself in the most exact arithmetic, and prints it.
void bench_quality(const ModelOptions& model, const std::string& text,
                   const std::optional<std::string>& parent, std::optional<std::int64_t> tokens,
                   bool json);

struct DraftBench {
  std::string draft;  // the draft's file
  std::int64_t prompt = 128, answer = 128, repeats = 5;
  double temperature = 0;
};
// Measures answers with a draft model, with guesses from the text alone and with none, in turns
// (bench --draft), and prints it. Throws Error where they differ.
void bench_draft(const ModelOptions& model, const DraftBench& asked, bool json);

}  // namespace bantam::cli
