#include "cli/ladder.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/hash.h"
#include "base/machine.h"
#include "base/progress.h"
#include "cli/conversation.h"
#include "cli/interrupt.h"
#include "cli/judging.h"
#include "cli/ladder_first.h"
#include "cli/output.h"
#include "judge/records.h"
#include "train/run.h"
#include "train/run_folder.h"
#include "train/run_text.h"

namespace bantam::cli {

namespace {

constexpr std::string_view kLadderFormat = "bantam ladder 1";

Recipe base_recipe(const judge::LadderRecipe& ladder) {
  Recipe r;
  if (ladder.recipe.empty())
    r.text = ladder.text;
  else
    r = read_recipe(ladder.recipe);
  if (!ladder.teacher.empty()) r.teacher = ladder.teacher;
  if (r.teacher && !r.taught())
    throw Error("a share of the teacher above 0 was expected: the ladder is raised without one too").in(ladder.recipe).field("teacher.share");
  if (!(r.validation > 0))
    throw Error("a share of the documents must be kept back: the ladder is judged by them")
        .in(ladder.recipe)
        .field("data.validation");
  return r;
}

// A size on an amount of tokens: one of the runs of it, which differ by their seeds, alone or with the teacher.
struct Rung {
  std::int64_t size, tokens, turn;  // turn from 0
  bool taught;

  std::string name() const {
    return std::to_string(size) + "-" + std::to_string(tokens) + (turn > 0 ? "-" + std::to_string(turn + 1) : "") +
           (taught ? ".taught.gguf" : ".gguf");
  }
  std::string text() const {
    return count_text(static_cast<double>(size)) + " parameters on " + count_text(static_cast<double>(tokens)) + " tokens" +
           (turn > 0 ? ", turn " + std::to_string(turn + 1) : "") + (taught ? ", with the teacher" : "");
  }
};

std::vector<Rung> rungs_of(const judge::LadderRecipe& ladder, bool teacher) {
  std::vector<Rung> out;
  for (const std::int64_t size : ladder.sizes)
    for (const std::int64_t tokens : ladder.tokens)
      for (std::int64_t turn = 0; turn < ladder.seeds; ++turn) {
        out.push_back({size, tokens, turn, false});
        if (teacher) out.push_back({size, tokens, turn, true});
      }
  return out;
}

Recipe recipe_of_rung(Recipe r, const Rung& rung, std::optional<std::int64_t> layers) {
  if (!rung.taught) r.teaching.share = 0;  // its tokenizer alone: losses are of the same tokens
  r.seed += static_cast<std::uint64_t>(rung.turn);
  r.size = rung.size;
  r.width = r.heads = r.kv_heads = r.feed_forward = std::nullopt;
  r.layers = layers;
  r.steps = std::nullopt;
  r.epochs = std::nullopt;
  r.tokens = rung.tokens;
  return r;
}

void add_text(Sha256& sum, std::string_view text) { sum.add(std::as_bytes(std::span(text))); }

// What decides the losses, beside size and tokens: the recipe, the depth and the text.
std::string sum_of_training(const Recipe& recipe, std::optional<std::int64_t> layers) {
  Sha256 sum;
  add_text(sum, recipe_text(recipe));
  if (recipe.teacher) add_text(sum, teacher_mark(ModelFile(*recipe.teacher), *recipe.teacher));
  if (layers) add_text(sum, "all of " + std::to_string(*layers) + " layers");
  read_documents(recipe.text, recipe.reading, [&](Document&& d) {
    add_text(sum, d.text);
    for (const Message& m : d.messages) {
      add_text(sum, m.counts ? "\x1e" : "\x1d");
      add_text(sum, m.content);
    }
    add_text(sum, "\x1f");
  });
  return sum.hex();
}

// A folder that is made where there is none; it goes away with this object unless something was put there.
class MadeFolder {
 public:
  explicit MadeFolder(const Path& path) : path_(path) {
    std::error_code ignored;
    ours_ = !std::filesystem::exists(path, ignored);
    make_folder(path.string());
  }
  ~MadeFolder() {
    std::error_code ignored;
    if (ours_ && std::filesystem::is_empty(path_, ignored)) std::filesystem::remove(path_, ignored);
  }
  MadeFolder(const MadeFolder&) = delete;
  MadeFolder& operator=(const MadeFolder&) = delete;

