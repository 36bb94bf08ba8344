// Worked answers: the columns of sums.
#include "steps.h"

#include <algorithm>

namespace bantam::recipe {
namespace {

std::string text(int value) { return std::to_string(value); }

std::string padded(int value, int digits) {
  const std::string plain = text(value);
  const auto width = static_cast<std::size_t>(digits);
  return plain.size() < width ? std::string(width - plain.size(), '0') + plain : plain;
}

int digits_of(int value) { return static_cast<int>(text(value).size()); }

// Two columns at least, so that short numbers are worked like the others.
int columns_of(int a, int b) { return std::max({2, digits_of(a), digits_of(b)}); }

int power_of_ten(int exponent) {
  int value = 1;
  for (int i = 0; i < exponent; ++i) value *= 10;
  return value;
}

int digit(int value, int place) { return value / power_of_ten(place) % 10; }

// n less the largest multiple of 7 in it: "10-07=3".
std::string sevens_step(int n) {
  return padded(n, 2) + "-" + padded(n / 7 * 7, 2) + "=" + text(n % 7);
}

}  // namespace

std::string add_steps(int a, int b) {
  const int columns = columns_of(a, b);
  std::string out = padded(a, columns) + "+" + padded(b, columns);
  int carry = 0;
  for (int i = 0; i < columns; ++i) {
    const int x = digit(a, i), y = digit(b, i), sum = x + y + carry;
    out += " " + text(x) + "+" + text(y) + (i > 0 ? "+" + text(carry) : "") + "=" + padded(sum, 2);
    carry = sum / 10;
  }
  return out;
}

std::string subtract_steps(int a, int b) {
  const int columns = columns_of(a, b);
  std::string out = padded(a, columns) + "-" + padded(b, columns);
  int borrowed = 0;
  for (int i = 0; i < columns; ++i) {
    const int x = digit(a, i), y = digit(b, i);
    const int borrow = x < y + borrowed ? 1 : 0;
    out += " " + text(borrow) + text(x) + "-" + text(y) + (i > 0 ? "-" + text(borrowed) : "") +
           "=" + text(10 * borrow + x - y - borrowed);
    borrowed = borrow;
  }
  return out;
}

std::string multiply_steps(int a, int b, int zeros) {
  std::string out = text(a) + "×" + text(b * power_of_ten(zeros));
  int carry = 0;
  for (int i = 0; i < digits_of(a); ++i) {
    const int product = digit(a, i) * b;
    out += " " + text(digit(a, i)) + "×" + text(b) + "=" + padded(product, 2);
    if (i > 0) out += " +" + text(carry) + "=" + padded(product + carry, 2);
    carry = (product + carry) / 10;
  }
  return out;
}

// The letters are in the order that makes the last one follow from the sign alone. In one order for
// both questions, that letter was an exclusive or, and 0.57 of the comparisons were right.
std::string compare_steps(int a, int b, bool larger) {
  const int columns = columns_of(a, b);
  std::string out =
      (larger ? "A:" : "B:") + padded(a, columns) + (larger ? " B:" : " A:") + padded(b, columns);
  for (int i = columns - 1; i >= 0; --i) {
    const int x = digit(a, i), y = digit(b, i);
    out += " " + text(x) + (x == y ? "=" : x < y ? "<" : ">") + text(y);
    if (x != y) break;
  }
  return out + (a > b ? " A" : " B");
}

std::string weekday_steps(int weekday, int days, bool before) {
  const int rest = days % 7;
  const int moved = before ? weekday + 7 - rest : weekday + rest;
  return sevens_step(days) + " " + text(weekday) + (before ? "+7-" : "+") + text(rest) + "=" +
         padded(moved, 2) + " " + sevens_step(moved);
}

std::string date_steps(int day, int days, int length) {
  const int ones = day % 10 + days, tens = day / 10 + ones / 10, sum = day + days;
  std::string out = padded(day, 2) + "+" + text(days) + " " + text(day % 10) + "+" + text(days) +
                    "=" + padded(ones, 2) + " " + text(day / 10) + "+" + text(ones / 10) + "=" +
                    text(tens) + " " + text(length);
  out += (length < sum ? "<" : length == sum ? "=" : ">") + padded(sum, 2);
  if (length < sum) out += " " + text(sum) + "-" + text(length) + "=" + text(sum - length);
  return out;
}

int month_length(int month) {
  return month == 2 ? 28 : month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

namespace {

Worked work_date(const Numbers& n, Language language) {
  const int length = month_length(n.b), sum = n.c + n.a;
  const int month = sum <= length ? n.b : n.b % 12 + 1;
  const int day = sum <= length ? sum : sum - length;
  std::string answer;
  if (language == Language::english) {
    answer = std::string(kMonths[static_cast<std::size_t>(month - 1)]) + " " + text(day);
  } else {
    answer = text(month) + "月" + text(day) + "日";
  }
  return {date_steps(n.c, n.a, length), answer};
}

Worked work_weekday(const Numbers& n, bool before, Language language) {
  const int rest = n.a % 7;
  const auto day = static_cast<std::size_t>((before ? n.b + 7 - rest : n.b + rest) % 7);
  return {weekday_steps(n.b, n.a, before), language == Language::english
                                               ? std::string(kWeekdays[day])
                                               : "星期" + std::string(kChineseWeekdays[day])};
}

std::string times_step(int a, int b) {
  return text(a) + "×" + text(b) + "=" + padded(a * b, 2) + " ";
}

}  // namespace

Worked work(Operation operation, const Numbers& n, Language language) {
  const int a = n.a, b = n.b, c = n.c;
  switch (operation) {
    case Operation::add:
      return {add_steps(a, b), text(a + b)};
    case Operation::subtract:
      return {subtract_steps(a, b), text(a - b)};
    case Operation::multiply:
      return {multiply_steps(a, b), text(a * b)};
    case Operation::larger:
      return {compare_steps(a, b, true), text(std::max(a, b))};
    case Operation::smaller:
      return {compare_steps(a, b, false), text(std::min(a, b))};
    case Operation::convert: {
      const Unit& unit = kUnits[static_cast<std::size_t>(b)];
      return {multiply_steps(a, unit.digit, unit.zeros),
              text(a * unit.digit * power_of_ten(unit.zeros))};
    }
    case Operation::weekday_after:
    case Operation::weekday_before:
      return work_weekday(n, operation == Operation::weekday_before, language);
    case Operation::date_after:
      return work_date(n, language);
    case Operation::times_plus:
      return {times_step(a, b) + add_steps(a * b, c), text(a * b + c)};
    case Operation::times_minus:
      return {times_step(a, b) + subtract_steps(a * b, c), text(a * b - c)};
    case Operation::minus_times:
      return {times_step(a, b) + subtract_steps(c, a * b), text(c - a * b)};
  }
  return {};
}

}  // namespace bantam::recipe
