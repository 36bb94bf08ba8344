#include "judge/scale_report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/progress.h"

namespace bantam::judge {

namespace {

std::string with_form(const char* form, double value) {
  char text[64];
  std::snprintf(text, sizeof text, form, value);
  return text;
}

}  // namespace

std::vector<LeftOut> leave_out(const std::vector<ScalePoint>& points, std::int64_t samples, std::uint64_t seed) {
  std::set<double> sizes;
  for (const ScalePoint& p : points) sizes.insert(p.parameters);
  std::vector<LeftOut> out;
  for (const double size : sizes) {
    std::vector<ScalePoint> others;
    const ScalePoint* longest = nullptr;
    for (const ScalePoint& p : points)
      if (p.parameters != size)
        others.push_back(p);
      else if (longest == nullptr || p.tokens > longest->tokens)
        longest = &p;
    if (others.size() < 6 || sizes.size() < 4) return {};
    const ScaleFit fit(std::move(others), samples, seed);
    out.push_back({size, longest->tokens, longest->loss, fit.law().loss(size, longest->tokens),
                   fit.loss_interval(size, longest->tokens)});
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
  return {{"E", law.floor}, {"A", law.size_factor}, {"a", law.size_power}, {"B", law.data_factor},
          {"b", law.data_power}, {"residual", fit.residual()}, {"data_known", fit.data_known()}};
}

std::string law_text(const ScaleFit& fit) {
  const ScaleLaw& law = fit.law();
  std::string text = "loss = " + with_form("%.4g", law.floor) + " + " + with_form("%.4g", law.size_factor) +
                     " / parameters^" + with_form("%.3f", law.size_power);
  if (fit.data_known())
    text += " + " + with_form("%.4g", law.data_factor) + " / tokens^" + with_form("%.3f", law.data_power);
  text += "; points lie within " + with_form("%.2f", fit.residual() * 100) + " %\n";
  if (!fit.data_known()) text += "the runs do not tell of data apart from size: a law of size alone\n";
  return text;
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

}  // namespace

Json ladder_json(const ScaleFit& fit, const std::vector<LadderRun>& runs, const std::vector<LeftOut>& left_out, const Job* job) {
  Json out = {{"format", "bantam scale 1"}, {"law", law_json(fit)}, {"runs", Json::array()}, {"left_out", Json::array()}};
  for (const LadderRun& r : runs) {
    Json run = {{"model", r.model}, {"parameters", r.point.parameters}, {"tokens", r.point.tokens}, {"loss", r.point.loss},
                {"bytes", r.bytes}, {"seconds", r.seconds}};
    if (!r.right.empty()) {
      run["accuracy"] = share_right(r);
      run["questions"] = r.right.size();
    }
    out["runs"].push_back(std::move(run));
  }
  for (const LeftOut& l : left_out)
    out["left_out"].push_back({{"parameters", l.parameters}, {"tokens", l.tokens}, {"measured", l.measured},
                               {"predicted", l.predicted}, {"interval", {l.interval.low, l.interval.high}}, {"off", l.off()}});
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

std::string ladder_text(const ScaleFit& fit, const std::vector<LadderRun>& runs, const std::vector<LeftOut>& left_out, const Job* job) {
  std::string out = job ? "parameters     tokens       loss  right\n" : "parameters     tokens       loss\n";
  for (const LadderRun& r : runs) {
    char line[120];
    std::snprintf(line, sizeof line, "%10s %10s %10.4f", count_text(r.point.parameters).c_str(), count_text(r.point.tokens).c_str(), r.point.loss);
    out += line;
    if (job) out += "  " + with_form("%.3f", share_right(r));
    out += "\n";
  }
  out += law_text(fit);
  for (const LeftOut& l : left_out)
    out += "without its runs, " + count_text(l.parameters) + " parameters: loss " + with_form("%.4f", l.predicted) + " [" +
           with_form("%.4f", l.interval.low) + ", " + with_form("%.4f", l.interval.high) + "], measured " +
           with_form("%.4f", l.measured) + ", " + with_form("%+.1f", l.off() * 100) + " %\n";
  if (job) out += job_text(*job, runs);
  return out;
}

}  // namespace bantam::judge
