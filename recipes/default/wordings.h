// The ways of asking: tables of wordings, one line each, and what the places in them stand for.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "corpus.h"

namespace bantam::recipe {

enum class Operation : std::uint8_t {
  add,             // a + b
  subtract,        // a - b
  multiply,        // a x b, b has one digit
  larger,          // of a and b
  smaller,         // of a and b
  convert,         // a of unit number b, in its smaller unit
  weekday_after,   // a days after weekday b
  weekday_before,  // a days before weekday b
  date_after,      // a days (1 to 9) after day c of month b
  times_plus,      // a x b + c, a and b have one digit
  times_minus,     // a x b - c
  minus_times,     // c - a x b
};

struct Numbers {
  int a = 0, b = 0, c = 0;
};

// Places, in braces: a b c are numbers; + - * = operators as people type them; n and N two names; o
// a thing, s one of it (English); k its measure word (Chinese); u v units; w a weekday, W the same
// another way (Chinese); m a month; d "day" or "days".
struct Wording {
  Kind kind;
  Operation operation;
  std::string_view text;
};
std::span<const Wording> wordings(Language language);

struct Unit {
  int digit, zeros;                   // how many of the smaller unit: digit x 10^zeros
  std::string_view one, many, small;  // English
  std::string_view chinese, small_chinese;
};
inline constexpr std::array<Unit, 9> kUnits{{
    {1, 3, "kilometer", "kilometers", "meters", "公里", "公尺"},
    {1, 2, "meter", "meters", "centimeters", "公尺", "公分"},
    {1, 1, "centimeter", "centimeters", "millimeters", "公分", "公釐"},
    {1, 3, "kilogram", "kilograms", "grams", "公斤", "公克"},
    {1, 3, "liter", "liters", "milliliters", "公升", "毫升"},
    {6, 1, "hour", "hours", "minutes", "小時", "分鐘"},
    {6, 1, "minute", "minutes", "seconds", "分鐘", "秒"},
    {7, 0, "week", "weeks", "days", "週", "天"},
    {1, 2, "century", "centuries", "years", "世紀", "年"},
}};

struct Thing {
  std::string_view one, many;       // English
  std::string_view measure, thing;  // Chinese
};
inline constexpr std::array<Thing, 4> kThings{{
    {"pen", "pens", "枝", "筆"},
    {"book", "books", "本", "書"},
    {"cup", "cups", "個", "杯子"},
    {"ball", "balls", "顆", "球"},
}};

struct Name {
  std::string_view english, chinese;
};
inline constexpr std::array<Name, 4> kNames{
    {{"Tom", "小明"}, {"Amy", "小美"}, {"Ben", "小華"}, {"Mia", "小玉"}}};

inline constexpr std::array<std::string_view, 7> kWeekdays{
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
inline constexpr std::array<std::string_view, 7> kChineseWeekdays{"日", "一", "二", "三",
                                                                  "四", "五", "六"};
inline constexpr std::array<std::string_view, 12> kMonths{
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};

}  // namespace bantam::recipe
