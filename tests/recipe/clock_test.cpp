// The clock's exercises: answers are those of a clock, every step holds, what is asked is unseen.
#include "clock/clock.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>

namespace bantam::recipe {
namespace {

int number(const std::string& text) { return std::stoi(text); }

// What a clock shows, read from the question's words alone.
std::string by_the_clock(const std::string& question) {
  static const std::regex time("(\\d\\d):(\\d\\d)");
  std::smatch at;
  if (!std::regex_search(question, at, time)) return "no time";
  int now = number(at[1]) * 60 + number(at[2]);
  const std::string rest = std::string(at.prefix()) + " " + std::string(at.suffix());
  static const std::regex minutes("(\\d+)");
  std::smatch count;
  if (!std::regex_search(rest, count, minutes)) return "no minutes";
  bool before = false;
  for (const char* word : {"before", "ago", "前"}) before |= question.find(word) != std::string::npos;
  now = (now + (before ? -1 : 1) * number(count[1]) + 24 * 60) % (24 * 60);
  char shown[8];
  std::snprintf(shown, sizeof shown, "%02d:%02d", now / 60, now % 60);
  return shown;
}

// Whether each step that says what it gives is right: "4+3+0=07", "07-6-0=1", "60<75".
std::string wrong_step(const std::string& worked) {
  static const std::regex word("\\S+"), sum("(\\d+)([+-])(\\d+)(?:[+-](\\d+))?=(\\d+)"),
      order("(\\d+)([<>=])(\\d+)");
  const std::string steps = worked.substr(0, worked.find("=>"));
  for (auto it = std::sregex_iterator(steps.begin(), steps.end(), word); it != std::sregex_iterator(); ++it) {
    const std::string one = it->str();
    std::smatch m;
    if (std::regex_match(one, m, order)) {
      const int a = number(m[1]), b = number(m[3]);
      if (m[2] != (a < b ? "<" : a > b ? ">" : "=")) return one;
    } else if (std::regex_match(one, m, sum)) {
      const int third = m[4].matched ? number(m[4]) : 0;
      const int sign = m[2] == "+" ? 1 : -1;
      if (number(m[1]) + sign * number(m[3]) + sign * third != number(m[5])) return one;
    }
  }
  return "";
}

TEST(Clock, AnswersAreThoseOfAClockAndEveryStepHolds) {
  for (const Side side : {Side::training, Side::evaluation})
    for (std::uint64_t i = 0; i < 5'000; ++i) {
      const ClockExercise e = clock_exercise(side, 1, i);
      ASSERT_EQ(e.answer, by_the_clock(e.question)) << e.question;
      ASSERT_EQ(final_answer(e.worked), e.answer) << e.worked;
      ASSERT_EQ(wrong_step(e.worked), "") << e.worked;
    }
  EXPECT_EQ(by_the_clock("What time is 35 minutes before 00:20?"), "23:45");
  EXPECT_EQ(wrong_step("40+35 0+5=05 4+3+0=08 => 1"), "4+3+0=08");
}

TEST(Clock, WorkedAsOnPaper) {
  EXPECT_EQ(clock_steps({{10, 40}, 35, false}),
            "40+35 0+5=05 4+3+0=07 60<75 75-60 05-0=5 07-6-0=1 10+01 0+1=01 1+0+0=01 => 11:15");
  EXPECT_EQ(clock_steps({{9, 5}, 10, false}), "05+10 5+0=05 0+1+0=01 60>15 => 09:15");
  EXPECT_EQ(clock_steps({{23, 50}, 10, false}),
            "50+10 0+0=00 5+1+0=06 60=60 60-60 00-0=0 06-6-0=0 23+01 3+1=04 2+0+0=02 24=24 => 00:00");
  EXPECT_EQ(clock_steps({{0, 5}, 10, true}),
            "05<10 05+60 5+0=05 0+6+0=06 65-10 05-0=5 06-1-0=5 24-01 04-1=3 02-0-0=2 => 23:55");
}

TEST(Clock, WhatIsAskedIsTrainedOnInNoWords) {
  std::set<std::string> trained;
  const auto sum = [](const ClockExercise& e) {
    return std::to_string(e.sum.start.hour) + ":" + std::to_string(e.sum.start.minute) +
           (e.sum.before ? "-" : "+") + std::to_string(e.sum.minutes);
  };
  for (std::uint64_t i = 0; i < 20'000; ++i) trained.insert(sum(clock_exercise(Side::training, 1, i)));
  for (std::uint64_t i = 0; i < 2'000; ++i)
    EXPECT_FALSE(trained.contains(sum(clock_exercise(Side::evaluation, 1, i))));
}

TEST(Clock, OneSeedGivesOneCorpus) {
  EXPECT_EQ(training_line(clock_exercise(Side::training, 1, 7)),
            training_line(clock_exercise(Side::training, 1, 7)));
  EXPECT_NE(training_line(clock_exercise(Side::training, 1, 7)),
            training_line(clock_exercise(Side::training, 2, 7)));
}

}  // namespace
}  // namespace bantam::recipe
