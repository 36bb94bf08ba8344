// Several answers to one question, and which of them is taken: the one that most agree on
// (self-consistency; Wang et al. 2023, "Self-consistency improves chain of thought reasoning in
// language models"), or the one that a checker likes best (best of N; Cobbe et al. 2021, "Training
// verifiers to solve math word problems").
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/rooms.h"
#include "infer/sampler.h"
#include "judge/score.h"

namespace bantam::judge {

struct Several {
  std::int64_t count = 1;
  std::string check;  // a command that judges an answer; empty: the answers vote
  SamplingOptions sampling;
};

// The last match of the pattern (its first group that took part), white space cut off; of a number its
// plain form, so that "$1,000" and "1000." agree. Empty: no match. Throws Error for a bad pattern.
std::string final_answer(std::string_view text, const std::string& pattern);
inline constexpr const char* kLastNumber = R"(-?\$?[0-9][0-9,]*(?:\.[0-9]+)?)";

struct Votes {
  std::size_t winner = 0;                                   // the first of those that won
  std::vector<std::pair<std::string, std::int64_t>> counts;  // the most frequent first, equal ones by their first
};
// Empty ones do not vote, unless nobody does.
Votes count_votes(std::span<const std::string> finals);

// What a command says of a text, which it reads from standard input: the number that it prints, 1 if
// it prints nothing; minus infinity when it exits with another status than 0. Throws Error when it
// prints what is no number, or runs for more than a minute.
double checked(const std::string& command, std::string_view text);
// The place of the answer that the checker likes best, the first of equals.
std::size_t best_of(const std::string& command, std::span<const std::string> texts);

// Scores several answers to an item as one: each metric is that of the answer that is taken ("taken": its place among
// them, from 0), all else that of the first metric's.
Scored score_several(const TaskSpec& task, const Item& item, const Response& response, const Several& several);

}  // namespace bantam::judge
