#include "judge/row_summary.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>

#include "base/error.h"
#include "kernels/math.h"

// A row is a tenth of the time of a small model's token: the compiler makes a form for each width of
// vectors. Nothing is fused (-ffp-contract=off), so that all of them give the same bits.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define BANTAM_EACH_WIDTH __attribute__((target_clones("default", "avx2", "avx512f")))
#else
#define BANTAM_EACH_WIDTH
#endif

namespace bantam::judge {

namespace {

constexpr std::size_t kLanes = 8;
// Eight numbers side by side, in as many registers as they take (GCC's and clang's vector types).
using Doubles = double __attribute__((vector_size(64)));
using Words = std::uint64_t __attribute__((vector_size(64)));
using Floats = float __attribute__((vector_size(32)));

// e^x for x from -700 to 0, within 3e-13 of its size: 2^k times a polynomial in what is left. In place,
// as a vector may not be handed over by value between forms for several widths.
inline __attribute__((always_inline)) void quick_exp(Doubles& x) {
  constexpr double kLeast = -700;
  constexpr double kRound = 6755399441055744.0;  // 1.5 * 2^52: adding it rounds to a whole number
  const Doubles least = kLeast - Doubles{};
  x = x < least ? least : x;
  const Doubles shifted = x * 1.4426950408889634 + kRound;
  const Doubles k = shifted - kRound;
  const Doubles r = (x - k * 0.693147180369123816490) - k * 1.90821492927058770002e-10;
  Doubles p = r * (1.0 / 3628800) + 1.0 / 362880;
  p = p * r + 1.0 / 40320;
  p = p * r + 1.0 / 5040;
  p = p * r + 1.0 / 720;
  p = p * r + 1.0 / 120;
  p = p * r + 1.0 / 24;
  p = p * r + 1.0 / 6;
  p = p * r + 0.5;
  p = p * r + 1.0;
  p = p * r + 1.0;
  // k stands in the low bits of `shifted`; moved up they are the exponent.
  x = reinterpret_cast<Doubles>(reinterpret_cast<Words>(p) + (reinterpret_cast<Words>(shifted) << 52));
}

// lanes[i % 8] = the sum of e^(logits[i] - top), over whole groups of 8.
BANTAM_EACH_WIDTH void add_exponentials(const float* logits, std::size_t groups, double top, double* lanes) {
  Doubles sum = {};
  for (std::size_t g = 0; g < groups; ++g) {
    Floats row;
    std::memcpy(&row, logits + g * kLanes, sizeof row);
    Doubles x = __builtin_convertvector(row, Doubles) - top;
    quick_exp(x);
    sum += x;
  }
  std::memcpy(lanes, &sum, sizeof sum);
}

// The largest of whole groups; a NaN may be passed over.
BANTAM_EACH_WIDTH float largest_of(const float* logits, std::size_t groups) {
  Floats most;
  std::memcpy(&most, logits, sizeof most);
  for (std::size_t g = 1; g < groups; ++g) {
    Floats row;
    std::memcpy(&row, logits + g * kLanes, sizeof row);
    most = row > most ? row : most;
  }
  float out = most[0];
  for (std::size_t j = 1; j < kLanes; ++j) out = most[j] > out ? most[j] : out;
  return out;
}

}  // namespace

RowSummary summarise(std::span<const float> logits) {
  const std::size_t groups = logits.size() / kLanes;
  float most = groups > 0 ? largest_of(logits.data(), groups) : logits[0];
  for (std::size_t i = groups * kLanes; i < logits.size(); ++i) most = logits[i] > most ? logits[i] : most;
  RowSummary out;
  std::size_t first = 0;
  while (first + 1 < logits.size() && logits[first] != most) ++first;
  out.largest = static_cast<std::int32_t>(first);
  // Eight sums side by side, folded as a tree: an order of its own, for any length.
  const auto top = static_cast<double>(most);
  double lanes[kLanes] = {};
  add_exponentials(logits.data(), groups, top, lanes);
  // The rest as a group of its own; what is missing adds nothing.
  if (const std::size_t rest = logits.size() % kLanes; rest > 0) {
    float last[kLanes];
    std::fill_n(last, kLanes, -std::numeric_limits<float>::infinity());
    std::copy_n(logits.end() - static_cast<std::ptrdiff_t>(rest), rest, last);
    double more[kLanes];
    add_exponentials(last, 1, top, more);
    for (std::size_t j = 0; j < rest; ++j) lanes[j] += more[j];
  }
  for (std::size_t width = kLanes / 2; width > 0; width /= 2)
    for (std::size_t j = 0; j < width; ++j) lanes[j] += lanes[j + width];
  out.log_sum = top + bantam_log(lanes[0]);
  if (!std::isfinite(out.log_sum))
    throw Error("the model's logits are not numbers: its file is damaged, or its arithmetic overflows");
  return out;
}

}  // namespace bantam::judge
