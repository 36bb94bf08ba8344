// `bantam compare`: whether one model is better than another, or it is chance.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/progress.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "judge/compare.h"

namespace bantam::cli {

namespace {

struct CompareVerb {
  std::string first, second;
  std::vector<std::string> others;
  std::optional<std::int64_t> seed, samples, flips;
  std::optional<std::string> fail;
  bool json = false;

  void run() const;
};

// "1%" or "0.01".
double share_of(std::string text) {
  const bool percent = text.ends_with('%');
  if (percent) text.pop_back();
  double value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size() || !(value >= 0))
    throw Error("--fail-if-worse: a share such as 1% was expected", Error::Kind::usage);
  if (percent) value /= 100;
  if (value >= 1) throw Error("--fail-if-worse: nothing is worse by 100 % and more; a share such as 1% or 0.01 was expected", Error::Kind::usage);
  return value;
}

std::string decimal_text(double value, const char* form = "%.4f") {
  char text[48];
  std::snprintf(text, sizeof text, form, value);
  return text;
}

std::string verdict(const judge::Difference& d) {
  if (d.tie) return "tie";
  return d.loss() > 0 ? "worse" : "better";
}

std::string difference_line(const judge::Difference& d) {
  std::string line = d.task + " " + d.metric;
  line.resize(std::max<std::size_t>(line.size() + 2, 36), ' ');
  line += decimal_text(d.a) + " -> " + decimal_text(d.b) + "  " + decimal_text(d.b - d.a, "%+.4f") +
          " [" + decimal_text(d.low, "%+.4f") + ", " + decimal_text(d.high, "%+.4f") + "]  ";
  if (d.p) line += "+" + std::to_string(*d.gained) + " -" + std::to_string(*d.lost) + " p " + decimal_text(*d.p, "%.3g") + "  ";
  return line + verdict(d) + "\n";
}

Json difference_json(const judge::Difference& d) {
  Json out = {{"task", d.task}, {"metric", d.metric}, {"items", d.items}, {"a", d.a}, {"b", d.b},
              {"difference", d.b - d.a}, {"interval", {d.low, d.high}}, {"verdict", verdict(d)}};
  if (d.p) {
    out["gained"] = *d.gained;
    out["lost"] = *d.lost;
    out["mcnemar_p"] = *d.p;
    out["flips"] = d.flips;
  }
  return out;
}

double model_bytes(const Json& report) {
  double bytes = 0;
  const Json model = report.value("model", Json::object());
  if (model.is_object() && model.contains("files") && model["files"].is_array())
    for (const Json& file : model["files"])
      if (file.is_object()) bytes += file.value("bytes", 0.0);
  return bytes;
}

double item_seconds(const Json& report) {
  const Json cost = report.value("cost", Json::object());
  const double speed = cost.is_object() ? cost.value("items_per_second", 0.0) : 0.0;
  return speed > 0 ? 1 / speed : 0;
}

// What a point costs, or saves: by the size of the file and the time of an item.
std::string cost_text(const Json& a, const Json& b, const std::vector<judge::Difference>& all) {
  double points = 0;
  int count = 0;
  for (const judge::Difference& d : all)
    if (d.metric == "acc" || d.metric.starts_with("exact_match") || d.metric.starts_with("pass")) {
      points += (d.b - d.a) * 100;
      ++count;
    }
  std::string out = "size " + byte_text(model_bytes(a)) + " -> " + byte_text(model_bytes(b));
  if (item_seconds(a) > 0 && item_seconds(b) > 0)
    out += ", an item in " + decimal_text(item_seconds(a), "%.3g") + " s -> " +
           decimal_text(item_seconds(b), "%.3g") + " s";
  if (count > 0) {
    points /= count;
    out += ", " + decimal_text(points, "%+.2f") + " points on the mean of " + std::to_string(count) +
           (count == 1 ? " score" : " scores");
    const double saved = model_bytes(a) - model_bytes(b);
    if (points != 0 && saved != 0)
      out += ": " + byte_text(std::abs(saved / points)) + (saved > 0 ? " saved" : " more") + " a point " +
             (points < 0 ? "lost" : "won");
  }
  return out + "\n";
}

// A loss of just what is allowed comes as a difference of two shares, a rounding off.
constexpr double kRounding = 1e-9;

void CompareVerb::run() const {
  const std::optional<double> most = fail ? std::optional(share_of(*fail)) : std::nullopt;
  judge::CompareOptions options;
  if (seed) options.seed = static_cast<std::uint64_t>(*seed);
  options.samples = samples.value_or(options.samples);
  const Json a = judge::read_report(first);
  std::vector<std::string> names{second};
  names.insert(names.end(), others.begin(), others.end());
  Json out = Json::array();
  std::string worse;
  for (const std::string& name : names) {
    const Json b = judge::read_report(name);
    const auto all = judge::compare(a, b, first, name, options);
    if (!json) print(first + " -> " + name + "\n");
    Json list = Json::array();
    for (const judge::Difference& d : all) {
      if (!json) print(difference_line(d));
      list.push_back(difference_json(d));
      for (std::int64_t i = 0; !json && i < std::min<std::int64_t>(flips.value_or(0), static_cast<std::int64_t>(d.flips.size())); ++i)
        print("    " + d.flips[static_cast<std::size_t>(i)] + "\n");
      const double unit = d.lower_is_better && d.a != 0 ? d.loss() / std::abs(d.a) : d.loss();
      if (most && !d.tie && unit > *most + kRounding)
        worse += (worse.empty() ? "" : "; ") + name + ": " + d.task + " " + d.metric + " by " +
                 decimal_text(unit * 100, "%.2f") + (d.lower_is_better ? " %" : " points");
    }
    for (const std::string& what : judge::not_compared(a, b)) {
      note(name + ": " + what);
      if (most) worse += (worse.empty() ? "" : "; ") + name + ": " + what;
    }
    if (!json) print(cost_text(a, b, all));
    out.push_back({{"a", first}, {"b", name}, {"differences", std::move(list)}});
  }
  if (json) print(to_text(out) + "\n");
  if (!worse.empty()) throw Error("worse than allowed: " + worse);
}

std::function<void()> declare_compare(Options& options) {
  auto command = std::make_shared<CompareVerb>();
  options.positional("A", command->first, "a report of bantam eval: what is compared with").required = true;
  options.positional("B", command->second, "another, of the same tasks").required = true;
  options.text("--and", "FILE", command->others, "a further report to compare with A; may be repeated");
  options.text("--fail-if-worse", "SHARE", command->fail,
               "exit status 1 when a score is lower by more than this (1%: a point) and it is no "
               "chance; of perplexities: higher by more than this share; or when B was not asked all of A's questions");
  options.whole("--flips", "N", command->flips, 0, 1'000'000,
                "name the first N documents that B has right (+) or wrong (-) and A has not");
  options.whole("--seed", "S", command->seed, 0, INT64_MAX, "of the bootstrap (default 1)");
  options.whole("--samples", "N", command->samples, 100, 10'000'000, "of the bootstrap (default 10000)");
  options.flag("--json", command->json, "as one JSON list");
  return [command] { command->run(); };
}

}  // namespace

const Verb kCompare{
    "compare", "say whether one model scores better than another, or it is chance",
    "Compares two reports of bantam eval item by item: the difference of each score with\n"
    "its 95 % interval (paired bootstrap), the items that went right or wrong, how likely\n"
    "that is by chance (McNemar's exact test), and what a point costs.",
    "bantam compare full.json small.json\n"
    "bantam compare old.json new.json --fail-if-worse 1%",
    declare_compare};

}  // namespace bantam::cli
