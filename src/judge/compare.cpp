#include "judge/compare.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "judge/bootstrap.h"
#include "judge/report.h"

namespace bantam::judge {

namespace {

constexpr double kLogOfTwo = 0.6931471805599453;

// How a metric is made of the mean: its shape, and the item's field that it is divided by.
struct Form {
  MeanForm shape = MeanForm::plain;
  const char* weight = nullptr;
};

Form form_of(const std::string& metric) {
  if (metric == "perplexity") return {MeanForm::perplexity, nullptr};
  if (metric == "word_perplexity") return {MeanForm::perplexity, "words"};
  if (metric == "byte_perplexity") return {MeanForm::perplexity, "bytes"};
  if (metric == "bits_per_byte") return {MeanForm::bits, "bytes"};
  if (metric == "token_perplexity") return {MeanForm::perplexity, "tokens"};
  return {};
}

std::map<std::string, const Json*> by_document(const Json& task) {
  std::map<std::string, const Json*> out;
  for (const Json& item : task.at("items")) out[to_text(item.at("doc"))] = &item;
  return out;
}

std::vector<ScorePair> pairs_of(const Json& a, const Json& b, const std::string& metric, const Form& form) {
  const std::map<std::string, const Json*> others = by_document(b);
  std::vector<ScorePair> out;
  for (const Json& item : a.at("items")) {
    const std::string doc = to_text(item.at("doc"));
    const auto other = others.find(doc);
    if (other == others.end()) continue;
    const Json& mine = item.at("scores");
    const Json& theirs = other->second->at("scores");
    if (!mine.contains(metric) || !theirs.contains(metric)) continue;
    double weight = 1;
    if (form.weight)
      weight = item.contains(form.weight) ? item.at(form.weight).get<double>()
                                          : item.at("lengths").at(0).get<double>();
    out.push_back({mine.at(metric).get<double>(), theirs.at(metric).get<double>(), weight,
                   item.at("doc").is_string() ? item.at("doc").get<std::string>() : doc});
  }
  return out;
}

Difference difference(const std::string& task, const std::string& metric,
                      const std::vector<ScorePair>& pairs, MeanForm shape, const CompareOptions& options) {
  Difference out;
  out.task = task;
  out.metric = metric;
  out.items = static_cast<std::int64_t>(pairs.size());
  out.lower_is_better = shape != MeanForm::plain || metric == "refused_safe";
  const PairedMeans means = paired_means(pairs, shape, options.seed, options.samples);
  out.a = means.a;
  out.b = means.b;
  out.low = means.difference.low;
  out.high = means.difference.high;
  const bool right_or_wrong = std::all_of(pairs.begin(), pairs.end(), [](const ScorePair& p) {
    return (p.a == 0 || p.a == 1) && (p.b == 0 || p.b == 1);
  });
  if (shape == MeanForm::plain && right_or_wrong) {
    out.gained = out.lost = 0;
    for (const ScorePair& p : pairs) {
      if (p.a == p.b) continue;
      ++(p.b > p.a ? *out.gained : *out.lost);
      out.flips.push_back((p.b > p.a ? "+" : "-") + p.doc);
    }
    out.p = mcnemar(*out.gained, *out.lost);
    out.tie = *out.p >= 0.05;
  } else {
    out.tie = out.low <= 0 && out.high >= 0;
  }
  return out;
}

// What must be equal for items to be the same questions.
void require_same(const Json& a, const Json& b, const std::string& task, const std::string& b_name) {
  for (const char* key : {"version", "few_shot"})
    if (a.at(key) != b.at(key))
      throw Error(task + " was asked otherwise: " + key + " is " + to_text(b.at(key)) + ", not " +
                  to_text(a.at(key)))
          .in(b_name);
  const std::map<std::string, const Json*> others = by_document(b);
  for (const Json& item : a.at("items")) {
    const auto other = others.find(to_text(item.at("doc")));
    if (other == others.end()) continue;
    for (const char* key : {"contexts", "continuations", "target"})
      if (item.contains(key) && item.at(key) != other->second->value(key, Json()))
        throw Error(task + ", document " + other->first +
                    ", was put in other words: the data or the chat template differ")
            .in(b_name);
  }
}

}  // namespace

// P(X <= min) of a fair coin, twice, in logarithms so that thousands of throws do not overflow.
double mcnemar(std::int64_t gained, std::int64_t lost) {
  const std::int64_t n = gained + lost, k = std::min(gained, lost);
  if (n == 0) return 1;
  double sum = 0;
  for (std::int64_t i = 0; i <= k; ++i)
    sum += std::exp(std::lgamma(static_cast<double>(n) + 1) -
                    std::lgamma(static_cast<double>(i) + 1) -
                    std::lgamma(static_cast<double>(n - i) + 1) - static_cast<double>(n) * kLogOfTwo);
  return std::min(1.0, 2 * sum);
}

Json read_report(const std::string& file) {
  const std::string text = read_file(file);
  Json report = parse_json(text, file, {std::uint64_t{1} << 30, 64, 40'000'000, false});
  if (!report.is_object() || report.value("format", "") != kReportFormat ||
      !report.contains("tasks") || !report["tasks"].is_object())
    throw Error("a report of bantam eval was expected").in(file);
  return report;
}

std::vector<Difference> compare(const Json& a, const Json& b, const std::string& a_name,
                                const std::string& b_name, const CompareOptions& options) {
  std::vector<Difference> out;
  try {
    for (const auto& [name, task] : a.at("tasks").items()) {
      const auto other = b.at("tasks").find(name);
      if (other == b.at("tasks").end()) continue;
      require_same(task, *other, name, b_name);
      for (const auto& [metric, unused] : task.at("metrics").items()) {
        const Form form = form_of(metric);
        const std::vector<ScorePair> pairs = pairs_of(task, *other, metric, form);
        if (!pairs.empty()) out.push_back(difference(name, metric, pairs, form.shape, options));
      }
    }
  } catch (const nlohmann::json::exception& error) {
    throw Error(std::string("a report of bantam eval was expected: ") + error.what())
        .in(a_name + " or " + b_name);
  }
  if (out.empty()) throw Error("has no task and item in common with " + a_name).in(b_name);
  return out;
}

std::vector<std::string> not_compared(const Json& a, const Json& b) {
  std::vector<std::string> out;
  for (const auto& [name, task] : a.at("tasks").items()) {
    const Json& asked = task.at("items");
    if (asked.empty()) continue;  // a group: its subjects are tasks of their own
    const auto other = b.at("tasks").find(name);
    if (other == b.at("tasks").end()) {
      out.push_back(printable(name, 100) + " was not asked");
      continue;
    }
    const auto there = by_document(*other);
    const auto missing = std::ranges::count_if(asked, [&](const Json& item) { return !there.contains(to_text(item.at("doc"))); });
    if (missing > 0)
      out.push_back(std::to_string(missing) + " of " + std::to_string(asked.size()) + " questions of " + printable(name, 100) +
                    " were not asked");
  }
  return out;
}

}  // namespace bantam::judge
