// `bantam eval`: how good a model is, by the field's own questions.
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "cli/conversation.h"
#include "cli/hints.h"
#include "cli/judging.h"
#include "cli/model_options.h"
#include "cli/output.h"
#include "cli/several_flags.h"
#include "cli/template_variables.h"
#include "cli/verbs.h"
#include "judge/memorised.h"
#include "judge/sandbox.h"
#include "judge/score.h"
#include "judge/tools.h"

namespace bantam::cli {

namespace {

struct EvalVerb {
  ModelOptions model;
  std::vector<std::string> tasks, own_tasks, texts, trained_on, memorised, set, tools;
  std::optional<std::string> data, out, requests, digests, system, template_name;
  std::optional<std::int64_t> shots, batch, seed;
  SeveralFlags several_flags;
  double temperature = 0.7;
  double limit = 0;
  bool chat = false, turns = false, dry_run = false, list = false, quiet = false;
  bool hint = false;

  void run() const;
  std::vector<judge::TaskRun> chosen(const judge::Asking& asking) const {
    return make_runs({tasks, own_tasks, texts, data.value_or("")}, asking);
  }
  void check() const;
  void write_requests(const std::vector<judge::TaskRun>& runs) const;
  std::optional<judge::TrainingText> add_memorised(std::vector<judge::TaskRun>& runs, const Tokenizer& tokenizer, std::uint64_t draw) const;
  judge::Asking asking() const;
  judge::Several several() const;
};

void EvalVerb::check() const {
  const auto wrong = [](const std::string& what) { return Error(what, Error::Kind::usage); };
  if (tasks.empty() && own_tasks.empty() && texts.empty() && memorised.empty())
    throw wrong("--tasks, --task, --text or --memorised was expected; --list names the tasks");
  if (!memorised.empty() && model.path.empty()) throw wrong("--memorised asks a model: MODEL was expected");
  if (!tasks.empty() && names_in(tasks).empty()) throw wrong("--tasks names no task; --list names them all");
  const auto needs_data = [](const std::string& name) { return judge::choose_task(name).spec->make.empty(); };
  const std::vector<std::string> names = names_in(tasks);
  if (!data && std::any_of(names.begin(), names.end(), needs_data))
    throw wrong("--data FOLDER was expected: where the sets of questions lie");
  if (!dry_run && model.path.empty()) throw wrong("MODEL was expected (or --dry-run)");
  if (!dry_run && !out) throw wrong("--out FILE was expected: where the report goes");
  if ((requests || digests) && !dry_run) throw wrong("--requests and --digests go with --dry-run");
  if ((system || turns || template_name || !set.empty()) && !chat)
    throw wrong("--system, --turns, --template and --set go with --chat");
  several_flags.require_fit();
  if (out && Path(*out).extension() == ".html")
    throw wrong("--out: a name for the JSON was expected; the page goes beside it");
  if (chat && model.path.empty()) throw wrong("--chat asks by the model's template: MODEL was expected");
}

judge::Asking EvalVerb::asking() const {
  judge::Asking asking;
  asking.shots = shots;
  asking.limit = limit;
  if (seed) asking.seed = static_cast<std::uint64_t>(*seed);
  asking.chat.system = system.value_or("");
  asking.chat.turns = turns;
  return asking;
}

judge::Several EvalVerb::several() const {
  judge::Several asked;
  asked.count = several_flags.count();
  asked.check = several_flags.check.value_or("");
  asked.sampling.temperature = temperature;
  asked.sampling.seed = seed ? static_cast<std::uint64_t>(*seed) : 1234;
  return asked;
}

void EvalVerb::write_requests(const std::vector<judge::TaskRun>& runs) const {
  if (requests) require_place_for(*requests, R"({"task":)");
  std::string lines;
  for (const judge::TaskRun& run : runs) {
    std::string sums;
    for (const judge::Item& item : run.items) {
      sums += judge::digest_line(item) + "\n";
      Json pairs = Json::array();
      for (std::size_t i = 0; i < item.requests(); ++i)
        pairs.push_back({item.context(i), item.continuation(i)});
      if (requests || !digests)
        lines += to_text({{"task", run.name}, {"id", item.doc}, {"requests", pairs}}) + "\n";
    }
    if (digests) {
      make_folder(*digests);
      write_file(Path(*digests) / (run.name + "-" + std::to_string(run.shots) + "shot.txt"), sums);
    }
  }
  if (requests)
    write_file(*requests, lines);
  else if (!digests)
    print(lines);
}

// The questions of --memorised; what they were read from.
std::optional<judge::TrainingText> EvalVerb::add_memorised(std::vector<judge::TaskRun>& runs, const Tokenizer& tokenizer,
                                                           std::uint64_t draw) const {
  if (memorised.empty()) return std::nullopt;
  const auto most = static_cast<std::size_t>(limit >= 1 ? limit : 200);
  judge::Memorised made = judge::memorised_runs(memorised, tokenizer, most, draw);
  for (judge::TaskRun& run : made.runs) runs.push_back(std::move(run));
  for (const std::string& line : made.text.notes()) note("--memorised: " + line);
  return std::move(made.text);
}

void EvalVerb::run() const {
  if (list) return print(eval_list());
  check();
  judge::Asking asked = asking();
  if (model.path.empty()) return write_requests(chosen(asked));
  const auto file = std::make_shared<const ModelFile>(Path(model.path));
  const auto tokenizer = tokenizer_of(*file);
  std::optional<ChatTemplate> form;
  if (chat) {
    form = choose_template(template_name, *tokenizer, model.path, model.adapter);
    if (!form)
      throw Error("--chat: the model has no chat template; --template NAME gives it one",
                  Error::Kind::usage);
    const Json variables = template_variables(set);
    warn_of_unread(*form, variables);
    form->set_variables(variables);
    asked.chat.form = &*form;
    asked.chat.tokenizer = tokenizer.get();
  }
  std::vector<judge::TaskRun> runs = chosen(asked);
  const std::optional<judge::TrainingText> by_heart = add_memorised(runs, *tokenizer, asked.seed);
  if (dry_run) return write_requests(runs);
  for (const judge::TaskRun& run : runs)
    if (judge::runs_code(*run.spec))
      if (const auto reason = judge::sandbox_missing())
        throw Error(run.name + " runs what the model writes in a sandbox of bubblewrap, which does not work here: " +
                    *reason);
  require_place_for(*out, R"({"format":"bantam eval)");
  require_place_for(Path(*out).replace_extension(".html").string(),
                    "<!doctype html>\n<html lang=en><head><meta charset=utf-8><meta name=viewport");
  Judging how{model.session(), batch.value_or(64), quiet, *out + ".journal", trained_on, several(), judge::tools_named(tools), set};
  // What the hint's own questions left belongs to the answers beside it.
  std::error_code none;
  if (hint && !std::filesystem::exists(how.journal, none)) judge::forget_journal(how.journal + ".hint");
  const std::unique_ptr<EvalReport> report = judge_model(file, model.path, runs, asked, how);
  if (by_heart) report->say_training("memorised", *by_heart);
  Json hints = Json::object();
  if (hint) {
    hints = contamination_hints(file, model.path, runs, data.value_or(""), asked, how);
    report->say_hints(hints);
  }
  report->write(*out);
  std::error_code ignored;
  std::filesystem::remove(*out + ".journal", ignored);
  print(report->table() + hint_text(hints));
}

std::function<void()> declare_eval(Options& options) {
  auto command = std::make_shared<EvalVerb>();
  command->model.cache_unsaid = ModelOptions::kExactCache;
  command->model.declare(options, false);
  options.text("--tasks", "NAMES", command->tasks,
               "the tasks, with commas between: arc_easy,hellaswag,mmlu_anatomy");
  options.text("--task", "FILE", command->own_tasks, "a task of your own, a TOML file; may be repeated");
  options.text("--text", "FILE", command->texts, "the perplexity of a text; may be repeated");
  options.text("--trained-on", "FOLDER", command->trained_on,
               "text that the model was trained on (.txt, .md, .jsonl): questions that stand in it are "
               "marked, and scores are split; may be repeated");
  options.text("--memorised", "FOLDER", command->memorised,
               "what of this training text the model gives back word for word, personal data too "
               "(--limit lines, default 200); may be repeated");
  options.flag("--contamination-hint", command->hint,
               "whether the model likes a set's published order, or its test better than its other "
               "questions: a hint where training text is not known, no proof");
  options.text("--data", "FOLDER", command->data, "where the sets of questions lie");
  options.text("--out", "FILE", command->out,
               "where the report goes (JSON, and a page for a browser beside it)");
  options.number("--limit", "N", command->limit, 0, 1e9,
                 "only the first N questions of each task; below 1 a share of them (default 0: all)");
  options.whole("--few-shot", "K", command->shots, 0, 1000,
                "put K worked examples before each question (default: the task's own number)");
  options.whole("--seed", "S", command->seed, 0, INT64_MAX, "of the examples (default 1234, as the field's), and of --vote");
  command->several_flags.declare(options);
  declare_tools(options, command->tools);
  options.number("--temp", "T", command->temperature, 0.01, 10, "temperature of the answers that --vote and --best-of draw (default 0.7)");
  options.flag("--chat", command->chat, "ask by the model's chat template");
  options.text("--template", "NAME", command->template_name, "with --chat: by this template");
  options.text("--system", "TEXT", command->system, "with --chat: told before each question");
  declare_variables(options, command->set);
  options.flag("--turns", command->turns, "with --chat: each example is a turn of its own");
  options.whole("--batch", "N", command->batch, 1, 4096,
                "sequences at a time (default 64); scores do not depend on it");
  options.flag("--dry-run", command->dry_run, "only make the requests, and print them");
  options.text("--requests", "FILE", command->requests, "with --dry-run: into this file");
  options.text("--digests", "FOLDER", command->digests,
               "with --dry-run: a sum of each document's requests, a file for each task");
  options.flag("--list", command->list, "the tasks that there are, and where their data are had");
  options.flag("-q,--quiet", command->quiet, "no progress");
  return [command] { command->run(); };
}

}  // namespace

const Verb kEval{
    "eval", "score a model on standard tasks",
    "Puts the questions of standard sets to a model and writes a report: scores with their\n"
    "standard errors, every question and answer. The requests are those of\n"
    "lm-evaluation-harness, to the character. The sets are not part of Bantam: --list says\n"
    "where each is had. A run that was stopped goes on when it is started again.",
    "bantam eval model.gguf --tasks arc_easy,hellaswag --data sets --out report.json\n"
    "bantam eval model.gguf --text book.txt --out perplexity.json",
    declare_eval};

}  // namespace bantam::cli
