// `bantam select`: which of several models to take, by one's own device, text and questions.
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "adapt/prepare.h"
#include "adapt/probe.h"
#include "base/error.h"
#include "base/progress.h"
#include "cli/interrupt.h"
#include "cli/judging.h"
#include "cli/output.h"
#include "cli/select_card.h"
#include "cli/verbs.h"
#include "files/apart.h"
#include "files/metadata.h"
#include "judge/probing.h"
#include "judge/selection.h"
#include "plan/bench.h"
#include "plan/resident.h"
#include "train/run_folder.h"

namespace bantam::cli {

namespace {

struct SelectVerb {
  std::string recipe;
  std::optional<std::string> out;
  std::optional<std::int64_t> threads;
  bool json = false, quiet = false;

  void run() const;
};

std::string licence_in(const ModelFile& file) {
  if (!file.gguf()) return "";
  return std::string(file.gguf()->metadata().find_string("general.license").value_or(""));
}

// Speed does not depend on how long the prompt is: a model of a short context is measured within it.
BenchOptions speed_run(std::int64_t context, unsigned threads) {
  BenchOptions bench;
  bench.session.threads = threads;
  bench.prompt = std::min<std::int64_t>(64, context);
  bench.answer = std::min<std::int64_t>(24, context);
  bench.repeats = 2;
  return bench;
}

// Measures what can be measured before a question is asked; says why a model does not fit.
judge::Candidate candidate_of(const std::string& path, const judge::SelectionRecipe& recipe, unsigned threads) {
  judge::Candidate c;
  c.model = path;
  try {
    forget_peak();
    const ModelFile file{Path(path)};
    for (const TensorInfo& t : file.tensors().tensors()) c.bytes += t.data.size();
    c.licence = licence_in(file);
    const auto allowed = [&] {
      return std::find(recipe.licences.begin(), recipe.licences.end(), c.licence) != recipe.licences.end();
    };
    if (!recipe.licences.empty() && !allowed()) {
      c.why_not = c.licence.empty() ? "its file names no licence" : "its licence is " + printable(c.licence, 40);
      return c;
    }
    if (recipe.memory > 0 && c.bytes > recipe.memory) {
      c.why_not = "its weights alone take " + byte_text(static_cast<double>(c.bytes));
      return c;
    }
    const BenchReport speed = run_bench(Path(path), speed_run(file.config().context, threads));
    c.tokens_per_second = speed.rows.front().decode.median();
    c.memory = speed.peak_bytes;
    if (recipe.memory > 0 && c.memory > recipe.memory)
      c.why_not = "it takes " + byte_text(static_cast<double>(c.memory)) + " of memory";
    else if (c.tokens_per_second < recipe.tokens_per_second)
      c.why_not = "it writes " + count_text(c.tokens_per_second) + " tokens a second";
  } catch (const Error& error) {
    c.why_not = error.what();
  }
  return c;
}

// What is kept of a run that is stopped, beside the card: the answers so far, the probes.
class Selecting {
 public:
  Selecting(const judge::SelectionRecipe& recipe, const std::optional<std::string>& out, unsigned threads, bool quiet)
      : recipe_(recipe), threads_(threads), quiet_(quiet) {
    if (out) folder_.emplace(Path(*out));
    day_ = adapt::day_of_run(folder_ ? folder_->path() : Path(), !folder_);
  }

  Selection all() {
    Selection out{recipe_, {}, {}, {}, 0, 0, {}};
    // Before hours of questions: what is wrong with a file is found out first.
    if (!recipe_.probe.data.empty()) out.data = judge::read_probe_data(recipe_.probe);
    const std::vector<judge::TaskRun> runs = questions();
    // All of them first: what a model takes must not be hidden behind what judging another took.
    for (const std::string& path : recipe_.models) out.candidates.push_back(candidate_of(path, recipe_, threads_));
    for (std::size_t i = 0; i < out.candidates.size(); ++i)
      if (out.candidates[i].why_not.empty() && !runs.empty()) ask(out.candidates[i], i, runs);
    out.ranks = judge::rank(recipe_, out.candidates);
    if (!recipe_.probe.data.empty()) probe(out);
    return out;
  }

  // The card is written.
  void finish() {
    if (folder_) folder_->remove();
  }

 private:
  std::vector<judge::TaskRun> questions() {
    asking_.limit = recipe_.limit;
    asking_.shots = recipe_.shots;
    Questions questions{recipe_.tasks, recipe_.task_files, {}, recipe_.data};
    if (!recipe_.text.empty()) questions.texts = {recipe_.text};
    return make_runs(questions, asking_);
  }

