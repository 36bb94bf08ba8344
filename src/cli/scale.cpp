// `bantam scale`: how large a model must be, by the law that a ladder of runs follows.
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/progress.h"
#include "cli/ladder.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "infer/session.h"
#include "judge/ladder.h"
#include "judge/scale_report.h"
#include "judge/scale_runs.h"
#include "judge/scaling.h"

namespace bantam::cli {

namespace {

struct ScaleVerb {
  std::string points;
  std::optional<std::string> out, teacher;
  std::optional<std::int64_t> samples, seed, threads;
  double parameters = 0, tokens = 0, target = 0;
  bool json = false, quiet = false;

  void run() const;
  void raise() const;
  judge::ScaleFit fit_of(const std::vector<judge::ScalePoint>& runs) const;
  std::pair<Json, std::string> asked(const judge::ScaleFit& fit, double most_tokens) const;
  std::int64_t sample_count() const { return samples.value_or(400); }
  std::uint64_t seed_number() const { return static_cast<std::uint64_t>(seed.value_or(1)); }
};

std::string formatted(const char* form, double value) {
  char text[64];
  std::snprintf(text, sizeof text, form, value);
  return text;
}

// What --parameters and --target-loss ask for; `most_tokens` where --tokens does not say.
std::pair<Json, std::string> ScaleVerb::asked(const judge::ScaleFit& fit, double most_tokens) const {
  Json more = Json::object();
  std::string text;
  const double d = tokens > 0 ? tokens : most_tokens;
  if (parameters > 0) {
    const judge::Interval interval = fit.loss_interval(parameters, d);
    const double loss = fit.law().loss(parameters, d);
    more["predicted"] = {{"parameters", parameters}, {"tokens", d}, {"loss", loss}, {"interval", {interval.low, interval.high}}};
    text += count_text(parameters) + " parameters: loss " + formatted("%.4f", loss) + " [" +
            formatted("%.4f", interval.low) + ", " + formatted("%.4f", interval.high) + "]\n";
  }
  if (target > 0) {
    const auto needed = fit.needed(target, d);
    more["needed"] = needed ? Json{{"loss", target}, {"likely", needed->likely},
                                  {"sure", needed->sure ? Json(*needed->sure) : Json()}}
                           : Json();
    if (!needed)
      text += "a loss of " + formatted("%.4g", target) + " is not reachable with this data, whatever the size\n";
    else
      text += "a loss of " + formatted("%.4g", target) + ": " + judge::size_text(needed->likely) + "; with 95 % confidence " +
              (needed->sure ? judge::size_text(*needed->sure) : std::string("not to be had")) + "\n";
  }
  return {std::move(more), std::move(text)};
}

// A ladder with its laws.
struct FittedLadder {
  FittedLadder(const std::vector<judge::LadderRun>& all, const ScaleVerb& verb, const Ladder& ladder, double target)
      : runs(all), fit(points_of(all), verb.sample_count(), verb.seed_number()) {
    left_out = judge::leave_out(points_of(all), verb.sample_count(), verb.seed_number());
    if (ladder.task.empty()) return;
    std::vector<judge::JobRun> at_job;
    for (const judge::LadderRun& r : runs) at_job.push_back({r.point.parameters, r.point.tokens, r.point.loss, r.right});
    job.emplace(judge::Job{ladder.task, target, verb.tokens > 0 ? verb.tokens : runs.back().point.tokens,
                           judge::JobFit(fit, std::move(at_job), ladder.guess, verb.seed_number())});
  }
  FittedLadder(const FittedLadder&) = delete;  // the job refers to the fit
  FittedLadder& operator=(const FittedLadder&) = delete;

  static std::vector<judge::ScalePoint> points_of(const std::vector<judge::LadderRun>& runs) {
    std::vector<judge::ScalePoint> out;
    for (const judge::LadderRun& r : runs) out.push_back(r.point);
    return out;
  }
  judge::LadderReport report() const { return {fit, runs, left_out, job ? &*job : nullptr}; }

