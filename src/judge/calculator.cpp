#include "judge/calculator.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace bantam::judge {

namespace {

// Brackets within brackets: a model may write any number of them.
constexpr int kMostDepth = 50;

bool is_decimal(char c) { return c >= '0' && c <= '9'; }

// sum: product (("+" | "-") product)*; product: value (("*" | "/") value)*;
// value: ("-" | "+")* (number | "(" sum ")") "%"?
class Sum {
 public:
  explicit Sum(std::string_view text) : rest_(text) {}

  std::optional<double> whole() {
    const double value = sum(0);
    skip();
    if (!sound_ || !rest_.empty() || !std::isfinite(value)) return std::nullopt;
    return value;
  }

 private:
  void skip() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t')) rest_.remove_prefix(1);
  }
  bool take(std::string_view sign) {
    skip();
    if (!rest_.starts_with(sign)) return false;
    rest_.remove_prefix(sign.size());
    return true;
  }

  double sum(int depth) {
    double value = product(depth);
    while (sound_) {
      if (take("+"))
        value += product(depth);
      else if (take("-") || take("−"))
        value -= product(depth);
      else
        break;
    }
    return value;
  }

  double product(int depth) {
    double result = value(depth);
    while (sound_) {
      if (take("*") || take("x") || take("×"))
        result *= value(depth);
      else if (take("/") || take("÷"))
        result /= value(depth);
      else
        break;
    }
    return result;
  }

  double value(int depth) {
    if (depth > kMostDepth) sound_ = false;
    if (!sound_) return 0;
    if (take("-") || take("−")) return -value(depth + 1);
    if (take("+")) return value(depth + 1);
    double result = 0;
    if (take("(")) {
      result = sum(depth + 1);
      sound_ = sound_ && take(")");
    } else {
      take("$");
      result = number();
    }
    if (take("%")) result /= 100;
    return result;
  }

  double number() {
    skip();
    std::string digits;
    bool any = false;
    for (; !rest_.empty(); rest_.remove_prefix(1)) {
      const char c = rest_.front();
      // A comma stands between digits: 1,200.
      const bool comma = c == ',' && any && rest_.size() > 1 && is_decimal(rest_[1]);
      if (!is_decimal(c) && c != '.' && !comma) break;
      any = any || is_decimal(c);
      if (!comma) digits += c;
    }
    char* end = nullptr;
    const double value = std::strtod(digits.c_str(), &end);
    if (!any || end != digits.c_str() + digits.size()) sound_ = false;
    return value;
  }

  std::string_view rest_;
  bool sound_ = true;
};

}  // namespace

std::optional<std::string> calculate(std::string_view expression) {
  std::optional<double> value = Sum(expression).whole();
  if (!value) return std::nullopt;
  char text[400];
  // Ten digits that count; %f spells large and small ones without an exponent.
  const double size = std::fabs(*value);
  const int before = size < 1 ? 0 : static_cast<int>(std::floor(std::log10(size))) + 1;
  std::snprintf(text, sizeof text, "%.*f", before >= 10 ? 0 : 10 - before, *value);
  std::string out = text;
  if (out.find('.') != std::string::npos) {
    while (out.ends_with('0')) out.pop_back();
    if (out.ends_with('.')) out.pop_back();
  }
  return out == "-0" ? "0" : out;
}

}  // namespace bantam::judge
