#include "clock/clock.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/json.h"
#include "base/random.h"
#include "default/steps.h"

namespace bantam::recipe {

namespace {

// {t} is the time, {n} the minutes.
constexpr std::array<std::string_view, 3> kEnglishAfter{
    "What time is {n} minutes after {t}?", "It is {t}. What time will it be in {n} minutes?",
    "{n} minutes after {t}, what time is it?"};
constexpr std::array<std::string_view, 3> kEnglishBefore{
    "What time is {n} minutes before {t}?", "It is {t}. What time was it {n} minutes ago?",
    "{n} minutes before {t}, what time was it?"};
constexpr std::array<std::string_view, 2> kChineseAfter{"{t}過{n}分鐘是幾點幾分？",
                                                        "現在是{t}，{n}分鐘後是幾點幾分？"};
constexpr std::array<std::string_view, 2> kChineseBefore{"{t}的{n}分鐘前是幾點幾分？",
                                                         "現在是{t}，{n}分鐘前是幾點幾分？"};

std::string shown(const ClockTime& t) { return fmt::format("{:02}:{:02}", t.hour, t.minute); }

std::string compared(int a, int b) {
  return fmt::format(" {:02}{}{:02}", a, a < b ? '<' : a == b ? '=' : '>', b);
}

// The steps so far, and what they lead to.
struct Working {
  std::string text;
  ClockTime end;
};

Working after(const ClockSum& s) {
  const int sum = s.start.minute + s.minutes;
  Working w{add_steps(s.start.minute, s.minutes) + compared(60, sum), {s.start.hour, sum}};
  if (sum < 60) return w;
  w.end.minute = sum - 60;
  w.text += " " + subtract_steps(sum, 60) + " " + add_steps(s.start.hour, 1);
  w.end.hour = s.start.hour + 1;
  if (w.end.hour < 24) return w;
  w.text += compared(24, w.end.hour);
  w.end.hour = 0;
  return w;
}

Working before(const ClockSum& s) {
  int minutes = s.start.minute;
  Working w{compared(minutes, s.minutes).substr(1), s.start};
  const bool borrows = minutes < s.minutes;
  if (borrows) {
    w.text += " " + add_steps(minutes, 60);
    minutes += 60;
  }
  w.end.minute = minutes - s.minutes;
  w.text += " " + subtract_steps(minutes, s.minutes);
  if (!borrows) return w;
  const int hour = s.start.hour > 0 ? s.start.hour : 24;  // before midnight's hour is 23
  w.text += " " + subtract_steps(hour, 1);
  w.end.hour = hour - 1;
  return w;
}

Working work(const ClockSum& sum) { return sum.before ? before(sum) : after(sum); }

std::string put(std::string text, std::string_view place, const std::string& value) {
  const std::size_t at = text.find(place);
  return text.replace(at, place.size(), value);
}

std::string worded(const ClockSum& sum, Language language, const Random& random) {
  const auto pick = [&](const auto& wordings) {
    return std::string(wordings[random.below(5, wordings.size())]);
  };
  const bool english = language == Language::english;
  std::string text = sum.before ? english ? pick(kEnglishBefore) : pick(kChineseBefore)
                     : english  ? pick(kEnglishAfter)
                                : pick(kChineseAfter);
  return put(put(std::move(text), "{t}", shown(sum.start)), "{n}", std::to_string(sum.minutes));
}

ClockSum draw(const Random& random) {
  ClockSum sum;
  sum.start.hour = static_cast<int>(random.below(0, 24));
  sum.start.minute = static_cast<int>(random.below(1, 60));
  sum.minutes = 1 + static_cast<int>(random.below(2, 59));
  sum.before = random.below(3, 2) == 1;
  return sum;
}

}  // namespace

std::string clock_steps(const ClockSum& sum) {
  const Working w = work(sum);
  return w.text + " => " + shown(w.end);
}

Side side_of(const ClockSum& sum) {
  const auto number = static_cast<std::uint64_t>(
      ((sum.start.hour * 60 + sum.start.minute) * 60 + sum.minutes) * 2 + (sum.before ? 1 : 0));
  return mix64(number + 1) % 5 == 0 ? Side::evaluation : Side::training;
}

ClockExercise clock_exercise(Side side, std::uint64_t seed, std::uint64_t index) {
  // A stream for each side, exercise and try: those of the other side are drawn again.
  for (std::uint64_t attempt = 0;; ++attempt) {
    const Random random(mix64(seed) + (side == Side::evaluation ? 1 : 0), index << 16 | attempt);
    const ClockSum sum = draw(random);
    if (side_of(sum) != side) continue;
    ClockExercise e;
    e.sum = sum;
    e.language = random.below(4, 2) == 0 ? Language::english : Language::chinese;
    e.question = worded(sum, e.language, random);
    e.worked = clock_steps(sum);
    e.answer = shown(work(sum).end);
    return e;
  }
}

std::string training_line(const ClockExercise& e) {
  const Json messages = Json::array({{{"role", "user"}, {"content", e.question}},
                                     {{"role", "assistant"}, {"content", e.worked}}});
  return to_text(Json{{"messages", messages}});
}

std::string evaluation_line(const ClockExercise& e) {
  return to_text(Json{{"question", e.question}, {"answer", e.answer}});
}

}  // namespace bantam::recipe
