#include "cli/judging.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/counting.h"
#include "base/error.h"
#include "base/progress.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/template_variables.h"
#include "judge/evaluate.h"
#include "judge/report.h"

namespace bantam::cli {

namespace {

// What the ledger says of every item of every run; nothing without training text.
std::vector<std::vector<judge::Overlap>> seen_in_training(const std::vector<judge::TaskRun>& runs,
                                                          const std::vector<std::string>& paths, EvalReport& report) {
  std::vector<std::vector<judge::Overlap>> out;
  if (paths.empty()) return out;
  std::vector<std::string> texts;
  for (const judge::TaskRun& run : runs)
    for (const judge::Item& item : run.items) texts.push_back(judge::ledger_text(item));
  judge::Ledger ledger(texts);
  const judge::TrainingText text = judge::read_training_text(paths, ledger);
  for (const std::string& line : text.notes()) note("--trained-on: " + line);
  report.say_training("trained_on", text);
  const std::vector<judge::Overlap> all = ledger.overlaps();
  auto next = all.begin();
  for (const judge::TaskRun& run : runs) {
    const auto end = next + static_cast<std::ptrdiff_t>(run.items.size());
    out.emplace_back(next, end);
    next = end;
  }
  return out;
}

}  // namespace

std::vector<std::string> names_in(const std::vector<std::string>& lists) {
  std::vector<std::string> out;
  for (const std::string& list : lists)
    for (std::size_t at = 0; at <= list.size();) {
      const std::size_t end = std::min(list.find(',', at), list.size());
      if (end > at) out.push_back(list.substr(at, end - at));
      at = end + 1;
    }
  return out;
}

std::vector<judge::TaskRun> make_runs(const Questions& questions, const judge::Asking& asking) {
  std::vector<judge::Chosen> all;
  for (const std::string& name : names_in(questions.tasks)) all.push_back(judge::choose_task(name));
  std::vector<judge::TaskRun> runs;
  for (const judge::Chosen& one : all) {
    judge::DataFolder folder{Path(questions.data)};
    runs.push_back(judge::make_run(one, folder, asking));
  }
  for (const std::string& path : questions.task_files) {
    // Its files lie beside it, or in the folder of data.
    const judge::Chosen one = judge::read_task(path);
    judge::DataFolder beside{Path(path).parent_path()}, given{Path(questions.data)};
    const bool there = questions.data.empty() || one.spec->splits.empty() || beside.has(one.spec->splits.at(one.spec->test));
    runs.push_back(judge::make_run(one, there ? beside : given, asking));
  }
  if (!questions.texts.empty()) runs.push_back(judge::text_run(questions.texts));
  for (std::size_t i = 0; i < runs.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (runs[i].name == runs[j].name)
        throw Error("the task " + runs[i].name + " stands twice", Error::Kind::usage);
  return runs;
}

std::unique_ptr<EvalReport> judge_model(const std::shared_ptr<const ModelFile>& file,
                                        const std::string& path,
                                        const std::vector<judge::TaskRun>& runs,
                                        const judge::Asking& asking, Judging how) {
  SessionOptions& options = how.session;
  // Scores should not lose what the cache would round; bf16 runs are bf16 throughout.
  if (!options.cache && options.arithmetic != Arithmetic::bf16) options.cache = Type::f32;
  const std::int64_t context = options.context > 0 ? options.context : file->config().context;
  const auto tokenizer = tokenizer_of(*file);
  auto report = std::make_unique<EvalReport>(*file, path, options, context, asking);
  report->say_several(how.several);
  report->say_tools(how.tools);
  report->say_variables(template_variables(how.set));
  const std::vector<std::vector<judge::Overlap>> ledger = seen_in_training(runs, how.trained_on, *report);
  std::unique_ptr<judge::Journal> journal;
  if (!how.journal.empty()) {
    journal = std::make_unique<judge::Journal>(Path(how.journal), report->settings(runs));
    if (journal->found() > 0)
      note("goes on after " + number_of(journal->found(), "item") + " that an earlier run answered");
  }
  for (std::size_t at = 0; at < runs.size(); ++at) {
    const judge::TaskRun& run = runs[at];
    Progress progress(Progress::detect(how.quiet), run.name, static_cast<std::int64_t>(run.items.size()));
    judge::EvaluateOptions options_of_task;
    options_of_task.batch = how.batch;
    options_of_task.several = how.several;
    options_of_task.tools = how.tools;
    options_of_task.go_on = [] { return !interrupted(); };
    options_of_task.progress = [&](std::int64_t done, std::int64_t skipped) {
      progress.skip(skipped);
      progress.update(done, "items");
    };
    const auto open = [&](std::int64_t slots, std::int64_t positions) {
      SessionOptions mine = options;
      mine.slots = slots;
      mine.positions = positions;
      auto session = std::make_unique<Session>(file, mine);
      report->see(*session);
      return session;
    };
    const std::optional<judge::TaskResult> result = judge::evaluate(
        run, tokenizer, file->config(), context, open, journal.get(), options_of_task);
    if (!result) {
      note(journal ? "stopped; the same command goes on from here" : "stopped");
      check_interrupt();
      throw Error("stopped");
    }
    progress.finish(report->add(run, *result, ledger.empty() ? nullptr : &ledger[at]));
  }
  return report;
}

}  // namespace bantam::cli
