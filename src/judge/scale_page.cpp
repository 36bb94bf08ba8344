// The page of a ladder: loss and accuracy against size.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>

#include "base/progress.h"
#include "judge/page_parts.h"
#include "judge/scale_report.h"

namespace bantam::judge {

namespace {

std::string cell(const std::string& text, bool number = true) {
  return (number ? "<td class=n>" : "<td>") + escaped(text) + "</td>";
}

std::string decimals(double value, int places) {
  char text[48];
  std::snprintf(text, sizeof text, "%.*f", places, value);
  return text;
}

// Sizes that the curves are drawn over: from the smallest run to eight times the largest.
std::vector<double> sizes_of(const std::vector<LadderRun>& runs) {
  double least = runs.front().point.parameters, most = least;
  for (const LadderRun& r : runs) {
    least = std::min(least, r.point.parameters);
    most = std::max(most, r.point.parameters);
  }
  std::vector<double> out;
  constexpr int kSteps = 48;
  for (int i = 0; i <= kSteps; ++i) out.push_back(least * std::pow(8 * most / least, static_cast<double>(i) / kSteps));
  return out;
}

std::set<double> amounts_of(const std::vector<LadderRun>& runs) {
  std::set<double> out;
  for (const LadderRun& r : runs) out.insert(r.point.tokens);
  return out;
}

std::string loss_plot(const ScaleFit& fit, const std::vector<LadderRun>& runs) {
  Plot plot;
  plot.x_name = "parameters";
  plot.y_name = "loss on unseen documents";
  const std::vector<double> sizes = sizes_of(runs);
  const std::set<double> amounts = amounts_of(runs);
  for (const double tokens : amounts) {
    Plot::Line line;
    line.name = count_text(tokens);
    for (const double size : sizes) line.points.emplace_back(size, fit.law().loss(size, tokens));
    plot.lines.push_back(std::move(line));
  }
  Plot::Band band;
  for (const double size : sizes) {
    const Interval interval = fit.loss_interval(size, *amounts.rbegin());
    band.low.emplace_back(size, interval.low);
    band.high.emplace_back(size, interval.high);
  }
  plot.bands.push_back(std::move(band));
  for (const LadderRun& r : runs)
    plot.marks.push_back({r.point.parameters, r.point.loss, r.model + ": " + decimals(r.point.loss, 4)});
  return plot_svg(plot);
}

std::string job_plot(const Job& job, const std::vector<LadderRun>& runs) {
  Plot plot;
  plot.x_name = "parameters";
  plot.y_name = job.task + ", share right";
  plot.ceiling_y = 1;
  const std::vector<double> sizes = sizes_of(runs);
  Plot::Line line{{}, count_text(job.tokens), false}, target{{}, "target", true};
  Plot::Band band;
  for (const double size : sizes) {
    const Interval interval = job.fit.interval(size, job.tokens);
    line.points.emplace_back(size, job.fit.accuracy(size, job.tokens));
    target.points.emplace_back(size, job.target);
    band.low.emplace_back(size, interval.low);
    band.high.emplace_back(size, interval.high);
  }
  plot.bands = {std::move(band)};
  plot.lines = {std::move(line), std::move(target)};
  for (const LadderRun& r : runs) {
    const double share = static_cast<double>(std::count(r.right.begin(), r.right.end(), true)) / static_cast<double>(r.right.size());
    plot.marks.push_back({r.point.parameters, share, r.model + ": " + decimals(share, 3)});
  }
  return plot_svg(plot);
}

// The plots and runs of one ladder; `which`: without or with a teacher, empty where there is none.
std::string sections(const LadderReport& ladder, const std::string& which) {
  const auto& [fit, runs, left_out, job] = ladder;
  std::string out = "<h2>Loss" + escaped(which) + "</h2>\n" + loss_plot(fit, runs) +
                    "<p class=faint>A curve for each amount of tokens; the band is the 95 % interval of the largest.</p>\n";
  if (job)
    out += "<h2>The job" + escaped(which) + "</h2>\n" + job_plot(*job, runs) +
           "<p class=faint>The curve and its 95 % interval are for the largest amount of tokens; the marks are all runs.</p>\n";
  out += "<h2>Runs" + escaped(which) +
         "</h2>\n<table><tr><th>model</th><th>parameters</th><th>tokens</th><th>loss</th><th>file</th><th>time</th></tr>\n";
  for (const LadderRun& r : runs)
    out += "<tr>" + cell(r.model, false) + cell(count_text(r.point.parameters)) + cell(count_text(r.point.tokens)) +
           cell(decimals(r.point.loss, 4)) + cell(byte_text(static_cast<double>(r.bytes))) + cell(duration_text(r.seconds)) + "</tr>\n";
  return out + "</table>\n";
}

}  // namespace

std::string ladder_page(const LadderReport& plain, const TaughtReport* taught) {
  std::string out = page_head("How large must the model be?") + "<pre>" + escaped(ladder_text(plain, taught)) + "</pre>\n" +
                    sections(plain, taught ? " without a teacher" : "");
  if (taught) out += sections(taught->ladder, " with the teacher " + taught->teacher);
  return out + "</body></html>\n";
}

}  // namespace bantam::judge
