// What `bantam select` says of the candidates.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "judge/probing.h"
#include "judge/selection.h"

namespace bantam::cli {

struct Selection {
  const judge::SelectionRecipe& recipe;
  std::vector<judge::Candidate> candidates;
  std::vector<judge::Rank> ranks;  // by the questions
  // Of the probe.
  judge::ProbeData data;
  std::int64_t steps = 0, batch = 0;
  std::vector<judge::ProbeRank> probes;

  // The candidates that fit, the best first: by the questions, or by the probe where nothing is asked.
  std::vector<judge::Rank> order() const;
};

std::string card_text(const Selection& all);
Json card_json(const Selection& all);

}  // namespace bantam::cli