 private:
  Path path_;
  bool ours_;
};

class LadderWork {
 public:
  LadderWork(const judge::LadderRecipe& ladder, const Path& out, unsigned threads, bool quiet)
      : ladder_(ladder), out_(out), threads_(threads), quiet_(quiet), recipe_(base_recipe(ladder)) {
    if (!ladder.task.empty()) {
      asking_.limit = ladder.limit;
      asking_.shots = ladder.shots;
      (ladder.task_is_file() ? questions_.task_files : questions_.tasks) = {ladder.task};
      questions_.data = ladder.data;
      job_ = make_runs(questions_, asking_);
      require_right_or_wrong();
    }
  }

  Ladder all() {
    require_place_for_folder(out_.string());
    open_notes();
    Ladder out;
    const std::vector<Rung> rungs = rungs_of(ladder_, recipe_.teacher.has_value());
    if (!std::ranges::all_of(rungs, [&](const Rung& r) { return is_raised(r); })) look_at_runs();
    const MadeFolder folder(out_);
    for (const Rung& rung : rungs) {
      if (!quiet_)
        note("model " + std::to_string(out.runs.size() + out.taught.size() + 1) + " of " + std::to_string(rungs.size()) + ": " + rung.text());
      (rung.taught ? out.taught : out.runs).push_back(raised(rung));
    }
    if (recipe_.teacher) {
      out.teacher = recipe_.teacher_name();
      out.teaching = recipe_.teaching;
      std::error_code ignored;
      std::filesystem::remove(answers(), ignored);  // all have learnt from them
    }
    if (!job_.empty()) {
      out.task = job_.front().name;
      out.guess = guess();
    }
    return out;
  }

 private:
  // The job must be something that an answer can be right at.
  void require_right_or_wrong() const {
    const judge::Kind kind = job_.front().spec->kind;
    if (kind == judge::Kind::rolling)
      throw Error("answers to " + job_.front().name + " are not right or wrong: another task was expected").field("job.task");
  }

  // The notes of an earlier start, if they are of the same text and recipe.
  void open_notes() {
    const std::string sum = sum_of_training(recipe_, ladder_.layers);
    const Path file = out_ / "ladder.json";
    std::error_code ignored;
    notes_ = {{"format", kLadderFormat}, {"training", sum}, {"runs", Json::object()}};
    if (!std::filesystem::exists(file, ignored)) return;
    Json earlier = parse_json(read_file(file, 1 << 28), file.string());
    if (!earlier.is_object() || earlier.value("format", "") != kLadderFormat)
      throw Error("is no ladder's notes; choose another --out").in(file.string());
    if (earlier.value("training", "") != sum)
      throw Error("the models here were raised on other text, by another recipe or teacher; choose another --out").in(out_.string());
    notes_ = std::move(earlier);
  }

  // Before a model is trained, and before anything is written.
  void look_at_runs() const {
    ThreadPool pool(threads_ > 0 ? threads_ : default_threads());
    const RunText text = read_run_text(recipe_, pool);
    const auto recipe_of = [&](std::int64_t size, std::int64_t tokens) {
      return recipe_of_rung(recipe_, {size, tokens, 0, recipe_.teacher.has_value()}, ladder_.layers);
    };
    look_first(ladder_, recipe_of, text);
  }

  bool is_raised(const Rung& rung) const {
    std::error_code ignored;
    return notes_.at("runs").contains(rung.name()) && std::filesystem::exists(out_ / rung.name(), ignored);
  }

  Path answers() const { return out_ / "teacher.answers"; }

  judge::LadderRun raised(const Rung& rung) {
    const std::string name = rung.name();
    const Path model = out_ / name;
    if (!is_raised(rung)) train(recipe_of_rung(recipe_, rung, ladder_.layers), name);
    const Json& told = notes_["runs"][name];
    judge::LadderRun run;
    run.size = rung.size;
    run.model = name;
    run.point = {told.at("parameters").get<double>(), told.at("tokens").get<double>(), told.at("loss").get<double>()};
    run.seconds = told.at("seconds").get<double>();
    run.bytes = std::filesystem::file_size(model);
    if (!job_.empty()) run.right = ask(name);
    return run;
  }

