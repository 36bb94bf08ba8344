#include "judge/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <tuple>
#include <utility>

#include "base/random.h"

namespace bantam::judge {

namespace {

double shaped(MeanForm shape, double mean) {
  return shape == MeanForm::plain ? mean : shape == MeanForm::bits ? -mean / std::numbers::ln2 : std::exp(-mean);
}

template <class At>
std::pair<double, double> means_of(const std::vector<ScorePair>& pairs, MeanForm shape, const At& at) {
  double a = 0, b = 0, weight = 0;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const ScorePair& p = pairs[at(i)];
    a += p.a;
    b += p.b;
    weight += p.weight;
  }
  return {shaped(shape, a / weight), shaped(shape, b / weight)};
}

// Where 95 of 100 of these lie.
Interval middle_of(std::vector<double> found) {
  std::sort(found.begin(), found.end());
  const auto at = [&](double share) {
    return found[static_cast<std::size_t>(share * static_cast<double>(found.size() - 1))];
  };
  return {at(0.025), at(0.975)};
}

}  // namespace

PairedMeans paired_means(const std::vector<ScorePair>& pairs, MeanForm shape, std::uint64_t seed, std::int64_t samples) {
  PairedMeans out;
  std::tie(out.a, out.b) = means_of(pairs, shape, [](std::size_t i) { return i; });
  const Random random(seed, 0x6a7564676531);
  std::vector<double> a, b, difference;
  std::uint64_t index = 0;
  for (std::int64_t s = 0; s < samples; ++s) {
    const auto [one, other] = means_of(pairs, shape, [&](std::size_t) {
      return static_cast<std::size_t>(random.below(index++, pairs.size()));
    });
    a.push_back(one);
    b.push_back(other);
    difference.push_back(other - one);
  }
  out.a_interval = middle_of(std::move(a));
  out.b_interval = middle_of(std::move(b));
  out.difference = middle_of(std::move(difference));
  return out;
}

}  // namespace bantam::judge
