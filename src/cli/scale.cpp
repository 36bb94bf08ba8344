// `bantam scale`: how large a model must be, by the law that a ladder of runs follows.
#include <charconv>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/progress.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "judge/records.h"
#include "judge/scaling.h"

namespace bantam::cli {

namespace {

struct ScaleVerb {
  std::string points;
  std::optional<std::int64_t> samples, seed;
  double parameters = 0, tokens = 0, target = 0;
  bool json = false;

  void run() const;
};

double number_in_record(const Json& record, const char* name, const std::string& file, std::size_t line) {
  const auto at = record.find(name);
  if (at == record.end())
    throw Error("a column parameters, tokens and loss were expected").in(file).field(name);
  if (at->is_number()) return at->get<double>();
  const std::string text = at->is_string() ? at->get<std::string>() : "";
  double value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || failed != std::errc() || end != text.data() + text.size())
    throw Error("a number was expected, not \"" + printable(text, 40) + "\"").in(file).line(line).field(name);
  return value;
}

std::vector<judge::ScalePoint> read_points(const std::string& file) {
  std::vector<judge::ScalePoint> out;
  for (const Json& record : judge::parse_records(judge::read_unpacked(file), file)) {
    const std::size_t line = out.size() + (file.ends_with(".csv") ? 2 : 1);
    out.push_back({number_in_record(record, "parameters", file, line), number_in_record(record, "tokens", file, line),
                   number_in_record(record, "loss", file, line)});
  }
  return out;
}

std::string formatted(const char* form, double value) {
  char text[64];
  std::snprintf(text, sizeof text, form, value);
  return text;
}

// What so many parameters weigh: 8.5 bits each in Q8_0, about 4.85 in Q4_K_M.
std::string size_text(double parameters) {
  return count_text(parameters) + " parameters (" + byte_text(parameters * 8.5 / 8) + " in Q8_0, " +
         byte_text(parameters * 4.85 / 8) + " in Q4_K_M)";
}

void ScaleVerb::run() const {
  const judge::ScaleFit fit(read_points(points), samples.value_or(400), static_cast<std::uint64_t>(seed.value_or(1)));
  const judge::ScaleLaw& law = fit.law();
  Json out = {{"E", law.floor}, {"A", law.size_factor}, {"a", law.size_power}, {"B", law.data_factor},
              {"b", law.data_power}, {"residual", fit.residual()}, {"data_known", fit.data_known()}};
  std::string text = "loss = " + formatted("%.4g", law.floor) + " + " + formatted("%.4g", law.size_factor) +
                     " / parameters^" + formatted("%.3f", law.size_power);
  if (fit.data_known())
    text += " + " + formatted("%.4g", law.data_factor) + " / tokens^" + formatted("%.3f", law.data_power);
  text += "; points lie within " + formatted("%.2f", fit.residual() * 100) + " %\n";
  if (!fit.data_known()) text += "the runs do not tell of data apart from size: a law of size alone\n";
  if (parameters > 0) {
    const double d = tokens > 0 ? tokens : 1;
    const judge::Interval interval = fit.loss_interval(parameters, d);
    out["predicted"] = {{"parameters", parameters}, {"tokens", d}, {"loss", law.loss(parameters, d)},
                        {"interval", {interval.low, interval.high}}};
    text += count_text(parameters) + " parameters: loss " + formatted("%.4f", law.loss(parameters, d)) + " [" +
            formatted("%.4f", interval.low) + ", " + formatted("%.4f", interval.high) + "]\n";
  }
  if (target > 0) {
    const auto needed = fit.needed(target, tokens > 0 ? tokens : 1);
    out["needed"] = needed ? Json{{"loss", target}, {"likely", needed->likely},
                                  {"sure", needed->sure ? Json(*needed->sure) : Json()}}
                           : Json();
    if (!needed)
      text += "a loss of " + formatted("%.4g", target) + " is not reachable with this data, whatever the size\n";
    else
      text += "a loss of " + formatted("%.4g", target) + ": " + size_text(needed->likely) + "; with 95 % confidence " +
              (needed->sure ? size_text(*needed->sure) : std::string("not to be had")) + "\n";
  }
  print(json ? to_text(out) + "\n" : text);
}

std::function<void()> declare_scale(Options& options) {
  auto command = std::make_shared<ScaleVerb>();
  options.positional("POINTS", command->points,
                     "runs: a .csv or .jsonl with parameters, tokens and loss, at least six of three sizes")
      .required = true;
  options.number("--parameters", "N", command->parameters, 1, 1e15, "predict the loss of this size");
  options.number("--tokens", "D", command->tokens, 1, 1e18, "trained with so many tokens");
  options.number("--target-loss", "L", command->target, 1e-6, 100, "the smallest size that reaches this loss");
  options.whole("--samples", "N", command->samples, 10, 100'000, "fits for the intervals (default 400)");
  options.whole("--seed", "S", command->seed, 0, INT64_MAX, "of the intervals (default 1)");
  options.flag("--json", command->json, "as one JSON object");
  return [command] { command->run(); };
}

}  // namespace

const Verb kScale{
    "scale", "say how large a model must be, from a ladder of small runs",
    "Fits loss = E + A / parameters^a + B / tokens^b to runs of several sizes (bantam train\n"
    "says the loss of each) and predicts, with 95 % intervals, the loss of a size that was\n"
    "not run, or the smallest size that reaches a loss.",
    "bantam scale runs.csv --parameters 100000000 --tokens 2000000000\n"
    "bantam scale runs.csv --target-loss 2.5 --tokens 1000000000",
    declare_scale};

}  // namespace bantam::cli
