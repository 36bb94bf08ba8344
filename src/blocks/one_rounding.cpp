#include "blocks/one_rounding.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace bantam::blocks {

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// q - lowest = the whole number under (x - minimum) / d + offset; q = 0 where nothing can be
// divided by d.
void round_codes(const float* x, std::int64_t count, ScaleAndMinimum s, float offset, int lowest,
                 int highest, std::int8_t* q) {
  const float inverse = s.d != 0 ? 1 / s.d : 0;
  const bool usable = std::isfinite(s.d) && std::isfinite(inverse);
  const auto most = static_cast<float>(highest - lowest);
  for (std::int64_t i = 0; i < count; ++i) {
    const float code = usable ? std::min(most, (x[i] - s.minimum) * inverse + offset)
                              : static_cast<float>(-lowest);
    q[i] = static_cast<std::int8_t>(static_cast<int>(code) + lowest);
  }
}

}  // namespace

bool all_finite(const float* x, std::int64_t count) {
  return std::all_of(x, x + count, [](float v) { return std::isfinite(v); });
}

float round_symmetric(const float* x, std::int64_t count, int lowest, std::int8_t* q) {
  float peak = 0;
  for (std::int64_t i = 0; i < count; ++i)
    if (std::fabs(x[i]) > std::fabs(peak)) peak = x[i];
  const float d = all_finite(x, count) ? peak / static_cast<float>(lowest) : kNan;
  round_codes(x, count, {d, 0}, 0.5f - static_cast<float>(lowest), lowest, -lowest - 1, q);
  return d;
}

ScaleAndMinimum round_affine(const float* x, std::int64_t count, int highest, std::int8_t* q) {
  const auto [least, most] = std::minmax_element(x, x + count);
  ScaleAndMinimum s{kNan, kNan};
  if (all_finite(x, count)) s = {(*most - *least) / static_cast<float>(highest), *least};
  round_codes(x, count, s, 0.5f, 0, highest, q);
  return s;
}

}  // namespace bantam::blocks
