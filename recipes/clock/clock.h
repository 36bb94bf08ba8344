// A small new domain for the model of `./run`: times of the day, which its corpus does not have. Made
// from a seed, in English and in Traditional Chinese as written in Taiwan. README.md shows the domain.
#pragma once

#include <cstdint>
#include <string>

#include "default/corpus.h"

namespace bantam::recipe {

struct ClockTime {
  int hour = 0, minute = 0;  // 0 to 23, 0 to 59
};

// What the clock shows `minutes` (1 to 59) after or before a time.
struct ClockSum {
  ClockTime start;
  int minutes = 1;
  bool before = false;
};

struct ClockExercise {
  ClockSum sum;
  Language language = Language::english;
  std::string question;
  std::string worked;  // the steps and the final answer: what the assistant says
  std::string answer;  // the final answer alone, "11:15"
};

// Worked in the columns of the default recipe (default/steps.h): the minutes, an hour's minutes taken off
// or put on where they must be, the hour where it changes: "40+35 0+5=05 4+3+0=07 60<75 75-60 05-0=5
// 07-6-0=1 10+01 0+1=01 1+0+0=01 => 11:15".
std::string clock_steps(const ClockSum& sum);

// One sum in five is never trained on, in whatever words.
Side side_of(const ClockSum& sum);

// Exercise number `index` of a seed: depends on nothing else.
ClockExercise clock_exercise(Side side, std::uint64_t seed, std::uint64_t index);

// {"messages":[{"role":"user",..},{"role":"assistant",..}]}, and {"question":..,"answer":..}, without a
// line end.
std::string training_line(const ClockExercise& e);
std::string evaluation_line(const ClockExercise& e);

}  // namespace bantam::recipe
