// Which tokens of the prompt mattered for the answer.
#pragma once

#include <vector>

#include "base/rooms.h"
#include "explain/probe.h"

namespace bantam::explain {

// For each token of the prompt: the gradient of ln p(answer) by its embedding, times the embedding,
// summed (Shrikumar et al. 2017, arXiv:1704.02685, section 2): how far the answer hangs on it to
// first order. Through quantised weights the gradient goes as through what they decode to.
std::vector<double> gradient_times_input(Probe& probe, const Question& question);

// For each token of the prompt: how much ln p(answer) changes when it is left out, and what follows
// moves up. A prompt of one token has nothing to leave out: 0.
std::vector<double> leave_one_out(Probe& probe, const Question& question);

}  // namespace bantam::explain