  const std::vector<judge::LadderRun>& runs;
  judge::ScaleFit fit;
  std::vector<judge::LeftOut> left_out;
  std::optional<judge::Job> job;
};

void ScaleVerb::raise() const {
  judge::LadderRecipe recipe = judge::read_ladder(points);
  if (teacher) recipe.teacher = *teacher;
  if (!out) throw Error("--out FOLDER was expected: where the models go", Error::Kind::usage);
  const Ladder ladder = raise_ladder(recipe, *out, static_cast<unsigned>(threads.value_or(0)), quiet);
  const FittedLadder plain(ladder.runs, *this, ladder, recipe.target);
  std::unique_ptr<FittedLadder> with;
  std::optional<judge::TaughtReport> taught;
  if (!ladder.taught.empty()) {
    with = std::make_unique<FittedLadder>(ladder.taught, *this, ladder, recipe.target);
    taught.emplace(judge::TaughtReport{with->report(), ladder.teacher, ladder.teaching.share, ladder.teaching.likeliest});
  }
  const judge::TaughtReport* t = taught ? &*taught : nullptr;
  auto [more, text] = asked(plain.fit, plain.runs.back().point.tokens);
  Json report = judge::ladder_json(plain.report(), t);
  report.update(more);
  write_file(Path(*out) / "scale.json", to_text(report) + "\n");
  write_file(Path(*out) / "scale.html", judge::ladder_page(plain.report(), t));
  print(json ? to_text(report) + "\n" : judge::ladder_text(plain.report(), t) + text);
}

judge::ScaleFit ScaleVerb::fit_of(const std::vector<judge::ScalePoint>& runs) const {
  try {
    return judge::ScaleFit(runs, sample_count(), seed_number());
  } catch (Error& error) {
    throw error.in(points);
  }
}

void ScaleVerb::run() const {
  if (points.ends_with(".toml")) return raise();
  if (out || teacher) throw Error("--out and --teacher go with a ladder (a .toml file)", Error::Kind::usage);
  const std::vector<judge::ScalePoint> runs = judge::read_runs(points);
  const judge::ScaleFit fit = fit_of(runs);
  const auto left_out = judge::leave_out(runs, sample_count(), seed_number());
  auto [more, text] = asked(fit, 1);
  Json report = judge::law_json(fit);
  report["left_out"] = judge::left_out_json(left_out);
  report.update(more);
  print(json ? to_text(report) + "\n" : judge::law_text(fit) + judge::left_out_text(left_out) + text);
}

std::function<void()> declare_scale(Options& options) {
  auto command = std::make_shared<ScaleVerb>();
  options.positional("LADDER", command->points,
                     "a ladder to raise: a TOML file with text (or recipe), sizes, tokens, seeds, layers, teacher; [job] task, "
                     "target, data, limit, few_shot. Or runs that there are: a .csv or .jsonl with "
                     "parameters, tokens and loss, at least six of three sizes")
      .required = true;
  options.number("--parameters", "N", command->parameters, 1, 1e15, "predict the loss of this size");
  options.number("--tokens", "D", command->tokens, 1, 1e18, "trained with so many tokens");
  options.number("--target-loss", "L", command->target, 1e-6, 100, "the smallest size that reaches this loss");
  options.whole("--samples", "N", command->samples, 10, 100'000, "fits for the intervals (default 400)");
  options.whole("--seed", "S", command->seed, 0, INT64_MAX, "of the intervals (default 1)");
  options.text("--out", "FOLDER", command->out,
               "where a ladder's models, scale.json and scale.html go; what is there goes on");
  options.text("--teacher", "MODEL", command->teacher,
               "of a ladder: a larger model that each learns from beside the text (distillation). Its tokenizer is taken, "
               "and the ladder is raised without it too");
  options.whole("-t,--threads", "N", command->threads, 1, kMostThreads, "threads to compute with");
  options.flag("-q,--quiet", command->quiet, "no progress");
  options.flag("--json", command->json, "as one JSON object");
  return [command] { command->run(); };
}

}  // namespace

const Verb kScale{
    "scale", "say how large a model must be, from a ladder of small ones",
    "Raises models of several sizes on your text, asks each the questions of your task, and\n"
    "says how large a model must be for the job, with 95 % confidence, or that it is not\n"
    "reachable with this data: by loss = E + A / parameters^a + B / tokens^b, and how often\n"
    "the answer is right at a loss. Stopped, it goes on where it was. With runs that there\n"
    "are already (bantam train says the loss of each) it only fits the law. With a teacher the\n"
    "ladder is raised twice, without it and with it, and said is what the teacher is worth.",
    "bantam scale ladder.toml --out ladder\n"
    "bantam scale ladder.toml --out ladder --teacher large.gguf\n"
    "bantam scale runs.csv --parameters 100000000 --tokens 2000000000\n"
    "bantam scale runs.csv --target-loss 2.5 --tokens 1000000000",
    declare_scale};

}  // namespace bantam::cli
