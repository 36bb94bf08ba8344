// Python's operators; see jinja_arithmetic.h.
#include "chat/jinja_arithmetic.h"

#include <cmath>

#include "base/error.h"
#include "chat/jinja_format.h"
#include "chat/jinja_interpreter.h"
#include "chat/jinja_print.h"
#include "chat/jinja_text.h"

namespace bantam::chat::jinja {

namespace {

[[noreturn]] void overflow() {
  throw Error("the number does not fit 64 bits; templates cannot compute with larger integers");
}

[[noreturn]] void division_by_zero() { throw Error("division by zero"); }

// Rounded down, with the remainder's sign that of the divisor.
std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
  if (b == 0) division_by_zero();
  if (b == -1) {
    if (a == INT64_MIN) overflow();
    return -a;
  }
  return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

std::int64_t modulo(std::int64_t a, std::int64_t b) {
  if (b == 0) division_by_zero();
  if (b == -1) return 0;
  const std::int64_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

std::int64_t power(std::int64_t base, std::int64_t exponent) {
  std::int64_t out = 1;
  for (std::int64_t square = base;;) {
    if ((exponent & 1) && __builtin_mul_overflow(out, square, &out)) overflow();
    exponent >>= 1;
    if (exponent == 0) return out;
    if (__builtin_mul_overflow(square, square, &square)) overflow();
  }
}

Value of_integers(BinaryOp op, std::int64_t a, std::int64_t b) {
  std::int64_t out = 0;
  switch (op) {
    case BinaryOp::add:
      if (__builtin_add_overflow(a, b, &out)) overflow();
      return Value::integer(out);
    case BinaryOp::subtract:
      if (__builtin_sub_overflow(a, b, &out)) overflow();
      return Value::integer(out);
    case BinaryOp::multiply:
      if (__builtin_mul_overflow(a, b, &out)) overflow();
      return Value::integer(out);
    case BinaryOp::divide:
      if (b == 0) division_by_zero();
      // Correctly rounded, as Python's is, where both are exact doubles.
      return Value::real(static_cast<double>(a) / static_cast<double>(b));
    case BinaryOp::floor_divide:
      return Value::integer(floor_divide(a, b));
    case BinaryOp::modulo:
      return Value::integer(modulo(a, b));
    case BinaryOp::power:
      if (b >= 0) return Value::integer(power(a, b));
      if (a == 0) division_by_zero();
      return Value::real(std::pow(static_cast<double>(a), static_cast<double>(b)));
  }
  return {};
}

double float_modulo(double a, double b) {
  const double rest = std::fmod(a, b);
  if (rest == 0) return std::copysign(0.0, b);
  return (rest < 0) != (b < 0) ? rest + b : rest;
}

// CPython's float_floor_div (Objects/floatobject.c): the quotient of the exact remainder.
double float_floor_divide(double a, double b) {
  const double rest = float_modulo(a, b);
  const double quotient = (a - rest) / b;
  if (quotient == 0) return std::copysign(0.0, a / b);
  const double floored = std::floor(quotient);
  return quotient - floored > 0.5 ? floored + 1 : floored;
}

Value of_reals(BinaryOp op, double a, double b) {
  const bool divides =
      op == BinaryOp::divide || op == BinaryOp::floor_divide || op == BinaryOp::modulo;
  if (divides && b == 0) division_by_zero();
  switch (op) {
    case BinaryOp::add:
      return Value::real(a + b);
    case BinaryOp::subtract:
      return Value::real(a - b);
    case BinaryOp::multiply:
      return Value::real(a * b);
    case BinaryOp::divide:
      return Value::real(a / b);
    case BinaryOp::floor_divide:
      return Value::real(float_floor_divide(a, b));
    case BinaryOp::modulo:
      return Value::real(float_modulo(a, b));
    case BinaryOp::power:
      break;
  }
  if (a == 0 && b < 0) division_by_zero();
  if (a < 0 && std::isfinite(b) && b != std::floor(b))
    throw Error("a negative number to a broken power is a complex number");
  const double out = std::pow(a, b);
  if (std::isinf(out) && std::isfinite(a) && std::isfinite(b)) overflow();
  return Value::real(out);
}

Value repeat(Interpreter& with, const Value& value, const Value& times) {
  const std::int64_t count = std::max<std::int64_t>(times.integer(), 0);
  if (value.is(Type::string)) {
    Sink out(with.meter);
    out.repeat(value.text(), count);
    return with.string(out.take(), value.is_markup());
  }
  const Values& items = value.items();
  if (!items.empty() && static_cast<std::uint64_t>(count) >
                            (with.meter.limit - with.meter.live) / sizeof(Value) / items.size())
    with.meter.take(with.meter.limit + 1);
  Values out;
  if (!items.empty())
    for (std::int64_t i = 0; i < count; ++i) out.insert(out.end(), items.begin(), items.end());
  return value.is(Type::list) ? with.list(std::move(out)) : with.tuple(std::move(out));
}

Value add_strings(Interpreter& with, const Value& left, const Value& right) {
  Sink out(with.meter);
  const bool markup = left.is_markup() || right.is_markup();
  out.append(markup ? escaped(with, left) : left.text());
  out.append(markup ? escaped(with, right) : right.text());
  return with.string(out.take(), markup);
}

Value add_sequences(Interpreter& with, const Value& left, const Value& right) {
  Values out = left.items();
  out.insert(out.end(), right.items().begin(), right.items().end());
  return left.is(Type::list) ? with.list(std::move(out)) : with.tuple(std::move(out));
}

const char* spelling(BinaryOp op) {
  switch (op) {
    case BinaryOp::add:
      return "+";
    case BinaryOp::subtract:
      return "-";
    case BinaryOp::multiply:
      return "*";
    case BinaryOp::divide:
      return "/";
    case BinaryOp::floor_divide:
      return "//";
    case BinaryOp::modulo:
      return "%";
    case BinaryOp::power:
      return "**";
  }
  return "?";
}

}  // namespace

Value arithmetic(Interpreter& with, BinaryOp op, const Value& left, const Value& right) {
  if (left.is_whole() && right.is_whole()) return of_integers(op, left.integer(), right.integer());
  if (left.is_number() && right.is_number()) return of_reals(op, left.real(), right.real());
  if (op == BinaryOp::add) {
    if (left.is(Type::string) && right.is(Type::string)) return add_strings(with, left, right);
    if (left.is_sequence() && left.type() == right.type()) return add_sequences(with, left, right);
  }
  if (op == BinaryOp::modulo && left.is(Type::string)) return percent_format(with, left, right);
  if (op == BinaryOp::multiply) {
    if ((left.is(Type::string) || left.is_sequence()) && right.is_whole())
      return repeat(with, left, right);
    if ((right.is(Type::string) || right.is_sequence()) && left.is_whole())
      return repeat(with, right, left);
  }
  require_defined(left);
  require_defined(right);
  throw Error(std::string("'") + spelling(op) + "' cannot join '" + type_name(left) + "' and '" +
              type_name(right) + "'");
}

Value negative(const Value& value) {
  if (value.is(Type::real)) return Value::real(-value.real());
  require_defined(value);
  if (!value.is_whole()) throw Error("a '" + type_name(value) + "' has no negative");
  if (value.integer() == INT64_MIN) overflow();
  return Value::integer(-value.integer());
}

Value positive(const Value& value) {
  require_defined(value);
  if (!value.is_number()) throw Error("a '" + type_name(value) + "' is not a number");
  return value.is(Type::real) ? value : Value::integer(value.integer());
}

std::string escaped(Interpreter& with, const Value& value) {
  if (value.is_markup()) return value.text();
  Sink out(with.meter);
  for (const char c : to_text(with, value)) {
    switch (c) {
      case '&':
        out.append("&amp;");
        break;
      case '<':
        out.append("&lt;");
        break;
      case '>':
        out.append("&gt;");
        break;
      case '\'':
        out.append("&#39;");
        break;
      case '"':
        out.append("&#34;");
        break;
      default:
        out.append(c);
    }
  }
  return out.take();
}

}  // namespace bantam::chat::jinja
