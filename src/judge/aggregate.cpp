#include "judge/aggregate.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "judge/python_random.h"
#include "kernels/math.h"

namespace bantam::judge {

namespace {

constexpr double kLn2 = 0.6931471805599453;

double mean_of(const std::vector<double>& items) {
  double sum = 0;
  for (const double x : items) sum += x;
  return sum / static_cast<double>(items.size());
}

double deviation_of(const std::vector<double>& items) {
  const double mean = mean_of(items);
  double sum = 0;
  for (const double x : items) sum += (x - mean) * (x - mean);
  return std::sqrt(sum / static_cast<double>(items.size() - 1));
}

std::optional<double> error_of_mean(const std::vector<double>& items) {
  if (items.size() < 2) return std::nullopt;
  return deviation_of(items) / std::sqrt(static_cast<double>(items.size()));
}

double perplexity_of(double mean) { return bantam_exp(-mean); }

// sqrt( sum (n_i - 1) n_i e_i^2 / (N - groups) / N ).
std::optional<double> pooled_error(const std::map<std::string, std::vector<double>>& groups) {
  double sum = 0, count = 0;
  for (const auto& [unused, items] : groups) {
    const auto n = static_cast<double>(items.size());
    const double e = error_of_mean(items).value_or(0);
    sum += (n - 1) * n * e * e;
    count += n;
  }
  const double freedom = count - static_cast<double>(groups.size());
  if (freedom <= 0) return std::nullopt;
  return std::sqrt(sum / freedom / count);
}

// What a rolling metric divides by, and what is made of it.
struct Rolling {
  const char* name;
  double ItemScore::* weight;
  double (*value)(double mean);
};
constexpr Rolling kRolling[] = {
    {"word_perplexity", &ItemScore::words, perplexity_of},
    {"byte_perplexity", &ItemScore::bytes, perplexity_of},
    {"bits_per_byte", &ItemScore::bytes, [](double mean) { return -mean / kLn2; }},
    {"token_perplexity", &ItemScore::tokens, perplexity_of},
};

Metric weighted(const Rolling& rolling, const std::vector<ItemScore>& items,
                const std::vector<double>& sums) {
  double weight = 0, sum = 0;
  for (const ItemScore& item : items) weight += item.*rolling.weight;
  for (const double s : sums) sum += s;
  return {rolling.value(sum / weight), std::nullopt, static_cast<std::int64_t>(sums.size())};
}

Metric metric_of(const std::string& name, const std::vector<ItemScore>& items) {
  std::vector<double> values;
  std::map<std::string, std::vector<double>> groups;
  for (const ItemScore& item : items)
    for (const auto& [metric, value] : item.values)
      if (metric == name) {
        values.push_back(value);
        groups[item.subject].push_back(value);
      }
  for (const Rolling& rolling : kRolling)
    if (name == rolling.name) return weighted(rolling, items, values);
  Metric out{mean_of(values), std::nullopt, static_cast<std::int64_t>(values.size())};
  if (name == "perplexity") {
    out.value = perplexity_of(out.value);
    if (values.size() > 1) out.error = bootstrap_error(values, perplexity_of);
  } else {
    out.error = groups.size() > 1 ? pooled_error(groups) : error_of_mean(values);
  }
  return out;
}

}  // namespace

double bootstrap_error(const std::vector<double>& items, double (*value)(double),
                       std::size_t samples) {
  constexpr std::size_t kChunk = 1000;
  const auto n = static_cast<double>(items.size());
  std::vector<double> found;
  for (std::size_t chunk = 0; chunk * kChunk < samples; ++chunk) {
    PythonRandom random(chunk);
    for (std::size_t i = 0; i < kChunk; ++i) {
      double sum = 0;
      for (std::size_t j = 0; j < items.size(); ++j)
        sum += items[static_cast<std::size_t>(random.real() * n)];
      found.push_back(value(sum / n));
    }
  }
  return deviation_of(found);
}

Metrics aggregate(const std::vector<ItemScore>& items) {
  std::vector<std::string> names;  // in the order in which they are met
  for (const ItemScore& item : items)
    for (const auto& [name, unused] : item.values)
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  Metrics out;
  for (const std::string& name : names) out.emplace_back(name, metric_of(name, items));
  return out;
}

std::map<std::string, Metrics> aggregate_subjects(const std::vector<ItemScore>& items) {
  std::map<std::string, std::vector<ItemScore>> groups;
  for (const ItemScore& item : items)
    if (!item.subject.empty()) groups[item.subject].push_back(item);
  std::map<std::string, Metrics> out;
  for (const auto& [subject, members] : groups) out[subject] = aggregate(members);
  return out;
}

}  // namespace bantam::judge
