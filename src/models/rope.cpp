#include "models/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.h"
#include "kernels/math.h"
#include "models/config.h"

namespace bantam::models {

namespace {

double d(std::int64_t i) { return static_cast<double>(i); }

double wavelength(double base, std::int64_t pair, std::int64_t width) {
  return bantam_pow(base, 2.0 * d(pair) / d(width));
}

// The pair that turns `turns` times within `context` positions: not a whole number.
double pair_of_turns(double turns, double base, std::int64_t width, std::int64_t context) {
  return d(width) * bantam_log(d(context) / (turns * 2 * std::numbers::pi)) /
         (2 * bantam_log(base));
}

// Slow pairs are stretched (their share is 1), fast ones are not, between them a ramp.
std::vector<double> yarn_shares(const RopeScaling& s, double base, std::int64_t width) {
  double low = pair_of_turns(static_cast<double>(s.beta_fast), base, width, s.original_context);
  double high = pair_of_turns(static_cast<double>(s.beta_slow), base, width, s.original_context);
  if (s.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, d(width - 1));
  std::vector<double> shares;
  for (std::int64_t i = 0; i < width / 2; ++i)
    shares.push_back(std::clamp((d(i) - low) / std::max(high - low, 0.001), 0.0, 1.0));
  return shares;
}

// The base grows so that the slowest pair fits the run (dynamic NTK).
double dynamic_base(const Config& c) {
  const double longer = d(std::max(c.run_context, c.context)) / d(c.context);
  const double factor = static_cast<double>(c.rope_scaling.factor);
  return c.rope_base *
         bantam_pow(factor * longer - (factor - 1), d(c.rope_width()) / d(c.rope_width() - 2));
}

bool beyond_original(const Config& c) {
  return (c.run_context > 0 ? c.run_context : c.context) > c.rope_scaling.original_context;
}

}  // namespace

ops::Rope rope_of(const Config& c) {
  ops::Rope rope;
  const std::int64_t width = c.rope_width();
  if (width == 0) return rope;
  const RopeScaling& s = c.rope_scaling;
  const double base = s.kind == "dynamic" ? dynamic_base(c) : c.rope_base;
  const double factor = static_cast<double>(s.factor);
  const std::vector<double> shares =
      s.kind == "yarn" ? yarn_shares(s, base, width) : std::vector<double>();
  const std::vector<float>& divisors =
      s.kind == "longrope" && beyond_original(c) ? s.long_divisors : s.divisors;
  auto frequencies = std::make_shared<std::vector<double>>();
  for (std::int64_t i = 0; i < width / 2; ++i) {
    const auto pair = static_cast<std::size_t>(i);
    double f = bantam_pow(base, -2.0 * d(i) / d(width));
    if (s.kind == "linear" || s.kind == "longrope") f /= factor;
    if (s.kind == "yarn") f = f / factor * shares[pair] + f * (1 - shares[pair]);
    if (!divisors.empty()) f /= static_cast<double>(divisors[pair]);
    frequencies->push_back(f);
  }
  rope.frequencies = std::move(frequencies);
  const double yarn = s.kind == "yarn" ? 1 + 0.1 * bantam_log(factor) : 1;
  rope.scale = static_cast<float>(yarn * static_cast<double>(s.attention));
  return rope;
}

ops::Rope local_rope_of(const Config& config) {
  Config plain = config;
  plain.rope_base = config.rope_local_base;
  plain.rope_scaling = {};
  return rope_of(plain);
}

// Long wavelengths are divided by the factor, short ones kept, between them a blend (transformers,
// src/transformers/modeling_rope_utils.py, _compute_llama3_parameters).
std::vector<float> llama3_divisors(double base, std::int64_t width, const RopeScaling& s) {
  std::vector<float> divisors;
  const double original = d(s.original_context), factor = static_cast<double>(s.factor);
  for (std::int64_t i = 0; i < width / 2; ++i) {
    const double length = 2 * std::numbers::pi * wavelength(base, i, width);
    double divisor = 1;
    if (length > original / s.low_factor) {
      divisor = factor;
    } else if (length >= original / s.high_factor) {
      const double blend = (original / length - s.low_factor) / (s.high_factor - s.low_factor);
      divisor = 1 / ((1 - blend) / factor + blend);
    }
    divisors.push_back(static_cast<float>(divisor));
  }
  return divisors;
}

void stretch_rope(Config& c) {
  RopeScaling& s = c.rope_scaling;
  if (c.run_context <= c.context || c.context < 1 || c.rope_width() == 0) return;
  if (!s.kind.empty() || !s.divisors.empty() || !(c.rope_base > 1)) return;
  s.kind = "yarn";
  s.original_context = c.context;
  s.factor = static_cast<float>(d(c.run_context) / d(c.context));
}

void check_rope(const Config& c, const std::string& file) {
  const RopeScaling& s = c.rope_scaling;
  const auto fail = [&](const char* field, const std::string& message) {
    throw Error(message).in(file).field(field);
  };
  const std::int64_t width = c.rope_width();
  if (width < 0 || width > c.head_dim || width % 2 != 0)
    fail("rotary width (rope.dimension_count, head_dim times partial_rotary_factor)",
         "an even number up to " + std::to_string(c.head_dim) + " was expected, not " +
             std::to_string(width));
  if (!(c.rope_base >= 1 && c.rope_base < 1e15))
    fail("rotary base (rope.freq_base, rope_theta)",
         "a number from 1 was expected, not " + std::to_string(c.rope_base));
  const char* const scaling = "rotary scaling (rope.scaling, rope_scaling)";
  if (!(s.factor > 0 && s.factor < 1e6f))
    fail(scaling, "a factor above 0 was expected, not " + std::to_string(s.factor));
  if (!(s.attention > 0 && s.attention < 1e6f))
    fail(scaling, "an attention factor above 0 was expected, not " + std::to_string(s.attention));
  if (s.kind == "dynamic" && width < 4)
    fail(scaling, "dynamic scaling needs two pairs that turn, or more");
  if ((s.kind == "dynamic" || s.kind == "yarn") && !(s.factor >= 1))
    fail(scaling, "a factor from 1 was expected, not " + std::to_string(s.factor));
  if (s.kind == "yarn" &&
      (!(s.beta_slow > 0) || !(s.beta_fast > 0) || s.original_context < 1 || !(c.rope_base > 1)))
    fail(scaling, "YaRN needs an original context, turns above 0 and a base above 1");
  for (const std::vector<float>* divisors : {&s.divisors, &s.long_divisors}) {
    const bool needed = s.kind == "longrope";
    if ((needed || !divisors->empty()) && static_cast<std::int64_t>(divisors->size()) != width / 2)
      fail("divisors of rotary frequencies (rope_freqs, rope_factors, short_factor, long_factor)",
           "one for each of " + std::to_string(width / 2) + " pairs was expected, not " +
               std::to_string(divisors->size()));
    for (const float divisor : *divisors)
      if (!(divisor > 0) || !std::isfinite(divisor))
        fail("divisors of rotary frequencies (rope_freqs, rope_factors, short_factor, long_factor)",
             "a divisor of a frequency must be a positive number");
  }
  if (s.kind == "longrope" && s.original_context < 1)
    fail(scaling, "longrope needs the original context");
}

}  // namespace bantam::models
