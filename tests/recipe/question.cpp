// Reads questions: numbers by their digits, operations by the words that only they use.
#include "question.h"

#include <algorithm>
#include <map>
#include <stdexcept>

namespace bantam::recipe::test {
namespace {

using Strings = std::vector<std::string>;

bool has(const std::string& text, const Strings& words) {
  return std::any_of(words.begin(), words.end(),
                     [&](const std::string& w) { return text.find(w) != std::string::npos; });
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::vector<int> numbers_in(const std::string& text) {
  std::vector<int> out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!is_digit(text[i])) continue;
    std::size_t length = 0;
    out.push_back(std::stoi(text.substr(i), &length));
    i += length;
  }
  return out;
}

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return text;
}

// The number that stands right before (or after) a word, spaces aside.
int number_before(const std::string& text, std::size_t place) {
  while (place > 0 && text[place - 1] == ' ') --place;
  std::size_t begin = place;
  while (begin > 0 && is_digit(text[begin - 1])) --begin;
  return begin == place ? -1 : std::stoi(text.substr(begin, place - begin));
}
int number_after(const std::string& text, std::size_t place) {
  while (place < text.size() && text[place] == ' ') ++place;
  return place < text.size() && is_digit(text[place]) ? std::stoi(text.substr(place)) : -1;
}