  void train(const Recipe& recipe, const std::string& name) {
    RunOptions o;
    o.out = out_ / name;
    std::error_code ignored;
    o.resume = std::filesystem::exists(RunFolder::place(o.out) / RunFolder::kCheckpoint, ignored);
    o.force = !o.resume;  // a model that the notes do not know of was not finished
    o.keep = false;
    o.threads = threads_;
    o.answers = answers();
    o.progress = Progress::detect(quiet_);
    o.stop = [] { return interrupted(); };
    const RunResult result = run_training(recipe, o);
    if (!result.finished) {
      note("stopped; the same command goes on from here");
      check_interrupt();
      throw Error("stopped");
    }
    if (!(result.validation_loss > 0))
      throw Error("nothing was kept back to judge by: more documents are needed").in(recipe_.text.string());
    notes_["runs"][name] = {{"parameters", result.parameters}, {"tokens", result.tokens},
                            {"loss", result.validation_loss}, {"seconds", result.seconds}};
    write_file(out_ / "ladder.json", to_text(notes_) + "\n");
  }

  // Right or wrong, by question; from the report of an earlier start where it is of the same questions.
  std::vector<bool> ask(const std::string& name) {
    const std::string model = (out_ / name).string();
    const auto file = std::make_shared<const ModelFile>(Path(model));
    const auto tokenizer = tokenizer_of(*file);
    std::optional<ChatTemplate> form;
    judge::Asking asking = asking_;
    if (ladder_.chat) {
      form = choose_template(std::nullopt, *tokenizer, model);
      if (!form) throw Error("the text has no conversations, so the models have no chat template").field("job.chat");
      asking.chat.form = &*form;
      asking.chat.tokenizer = tokenizer.get();
      job_ = make_runs(questions_, asking);
    }
    const Path report = (out_ / name).replace_extension(".eval.json");
    std::error_code ignored;
    if (std::filesystem::exists(report, ignored)) {
      const Json earlier = parse_json(read_file(report, std::uint64_t{1} << 31), report.string(), {std::uint64_t{1} << 31, 64, 100'000'000});
      if (same_questions(earlier)) return right_of(earlier);
    }
    Judging how;
    how.session.threads = threads_;
    how.quiet = quiet_;
    how.journal = report.string() + ".journal";
    const auto fresh = judge_model(file, model, job_, asking, how);
    fresh->write(report.string());
    std::filesystem::remove(how.journal, ignored);
    return right_of(fresh->json());
  }

  bool same_questions(const Json& report) const {
    const Json tasks = report.value("tasks", Json::object());
    const auto at = tasks.find(job_.front().name);
    return at != tasks.end() && at->value("prompts_sha256", "") == job_.front().digest;
  }

  std::vector<bool> right_of(const Json& report) const {
    std::vector<bool> out;
    for (const Json& item : report.at("tasks").at(job_.front().name).at("items")) {
      if (!item.contains("correct"))
        throw Error("answers to " + job_.front().name + " are not right or wrong: another task was expected").field("job.task");
      out.push_back(item["correct"].get<bool>());
    }
    return out;
  }

  double guess() const {
    double sum = 0;
    for (const judge::Item& item : job_.front().items)
      if (job_.front().spec->kind == judge::Kind::choice && item.requests() > 0) sum += 1 / static_cast<double>(item.requests());
    return sum / static_cast<double>(job_.front().items.size());
  }

  const judge::LadderRecipe& ladder_;
  const Path out_;
  unsigned threads_;
  bool quiet_;
  Recipe recipe_;
  judge::Asking asking_;
  Questions questions_;
  std::vector<judge::TaskRun> job_;  // one, or none
  Json notes_;
};

}  // namespace

Ladder raise_ladder(const judge::LadderRecipe& recipe, const Path& out, unsigned threads, bool quiet) {
  return LadderWork(recipe, out, threads, quiet).all();
}

}  // namespace bantam::cli
