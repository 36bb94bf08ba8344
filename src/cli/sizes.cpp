#include "cli/sizes.h"

#include <charconv>
#include <cmath>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "cli/options.h"

namespace bantam::cli {

namespace {

// What stands behind the number, as a factor; 0: no unit.
double unit_factor(std::string_view unit) {
  static constexpr std::pair<char, double> kPrefixes[] = {{'k', 1}, {'m', 2}, {'g', 3}, {'t', 4}};
  std::string lower;
  for (const char c : unit) lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (lower.empty() || lower == "b") return 1;
  for (const auto& [prefix, power] : kPrefixes) {
    if (lower.front() != prefix) continue;
    const std::string rest = lower.substr(1);
    if (rest.empty() || rest == "b") return std::pow(1000.0, power);
    if (rest == "i" || rest == "ib") return std::pow(1024.0, power);
  }
  return 0;
}

}  // namespace

std::int64_t parse_bytes(const std::string& text, const std::string& option, std::int64_t least) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [unit, error] = std::from_chars(text.data(), end, number);
  std::string_view rest(unit, static_cast<std::size_t>(end - unit));
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  const double bytes = error == std::errc() ? number * unit_factor(rest) : 0;
  if (bytes >= static_cast<double>(least) && bytes < 1e18) return std::llround(bytes);
  throw unfit(option,
              least > 1 ? "a size of at least " + std::to_string(least) +
                              " bytes, such as 800MB, 1.5G or 512MiB,"
                        : "a size such as 800MB, 1.5G or 512MiB",
              text);
}

}  // namespace bantam::cli
