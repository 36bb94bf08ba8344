// `bantam select`: which of several models to take, by one's own device, text and questions.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/progress.h"
#include "cli/judging.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "files/metadata.h"
#include "judge/selection.h"
#include "plan/bench.h"

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

// Measures what can be measured before a question is asked; says why a model does not fit.
judge::Candidate candidate_of(const std::string& path, const judge::SelectionRecipe& recipe, unsigned threads) {
  judge::Candidate c;
  c.model = path;
  try {
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
    BenchOptions bench;
    bench.session.threads = threads;
    bench.prompt = 64;
    bench.answer = 24;
    bench.repeats = 2;
    const BenchReport speed = run_bench(Path(path), bench);
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

std::string fixed(double value, const char* form) {
  char text[48];
  std::snprintf(text, sizeof text, form, value);
  return text;
}

// Bits a byte and tokens a character on the person's own text.
std::string text_words(const Json& report) {
  const auto at = report.at("tasks").find("text");
  if (at == report.at("tasks").end()) return "";
  double tokens = 0, bytes = 0;
  for (const Json& item : at->at("items")) {
    tokens += item.at("lengths").at(0).get<double>();
    bytes += item.at("bytes").get<double>();
  }
  return ", " + fixed(at->at("metrics").at("bits_per_byte").at("value").get<double>(), "%.3f") + " bits and " +
         fixed(tokens / bytes, "%.3f") + " tokens a byte on your text";
}

std::string card(const std::vector<judge::Candidate>& all, const std::vector<judge::Rank>& ranks) {
  std::string out;
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    const judge::Candidate& c = all[ranks[i].candidate];
    out += std::to_string(i + 1) + ". " + c.model + (ranks[i].tie ? " (tie with the first)" : "") + "\n   score " +
           fixed(ranks[i].score, "%.4f") + " ± " + fixed(ranks[i].error, "%.4f") + ", " +
           byte_text(static_cast<double>(c.bytes)) + " of weights, " + byte_text(static_cast<double>(c.memory)) +
           " of memory, " + fixed(c.tokens_per_second, "%.1f") + " tokens a second" + text_words(c.report) +
           (c.licence.empty() ? "" : ", licence " + printable(c.licence, 40)) + "\n";
  }
  for (const judge::Candidate& c : all)
    if (!c.why_not.empty()) out += "not " + c.model + ": " + c.why_not + "\n";
  return out;
}

Json card_json(const std::vector<judge::Candidate>& all, const std::vector<judge::Rank>& ranks) {
  Json out = {{"ranked", Json::array()}, {"rejected", Json::array()}};
  for (const judge::Rank& r : ranks) {
    const judge::Candidate& c = all[r.candidate];
    Json metrics = Json::object();
    for (const auto& [name, task] : c.report.at("tasks").items()) metrics[name] = task.at("metrics");
    out["ranked"].push_back({{"model", c.model}, {"score", r.score}, {"stderr", r.error}, {"tie", r.tie},
                             {"bytes", c.bytes}, {"memory", c.memory}, {"tokens_per_second", c.tokens_per_second},
                             {"licence", c.licence}, {"metrics", std::move(metrics)}});
  }
  for (const judge::Candidate& c : all)
    if (!c.why_not.empty()) out["rejected"].push_back({{"model", c.model}, {"why", c.why_not}});
  return out;
}

void SelectVerb::run() const {
  const judge::SelectionRecipe wanted = judge::read_selection(recipe);
  if (out) require_place(*out);
  judge::Asking asking;
  asking.limit = wanted.limit;
  asking.shots = wanted.shots;
  Questions questions{wanted.tasks, wanted.task_files, {}, wanted.data};
  if (!wanted.text.empty()) questions.texts = {wanted.text};
  const std::vector<judge::TaskRun> runs = make_runs(questions, asking);
  const auto count = static_cast<unsigned>(threads.value_or(0));
  std::vector<judge::Candidate> all;
  for (const std::string& path : wanted.models) {
    judge::Candidate c = candidate_of(path, wanted, count);
    if (c.why_not.empty()) {
      Judging how;
      how.session.threads = count;
      how.quiet = quiet;
      c.report = judge_model(std::make_shared<const ModelFile>(Path(path)), path, runs, asking, how)->json();
    }
    all.push_back(std::move(c));
  }
  const std::vector<judge::Rank> ranks = judge::rank(wanted, all);
  const Json result = card_json(all, ranks);
  if (out) write_file(*out, to_text(result) + "\n");
  print(json ? to_text(result) + "\n" : card(all, ranks));
  if (ranks.empty()) throw Error("none of the models fits");
}

std::function<void()> declare_select(Options& options) {
  auto command = std::make_shared<SelectVerb>();
  options.positional("RECIPE", command->recipe,
                     "a TOML file: models, tasks, task_files, text, data, limit; [device] memory, "
                     "tokens_per_second, licences; [weights]")
      .required = true;
  options.text("--out", "FILE", command->out, "the card as JSON");
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
    "as measured; bits and tokens a byte on your own text; and why the others do not fit.",
    "bantam select choice.toml",
    declare_select};

}  // namespace bantam::cli
