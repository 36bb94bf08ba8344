// Worked answers. Each step is one column of a sum, so that every character follows from a few that
// are already written: a carry is copied from the result before it, a result is one entry of a
// table. Steps are parted by a space; the final answer stands after "=>".
#pragma once

#include <string>

#include "wordings.h"

namespace bantam::recipe {

// 47 + 85: "47+85 7+5=12 4+8+1=13". Columns from the right, each result with two digits.
std::string add_steps(int a, int b);

// 132 - 85 (a >= b): "132-085 12-5=7 13-8-1=4 01-0-1=0". A digit that borrowed has a 1 before it.
std::string subtract_steps(int a, int b);

// 47 x 6: "47×6 7×6=42 4×6=24 +4=28" (a step that begins with + goes on from the one before it).
// `zeros` of them follow the multiplier, as in 35 x 60: "35×60 5×6=30 3×6=18 +3=21".
std::string multiply_steps(int a, int b, int zeros = 0);

// The larger of 482 and 478, which differ: "A:482 B:478 4=4 8>7 A"; the smaller: "B:482 A:478 4=4
// 8>7 A". Digits from the left, up to the first that differ, then a letter: A where the first
// number is the larger, else B; the question decides which number has which letter. Without letters
// a small model mixes the digits of the two; with letters in one order it has to learn an exclusive
// or (of what is asked for and what is found), and does not.
std::string compare_steps(int a, int b, bool larger);

// The weekday n days after or before day w (Sunday is 0): "10-07=3 1+3=04 04-00=4", or for the past
// "10-07=3 1+7-3=05 05-00=5".
std::string weekday_steps(int weekday, int days, bool before);

// The day of the month `days` (1 to 9) after day `day` of a month of `length` days:
// "25+9 5+9=14 2+1=3 31<34 34-31=3", or "05+9 5+9=14 0+1=1 31>14".
std::string date_steps(int day, int days, int length);

// Days of a month (1 to 12) of a common year.
int month_length(int month);

struct Worked {
  std::string steps;
  std::string answer;
};

// The whole answer to an operation on numbers, in a language (weekdays and dates are words).
Worked work(Operation operation, const Numbers& numbers, Language language);

}  // namespace bantam::recipe
