// Whether a model knows what it knows: how far its confidence in a choice is from how often it is
// right, and what it would score if it answered only where it is surest.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "base/json.h"

namespace bantam::judge {

// One question: the probability that the model gives the choice it takes, among the choices.
struct Confidence {
  double of_choice;
  bool right;
};

// The largest share of the choices' probabilities exp(sum) over all; `sums` are log-likelihoods.
double confidence_of(std::span<const double> sums);

// Expected calibration error over ten bins of equal width (Guo et al. 2017, eq. 3): the mean distance
// of confidence and accuracy, weighted by the questions of a bin.
double calibration_error(std::span<const Confidence> all);
// Accuracy over the surest share of the questions, equal ones in their order.
double accuracy_of_surest(std::span<const Confidence> all, double share);

// "error", "mean_confidence", "bins" (questions, confidence, accuracy), and "surest": the accuracy on
// the surest quarter, half, three quarters and all.
Json calibration_json(std::span<const Confidence> all);

}  // namespace bantam::judge
