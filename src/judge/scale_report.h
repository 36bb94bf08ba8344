// What is said of a ladder: the law, how well it foretells a size that it has not seen, the job.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "judge/accuracy_law.h"
#include "judge/scaling.h"

namespace bantam::judge {

// A size that was left out, foretold by the others: at its largest amount of tokens.
struct LeftOut {
  double parameters, tokens, measured, predicted;  // measured: of several runs the geometric mean
  Interval interval;                               // where it would be measured, with 95 %
  double off() const { return predicted / measured - 1; }
};
// Each size in turn; none where too few runs stay for a law.
std::vector<LeftOut> leave_out(const std::vector<ScalePoint>& points, std::int64_t samples, std::uint64_t seed);

// A run of a ladder that was raised here.
struct LadderRun {
  std::int64_t size = 0;  // that was asked for
  ScalePoint point{};
  std::string model;
  std::uint64_t bytes = 0;  // of the file
  double seconds = 0;
  std::vector<bool> right;  // at the job, by question; empty: there is none
};

// The job of a ladder, fitted.
struct Job {
  std::string task;
  double target, tokens;
  JobFit fit;
};
struct JobAnswer {
  std::optional<Needed> needed;           // by the law; nullopt: not reachable with this data
  const LadderRun* smallest = nullptr;    // a run that is itself right often enough, with 95 %
};
JobAnswer answer_of(const Job& job, const std::vector<LadderRun>& runs);

// What so many parameters weigh: 8.5 bits each in Q8_0, about 4.85 in Q4_K_M.
std::string size_text(double parameters);

Json left_out_json(const std::vector<LeftOut>& left_out);
// With what to do where foretelling is off so much that the law is no help.
std::string left_out_text(const std::vector<LeftOut>& left_out);

Json law_json(const ScaleFit& fit);
std::string law_text(const ScaleFit& fit);
// All that is said of a ladder; what it refers to outlives it.
struct LadderReport {
  const ScaleFit& fit;
  const std::vector<LadderRun>& runs;
  const std::vector<LeftOut>& left_out;
  const Job* job;  // null: there is none
};

// The same ladder raised with a teacher, run for run.
struct TaughtReport {
  LadderReport ladder;
  std::string teacher;
  double share;
  std::int64_t likeliest;  // tokens of its answers that are kept
};
// What the teacher does: with 95 %, by drawing runs anew (the loss) and questions anew (the share that is right
// of all runs' answers; nothing: there is no job).
struct TeacherGain {
  double loss = 0;
  Interval loss_interval{};
  std::optional<double> right;
  Interval right_interval{};
};
TeacherGain teacher_gain(const LadderReport& plain, const LadderReport& taught);

// `taught` null: there is no teacher.
Json ladder_json(const LadderReport& plain, const TaughtReport* taught = nullptr);
std::string ladder_text(const LadderReport& plain, const TaughtReport* taught = nullptr);
std::string ladder_page(const LadderReport& plain, const TaughtReport* taught = nullptr);

}  // namespace bantam::judge
