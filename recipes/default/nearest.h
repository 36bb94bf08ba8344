// The baseline that memory alone reaches: answering a question with the final answer of the
// training question that looks most like it.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "corpus.h"

namespace bantam::recipe {

// For each question, the index of the training question with the highest Jaccard similarity of
// their sets of character trigrams (a space before and after each question, letters as typed); of
// equals, the first. Time: the lengths of the posting lists that each question touches.
std::vector<std::size_t> nearest_questions(std::span<const Dialogue> training,
                                           std::span<const Dialogue> questions);

// The share of questions whose nearest training question has the same final answer, 0 to 1.
double nearest_match(std::span<const Dialogue> training, std::span<const Dialogue> questions);

}  // namespace bantam::recipe