  Path kept(std::size_t candidate, const char* what) const { return folder_->path() / (std::to_string(candidate + 1) + what); }

  void ask(judge::Candidate& c, std::size_t number, const std::vector<judge::TaskRun>& runs) {
    Judging how;
    how.session.threads = threads_;
    how.quiet = quiet_;
    if (folder_) how.journal = kept(number, ".journal").string();
    c.report = judge_model(std::make_shared<const ModelFile>(Path(c.model)), c.model, runs, asking_, how)->json();
  }

  void probe(Selection& all) {
    std::vector<judge::ProbeLosses> losses;
    for (std::size_t i = 0; i < all.candidates.size(); ++i) {
      judge::Candidate& c = all.candidates[i];
      if (!c.why_not.empty()) continue;
      if (!quiet_) note("probe of " + c.model);
      try {
        losses.push_back(probe_one(all, i));
      } catch (const Error& error) {
        c.not_probed = error.what();
      }
    }
    all.probes = judge::rank_probes(all.data.held_bytes, losses);
  }

  // Throws Interrupted, and Error where the model cannot be probed.
  judge::ProbeLosses probe_one(Selection& all, std::size_t number) {
    judge::Candidate& c = all.candidates[number];
    if (folder_) adapt::keep_day(folder_->path(), day_);
    adapt::ProbeOptions o;
    o.threads = threads_;
    if (folder_) o.kept = kept(number, ".probe");
    o.progress = Progress::detect(quiet_);
    o.stop = [] { return interrupted(); };
    const adapt::ProbeResult r = adapt::run_probe(
        {c.model, all.data.records, all.data.held_bytes.size(), recipe_.probe.steps, recipe_.probe.minutes * 60, day_}, o);
    if (!r.finished) {
      note(folder_ ? "stopped; the same command goes on from here" : "stopped");
      check_interrupt();
      throw Interrupted();
    }
    c.method = r.method;
    c.rank = r.rank;
    c.trained = r.trained;
    c.probe_memory = static_cast<std::uint64_t>(r.memory);
    c.probe_seconds = r.seconds;
    all.steps = r.steps;  // the same for all: they depend on the records alone
    all.batch = r.batch;
    return {number, r.before, r.after};
  }

  const judge::SelectionRecipe& recipe_;
  unsigned threads_;
  bool quiet_;
  std::optional<RunFolder> folder_;
  LocalTime day_;
  judge::Asking asking_;
};

void SelectVerb::run() const {
  const judge::SelectionRecipe wanted = judge::read_selection(recipe);
  if (out) require_place_for(*out, R"({"ranked":[)");
  if (out && !wanted.probe.data.empty()) files::require_apart(*out, wanted.probe.data, "the examples");
  Selecting work(wanted, out, static_cast<unsigned>(threads.value_or(0)), quiet);
  const Selection all = work.all();
  const Json result = card_json(all);
  if (out) write_file(*out, to_text(result) + "\n");
  work.finish();
  print(json ? to_text(result) + "\n" : card_text(all));
  if (all.order().empty()) throw Error("none of the models fits");
  if (!wanted.asks() && all.probes.empty()) throw Error("none of the models could be probed");
}

std::function<void()> declare_select(Options& options) {
  auto command = std::make_shared<SelectVerb>();
  options.positional("RECIPE", command->recipe,
                     "a TOML file: models, tasks, task_files, text, data, limit; [device] memory, "
                     "tokens_per_second, licences; [weights]; [probe] data, steps, examples, minutes, held_out")
      .required = true;
  options.text("--out", "FILE", command->out, "the card as JSON; until it is written, what was found out lies in FILE.run, and the same command goes on from there");
  options.whole("-t,--threads", "N", command->threads, 1, kMostThreads, "threads to compute with");
  options.flag("--json", command->json, "print the card as JSON");
  options.flag("-q,--quiet", command->quiet, "no progress");
  return [command] { command->run(); };
}

}  // namespace

const Verb kSelect{
    "select", "choose among models by your device, text and questions",
    "Asks every model of a recipe that fits the device the same questions, and ranks them:\n"
    "score with its error, and \"tie\" where the difference may be chance; memory and speed\n"
    "as measured; bits and tokens a byte on your own text; and why the others do not fit.\n"
    "With [probe] each model that fits learns some of your examples by LoRA, all the same, and is\n"
    "measured by others that it was not shown: bits a byte of their answers before and after,\n"
    "with 95 % intervals, so that models of other tokenizers can be compared; \"tie\" where the\n"
    "difference may be chance; and what it took. No model's file is changed.",
    "bantam select choice.toml\n"
    "bantam select choice.toml --out card.json",
    declare_select};

}  // namespace bantam::cli
