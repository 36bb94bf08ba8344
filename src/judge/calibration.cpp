#include "judge/calibration.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "kernels/math.h"

namespace bantam::judge {

namespace {

constexpr std::size_t kBins = 10;

struct Bin {
  double count = 0, confidence = 0, right = 0;
};

std::array<Bin, kBins> binned(std::span<const Confidence> all) {
  std::array<Bin, kBins> bins{};
  for (const Confidence& c : all) {
    Bin& bin = bins[std::min(kBins - 1, static_cast<std::size_t>(c.of_choice * kBins))];
    bin.count += 1;
    bin.confidence += c.of_choice;
    bin.right += c.right ? 1 : 0;
  }
  return bins;
}

}  // namespace

double confidence_of(std::span<const double> sums) {
  const double most = *std::max_element(sums.begin(), sums.end());
  double all = 0;
  for (const double s : sums) all += bantam_exp(s - most);
  return 1 / all;
}

double calibration_error(std::span<const Confidence> all) {
  double error = 0;
  for (const Bin& bin : binned(all)) error += std::abs(bin.confidence - bin.right);
  return error / static_cast<double>(all.size());
}

double accuracy_of_surest(std::span<const Confidence> all, double share) {
  std::vector<Confidence> sorted(all.begin(), all.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Confidence& a, const Confidence& b) { return a.of_choice > b.of_choice; });
  const auto count = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  double right = 0;
  for (std::size_t i = 0; i < count; ++i) right += sorted[i].right ? 1 : 0;
  return right / static_cast<double>(std::max<std::size_t>(count, 1));
}

Json calibration_json(std::span<const Confidence> all) {
  Json bins = Json::array();
  double confidence = 0;
  for (const Bin& bin : binned(all)) {
    confidence += bin.confidence;
    if (bin.count > 0)
      bins.push_back({{"questions", bin.count}, {"confidence", bin.confidence / bin.count},
                      {"accuracy", bin.right / bin.count}});
  }
  Json surest = Json::object();
  for (const auto& [name, share] : {std::pair{"quarter", 0.25}, {"half", 0.5}, {"three_quarters", 0.75}, {"all", 1.0}})
    surest[name] = accuracy_of_surest(all, share);
  return {{"error", calibration_error(all)},
          {"mean_confidence", confidence / static_cast<double>(all.size())},
          {"surest", std::move(surest)},
          {"bins", std::move(bins)}};
}

}  // namespace bantam::judge
