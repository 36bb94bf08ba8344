// Ranges and draws of numbers, and the hold-out.
#include "numbers.h"

#include <algorithm>
#include <utility>

#include "steps.h"

namespace bantam::recipe {
namespace {

constexpr int kMost = 999;      // of operands of sums, and of prices
constexpr int kMostDays = 30;   // of weekdays
constexpr int kMostUnits = 99;  // of units to convert

// 1 to 999, small numbers more often than their share, as people ask them.
int draw_operand(Draw& draw, bool small) {
  const int dice = draw.below(20);
  if (small) return dice < 3 ? draw.between(1, 9) : draw.between(10, 99);
  return dice < 2 ? draw.between(1, 9) : dice < 5 ? draw.between(10, 99) : draw.between(1, kMost);
}

Numbers draw_pair(Kind kind, Draw& draw) {
  const bool small = draw.chance(kind == Kind::story ? 65 : 45);
  const int a = draw_operand(draw, small);
  return {a, draw_operand(draw, small)};
}

Numbers draw_comparison(Draw& draw) {
  Numbers n = draw_pair(Kind::comparison, draw);
  // Near numbers are the ones worth asking about.
  const int dice = draw.below(20);
  if (dice < 6) n.b = n.a / 10 * 10 + draw.below(10);
  if (dice >= 6 && dice < 11) n.b = n.a / 100 * 100 + draw.below(100);
  if (n.b == 0 || n.b == n.a) n.b = n.a % kMost + 1;
  return n;
}

// The amount paid is round: 20 to 990.
Numbers draw_change(Draw& draw) {
  const int paid = 10 * (draw.chance(40) ? draw.between(2, 10) : draw.between(11, 99));
  return {paid, draw.between(1, paid - 1)};
}

Numbers draw_groups(Operation operation, Draw& draw) {
  Numbers n{draw.between(2, 9), draw.between(2, 9)};
  const int product = n.a * n.b;
  if (operation == Operation::times_plus) n.c = draw.between(2, 99);
  if (operation == Operation::times_minus) n.c = draw.between(1, product - 1);
  if (operation == Operation::minus_times) n.c = draw.between(product, 99);
  return n;
}

}  // namespace

Numbers draw_numbers(Kind kind, Operation operation, Draw& draw) {
  switch (operation) {
    case Operation::add:
      return draw_pair(kind, draw);
    case Operation::subtract: {
      if (kind == Kind::change) return draw_change(draw);
      Numbers n = draw_pair(kind, draw);
      if (n.a < n.b) std::swap(n.a, n.b);
      return n;
    }
    case Operation::multiply: {
      const int a = draw_operand(draw, draw.chance(50));
      // No price of one: "1 dollars".
      return {kind == Kind::total ? std::max(a, 2) : a, draw.between(2, 9)};
    }
    case Operation::larger:
    case Operation::smaller:
      return draw_comparison(draw);
    case Operation::convert:
      return {draw.chance(30) ? draw.between(1, 9) : draw.between(1, kMostUnits),
              draw.below(static_cast<int>(kUnits.size()))};
    case Operation::weekday_after:
    case Operation::weekday_before:
      return {draw.between(1, kMostDays), draw.below(7)};
    case Operation::date_after: {
      const int month = draw.between(1, 12);
      const int length = month_length(month);
      const int day = draw.chance(50) ? draw.between(20, length) : draw.between(1, length);
      return {draw.between(1, 9), month, day};
    }
    case Operation::times_plus:
    case Operation::times_minus:
    case Operation::minus_times:
      return draw_groups(operation, draw);
  }
  return {};
}

Side side_of(Operation operation, const Numbers& numbers) {
  Numbers n = numbers;
  const bool either_order = operation == Operation::add || operation == Operation::larger ||
                            operation == Operation::smaller;
  if (either_order && n.a > n.b) std::swap(n.a, n.b);
  if (operation == Operation::smaller) operation = Operation::larger;
  if (operation == Operation::convert) {  // kilometers and kilograms are one sum
    const Unit& unit = kUnits[static_cast<std::size_t>(n.b)];
    n.b = 10 * unit.digit + unit.zeros;
  }
  const auto packed = static_cast<std::uint64_t>(operation) << 48 |
                      static_cast<std::uint64_t>(n.a) << 32 |
                      static_cast<std::uint64_t>(n.b) << 16 | static_cast<std::uint64_t>(n.c);
  return mix64(packed + 0x9e3779b97f4a7c15u) % 10 == 0 ? Side::evaluation : Side::training;
}

std::uint64_t numbers_count(Kind kind, Operation operation) {
  constexpr std::uint64_t most = kMost;
  std::uint64_t count = 0;
  switch (operation) {
    case Operation::add:
      return most * most;
    case Operation::subtract:
      if (kind == Kind::change) {
        for (std::uint64_t paid = 20; paid <= 990; paid += 10) count += paid - 1;
        return count;
      }
      return most * (most + 1) / 2;
    case Operation::multiply:
      return (kind == Kind::total ? most - 1 : most) * 8;
    case Operation::larger:
    case Operation::smaller:
      return most * (most - 1);
    case Operation::convert:
      return kMostUnits * kUnits.size();
    case Operation::weekday_after:
    case Operation::weekday_before:
      return kMostDays * 7;
    case Operation::date_after:
      return 365 * 9;
    case Operation::times_plus:
      return 8 * 8 * 98;
    case Operation::times_minus:
    case Operation::minus_times:
      for (std::uint64_t a = 2; a <= 9; ++a) {
        for (std::uint64_t b = 2; b <= 9; ++b) {
          count += operation == Operation::times_minus ? a * b - 1 : 100 - a * b;
        }
      }
      return count;
  }
  return count;
}

}  // namespace bantam::recipe
