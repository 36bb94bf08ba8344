// What was found about an answer, told to a person or to a program.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "explain/ablation.h"
#include "explain/attribution.h"
#include "explain/lens.h"

namespace bantam::explain {

struct Attribution {
  std::vector<double> gradient_times_input, left_out;
};
struct Report {
  Question question;
  double answer = 0;  // ln p
  // What was asked for.
  std::optional<std::vector<LensRow>> lens;
  std::optional<Attribution> attribution;
  std::optional<Ablation> ablation;
};
// The text of a token.
using Word = std::function<std::string(std::int32_t id)>;

// Tables for a terminal; `colour`: numbers lie on shades, by their size (256 colours).
std::string to_table(const Report& report, const Word& word, bool colour);
// All numbers, exactly.
Json to_json(const Report& report, const Word& word);

}  // namespace bantam::explain
