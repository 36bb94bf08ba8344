#include "judge/scale_report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/progress.h"
#include "judge/bootstrap.h"

namespace bantam::judge {

namespace {

std::string with_form(const char* form, double value) {
  char text[64];
  std::snprintf(text, sizeof text, form, value);
  return text;
}

// The runs of the largest amount of tokens: the amount, and the geometric mean of their losses.
std::pair<double, double> longest_of(const std::vector<ScalePoint>& runs) {
  double most = 0, logs = 0, count = 0;
  for (const ScalePoint& p : runs) most = std::max(most, p.tokens);
  for (const ScalePoint& p : runs)
    if (p.tokens == most) {
      logs += std::log(p.loss);
      count += 1;
    }
  return {most, std::exp(logs / count)};
}

}  // namespace

std::vector<LeftOut> leave_out(const std::vector<ScalePoint>& points, std::int64_t samples, std::uint64_t seed) {
  std::set<double> sizes;
  std::set<std::pair<double, double>> all;
  for (const ScalePoint& p : points) {
    sizes.insert(p.parameters);
    all.insert({p.parameters, p.tokens});
  }
  std::vector<LeftOut> out;
  for (const double size : sizes) {
    std::vector<ScalePoint> others, own;
    for (const ScalePoint& p : points) (p.parameters == size ? own : others).push_back(p);
    const auto own_amounts = static_cast<std::size_t>(
        std::count_if(all.begin(), all.end(), [&](const auto& at) { return at.first == size; }));
    if (all.size() - own_amounts < 6 || sizes.size() < 4) return {};
    const ScaleFit fit(std::move(others), samples, seed);
    const auto [tokens, measured] = longest_of(own);
    out.push_back({size, tokens, measured, fit.law().loss(size, tokens), fit.run_interval(size, tokens)});
  }
  return out;
}

JobAnswer answer_of(const Job& job, const std::vector<LadderRun>& runs) {
  JobAnswer out{job.fit.needed(job.target, job.tokens), nullptr};
  for (const LadderRun& r : runs) {
    const auto right = static_cast<double>(std::count(r.right.begin(), r.right.end(), true));
    if (surely_right(right, static_cast<double>(r.right.size())) < job.target) continue;
    if (out.smallest == nullptr || r.point.parameters < out.smallest->point.parameters) out.smallest = &r;
  }
  return out;
}

std::string size_text(double parameters) {
  return count_text(parameters) + " parameters (" + byte_text(parameters * 8.5 / 8) + " in Q8_0, " +
         byte_text(parameters * 4.85 / 8) + " in Q4_K_M)";
}

Json law_json(const ScaleFit& fit) {
  const ScaleLaw& law = fit.law();
  Json out = {{"E", law.floor}, {"A", law.size_factor}, {"a", law.size_power}, {"B", law.data_factor},
          {"b", law.data_power}, {"residual", fit.residual()}, {"data_known", fit.data_known()}};
  out["seed_noise"] = fit.seed_noise() ? Json(*fit.seed_noise()) : Json();
  return out;
}

std::string law_text(const ScaleFit& fit) {
  const ScaleLaw& law = fit.law();
  std::string text = "loss = " + with_form("%.4g", law.floor) + " + " + with_form("%.4g", law.size_factor) +
                     " / parameters^" + with_form("%.3f", law.size_power);
  if (fit.data_known())
    text += " + " + with_form("%.4g", law.data_factor) + " / tokens^" + with_form("%.3f", law.data_power);
  text += "; points are " + with_form("%.2f", fit.residual() * 100) + " % off it (root mean square)\n";
  if (fit.seed_noise())
    text += "runs with other seeds are " + with_form("%.2f", *fit.seed_noise() * 100) + " % off their mean (root mean square)\n";
  if (!fit.data_known()) text += "the runs do not tell of data apart from size: a law of size alone\n";
  return text;
}

namespace {

// Foretelling that is off by more is no help.
constexpr double kMostOff = 0.05;

// Sizes rise. The smallest one is foretold by larger ones alone, from where the law is flat: that it is far off there says
// nothing of the sizes above.
std::string advice_of(const std::vector<LeftOut>& left_out) {
  double most = 0;
  for (std::size_t i = 1; i < left_out.size(); ++i) most = std::max(most, std::abs(left_out[i].off()));
  if (most > kMostOff)
    return "a size left out is foretold up to " + with_form("%.0f", most * 100) +
           " % off: do not trust the law further than that. The shortest runs may have only begun to learn:\n"
           "leave their amount of tokens away and add a larger one. layers = 3 makes small sizes equally deep, seeds = 3 shows what is\n"
           "mere chance\n";
  if (!left_out.empty() && std::abs(left_out.front().off()) > kMostOff)
    return "the law holds among these sizes, not below them: the smallest is not foretold by the others\n";
  return "";
}

}  // namespace

Json left_out_json(const std::vector<LeftOut>& left_out) {
  Json out = Json::array();
  for (const LeftOut& l : left_out)
    out.push_back({{"parameters", l.parameters}, {"tokens", l.tokens}, {"measured", l.measured},
                   {"predicted", l.predicted}, {"interval", {l.interval.low, l.interval.high}}, {"off", l.off()}});
  return out;
}

std::string left_out_text(const std::vector<LeftOut>& left_out) {
  std::string out;
  for (const LeftOut& l : left_out)
    out += "without its runs, " + count_text(l.parameters) + " parameters: loss " + with_form("%.4f", l.predicted) + " [" +
           with_form("%.4f", l.interval.low) + ", " + with_form("%.4f", l.interval.high) + "], measured " +
           with_form("%.4f", l.measured) + ", " + with_form("%+.1f", l.off() * 100) + " %\n";
  return out + advice_of(left_out);
}

namespace {

Json needed_json(const std::optional<Needed>& needed) {
  if (!needed) return {{"reachable", false}};
  Json out = {{"reachable", true}, {"likely_parameters", needed->likely}, {"sure_parameters", nullptr}};
  if (needed->sure) {
    out["sure_parameters"] = *needed->sure;
    out["sure_bytes_q8_0"] = *needed->sure * 8.5 / 8;
    out["sure_bytes_q4_k_m"] = *needed->sure * 4.85 / 8;
  }
  return out;
}

double share_right(const LadderRun& run) {
  return run.right.empty() ? 0
                           : static_cast<double>(std::count(run.right.begin(), run.right.end(), true)) /
                                 static_cast<double>(run.right.size());
}

std::string most_text(const std::optional<Needed>& needed) {
  return !needed ? "none is enough" : !needed->sure ? "not to be had" : count_text(*needed->sure);
}

std::string job_text(const Job& job, const std::vector<LadderRun>& runs) {
  const JobAnswer answer = answer_of(job, runs);
  const std::string what = job.task + ": " + with_form("%.1f", job.target * 100) + " % right after " + count_text(job.tokens) + " tokens";
  std::string out;
  if (!answer.needed)
    out = what + ": not reachable with this data, whatever the size\n";
  else
    out = what + ": " + size_text(answer.needed->likely) + "; with 95 % confidence " +
          (answer.needed->sure ? size_text(*answer.needed->sure) : std::string("not to be had with this data")) + "\n";
  if (answer.smallest)
    out += answer.smallest->model + " does it by its own answers, with 95 % confidence: " +
           with_form("%.1f", share_right(*answer.smallest) * 100) + " % of " + std::to_string(answer.smallest->right.size()) + "\n";
  return out;
}

Json json_of(const LadderReport& ladder) {
  const auto& [fit, runs, left_out, job] = ladder;
  Json out = {{"law", law_json(fit)}, {"runs", Json::array()}, {"left_out", left_out_json(left_out)}};
  for (const LadderRun& r : runs) {
    Json run = {{"model", r.model}, {"parameters", r.point.parameters}, {"tokens", r.point.tokens}, {"loss", r.point.loss},
                {"bytes", r.bytes}, {"seconds", r.seconds}};
    if (!r.right.empty()) {
      run["accuracy"] = share_right(r);
      run["questions"] = r.right.size();
    }
    out["runs"].push_back(std::move(run));
  }
  if (job) {
    const JobAnswer answer = answer_of(*job, runs);
    out["job"] = needed_json(answer.needed);
    out["job"]["task"] = job->task;
    out["job"]["target"] = job->target;
    out["job"]["tokens"] = job->tokens;
    out["job"]["guess"] = job->fit.law().guess;
    out["job"]["smallest_run"] = answer.smallest ? Json(answer.smallest->model) : Json();
  }
  return out;
}

std::string text_of(const LadderReport& ladder) {
  const auto& [fit, runs, left_out, job] = ladder;
  std::string out = job ? "parameters     tokens       loss  right\n" : "parameters     tokens       loss\n";
  for (const LadderRun& r : runs) {
    char line[120];
    std::snprintf(line, sizeof line, "%10s %10s %10.4f", count_text(r.point.parameters).c_str(), count_text(r.point.tokens).c_str(), r.point.loss);
    out += line;
    if (job) out += "  " + with_form("%.3f", share_right(r));
    out += "\n";
  }
  out += law_text(fit);
  out += left_out_text(left_out);
  if (job) out += job_text(*job, runs);
  return out;
}

Json with_interval(double value, const Interval& i) { return {{"value", value}, {"low", i.low}, {"high", i.high}}; }

std::string gain_text(const LadderReport& plain, const TaughtReport& taught) {
  const TeacherGain gain = teacher_gain(plain, taught.ladder);
  const auto change = [](double value, const Interval& i) {
    return with_form("%+.4f", value) + " [" + with_form("%+.4f", i.low) + ", " + with_form("%+.4f", i.high) + "]" +
           (i.low <= 0 && i.high >= 0 ? " (tie)" : "");
  };
  std::string out = "what the teacher does: loss " + change(gain.loss, gain.loss_interval);
  if (gain.right) out += ", share right " + change(*gain.right, gain.right_interval);
  out += "\n";
  if (plain.job && taught.ladder.job)
    out += plain.job->task + ": the size that does it with 95 % confidence: " +
           most_text(answer_of(*plain.job, plain.runs).needed) + " without the teacher, " +
           most_text(answer_of(*taught.ladder.job, taught.ladder.runs).needed) + " with it\n";
  return out;
}

}  // namespace

TeacherGain teacher_gain(const LadderReport& plain, const LadderReport& taught) {
  constexpr std::int64_t kSamples = 10'000;
  TeacherGain out;
  std::vector<ScorePair> losses, answers;
  for (std::size_t i = 0; i < plain.runs.size(); ++i) {
    const LadderRun& a = plain.runs[i];
    const LadderRun& b = taught.runs.at(i);
    losses.push_back({a.point.loss, b.point.loss, 1, {}});
    answers.resize(std::max(answers.size(), std::min(a.right.size(), b.right.size())), {0, 0, 0, {}});
    for (std::size_t q = 0; q < answers.size(); ++q) {
      answers[q].a += a.right.at(q) ? 1 : 0;
      answers[q].b += b.right.at(q) ? 1 : 0;
      answers[q].weight += 1;
    }
  }
  const PairedMeans loss = paired_means(losses, MeanForm::plain, 1, kSamples);
  out.loss = loss.b - loss.a;
  out.loss_interval = loss.difference;
  if (answers.empty()) return out;
  const PairedMeans right = paired_means(answers, MeanForm::plain, 1, kSamples);
  out.right = right.b - right.a;
  out.right_interval = right.difference;
  return out;
}

Json ladder_json(const LadderReport& plain, const TaughtReport* taught) {
  Json out = json_of(plain);
  out["format"] = "bantam scale 1";
  if (taught == nullptr) return out;
  Json& with = out["taught"] = json_of(taught->ladder);
  const TeacherGain gain = teacher_gain(plain, taught->ladder);
  with["teacher"] = {{"model", taught->teacher}, {"share", taught->share}, {"top", taught->likeliest}};
  with["loss_change"] = with_interval(gain.loss, gain.loss_interval);
  if (gain.right) with["accuracy_change"] = with_interval(*gain.right, gain.right_interval);
  return out;
}

std::string ladder_text(const LadderReport& plain, const TaughtReport* taught) {
  if (taught == nullptr) return text_of(plain);
  return "without a teacher\n" + text_of(plain) + "with the teacher " + taught->teacher + "\n" + text_of(taught->ladder) +
         gain_text(plain, *taught);
}

}  // namespace bantam::judge