// Sizes in the smallest unit of a dimension (1 mm, 1 g, 1 mL, 1 s, 1 day, 1 year).
struct UnitSize {
  const char* name;
  int size;
};
const UnitSize kSizes[] = {
    {"kilometer", 1'000'000},
    {"centimeter", 10},
    {"millimeter", 1},
    {"meter", 1'000},
    {"kilogram", 1'000},
    {"gram", 1},
    {"milliliter", 1},
    {"liter", 1'000},
    {"hour", 3'600},
    {"minute", 60},
    {"second", 1},
    {"week", 7},
    {"day", 1},
    {"centur", 100},
    {"year", 1},
    {"公里", 1'000'000},
    {"公尺", 1'000},
    {"公分", 10},
    {"公釐", 1},
    {"公斤", 1'000},
    {"公克", 1},
    {"公升", 1'000},
    {"毫升", 1},
    {"小時", 3'600},
    {"分鐘", 60},
    {"秒", 1},
    {"週", 7},
    {"天", 1},
    {"世紀", 100},
    {"年", 1},
};

Asked read_units(std::string text) {
  int count = -1, big = 0, small = 0;
  for (const UnitSize& unit : kSizes) {  // longer names stand before those that they contain
    const std::string name = unit.name;
    for (auto i = text.find(name); i != std::string::npos; i = text.find(name)) {
      if (const int n = number_before(text, i); n >= 0) {
        count = n;
        big = unit.size;
      } else {
        small = unit.size;
      }
      text.replace(i, name.size(), "|");
    }
  }
  if (count < 0 || small == 0 || big % small != 0) throw std::runtime_error("which units?");
  return {"units", {count, big, small}, std::to_string(count * (big / small))};
}

Asked read_weekday(const std::string& text, Language language) {
  const Strings english{"sunday",   "monday", "tuesday", "wednesday",
                        "thursday", "friday", "saturday"};
  const Strings chinese{"日", "一", "二", "三", "四", "五", "六"};
  const Strings shown{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
  int day = -1;
  for (int i = 0; i < 7; ++i) {
    const auto k = static_cast<std::size_t>(i);
    if (has(text, {english[k], "星期" + chinese[k], "禮拜" + chinese[k]})) day = i;
  }
  const bool before = has(text, {"ago", "before", "前"});
  const int days = numbers_in(text).at(0);
  if (day < 0) throw std::runtime_error("which day?");
  int then = day;
  for (int i = 0; i < days; ++i) then = before ? (then == 0 ? 6 : then - 1) : (then + 1) % 7;
  const auto k = static_cast<std::size_t>(then);
  return {before ? "before" : "after",
          {days, day},
          language == Language::english ? shown[k] : "星期" + chinese[k]};
}

Asked read_date(const std::string& text, Language language) {
  const Strings months{"January", "February", "March",     "April",   "May",      "June",
                       "July",    "August",   "September", "October", "November", "December"};
  const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  int month = -1, day = -1, days = -1;
  if (language == Language::english) {
    for (int i = 0; i < 12; ++i) {
      const std::string name = lower(months[static_cast<std::size_t>(i)]);
      const auto place = text.find(name + " ");
      if (place == std::string::npos) continue;
      month = i;
      day = number_after(text, place + name.size());
    }
    days = number_before(text, text.find(" day"));
  } else {
    month = number_before(text, text.find("月")) - 1;
    day = number_before(text, text.find("日"));
    days = number_before(text, text.rfind("天"));
  }
  if (month < 0 || month > 11 || day < 1 || day > lengths[month] || days < 1) {
    throw std::runtime_error("which date?");
  }
  const std::vector<int> numbers{days, month, day};
  for (int i = 0; i < days; ++i) {
    if (++day > lengths[month]) {
      day = 1;
      month = (month + 1) % 12;
    }
  }
  return {"date", numbers,
          language == Language::english
              ? months[static_cast<std::size_t>(month)] + " " + std::to_string(day)
              : std::to_string(month + 1) + "月" + std::to_string(day) + "日"};
}

Asked add(int a, int b) { return {"+", {std::min(a, b), std::max(a, b)}, std::to_string(a + b)}; }
Asked subtract(int a, int b) { return {"-", {a, b}, std::to_string(a - b)}; }

Asked read_two_step(const std::string& text, const std::vector<int>& n) {
  if (has(text, {"gets", "bag", "又買"})) {
    return {"×+", n, std::to_string(n.at(0) * n.at(1) + n.at(2))};
  }
  if (has(text, {"gives away", "送出"})) {
    return {"×-", n, std::to_string(n.at(0) * n.at(1) - n.at(2))};
  }
  return {"-×", {n.at(1), n.at(2), n.at(0)}, std::to_string(n.at(0) - n.at(1) * n.at(2))};
}

}  // namespace

Asked read_question(const Dialogue& d) {
  const std::string text = lower(d.question);
  const auto n = numbers_in(text);
  switch (d.kind) {
    case Kind::addition:
      return add(n.at(0), n.at(1));
    case Kind::subtraction:
      return has(text, {"from"}) ? subtract(n.at(1), n.at(0)) : subtract(n.at(0), n.at(1));
    case Kind::multiplication:
      return {"×", n, std::to_string(n.at(0) * n.at(1))};
    case Kind::total: {
      // The price is the number of dollars; the other one counts things.
      const auto unit = text.find(d.language == Language::english ? " dollars" : "元");
      const int price = number_before(text, unit);
      const int count = n.at(0) == price ? n.at(1) : n.at(0);
      return {"×", {price, count}, std::to_string(price * count)};
    }
    case Kind::comparison: {
      const bool larger = has(text, {"larger", "bigger", "大"});
      return {"larger",
              {std::min(n.at(0), n.at(1)), std::max(n.at(0), n.at(1))},
              std::to_string(larger ? std::max(n[0], n[1]) : std::min(n[0], n[1]))};
    }
    case Kind::units:
      return read_units(text);
    case Kind::weekday:
      return read_weekday(text, d.language);
    case Kind::date:
      return read_date(text, d.language);
    case Kind::change:
      return subtract(std::max(n.at(0), n.at(1)), std::min(n.at(0), n.at(1)));
    case Kind::story:
      if (has(text, {"gets", "buys", "together", "children", "又買", "又拿到", "共有"})) {
        return add(n.at(0), n.at(1));
      }
      return subtract(n.at(0), n.at(1));
    case Kind::two_step:
      return read_two_step(text, n);
  }
  throw std::runtime_error("an unknown kind");
}

}  // namespace bantam::recipe::test
