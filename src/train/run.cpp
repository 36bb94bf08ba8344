#include "train/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/counting.h"
#include "base/error.h"
#include "files/apart.h"
#include "infer/session.h"
#include "tensor/runtime.h"
#include "train/run_folder.h"
#include "train/run_limits.h"
#include "train/run_text.h"
#include "train/soft_store.h"

namespace bantam::train {

namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

class Run {
 public:
  Run(const Recipe& recipe, const RunOptions& options)
      : recipe_(recipe),
        options_(options),
        own_(options.threads),
        family_(raised_family(recipe.family)),
        folder_(options.out),
        checkpoint_(folder_.path() / RunFolder::kCheckpoint),
        last_(folder_.path() / RunFolder::kFinished),
        anew_(!options.resume) {}

  RunResult run() {
    const double start = now();
    look_before();
    read();
    prepare();
    if (options_.resume) resume();
    if (!be_taught()) return result_;
    say_plan();
    train();
    if (result_.finished) {
      result_.validation_loss = trainer_->validate(1 << 20);
      folder_.set_aside(0);
      export_model(trainer_->model(), family_, *text_.tokenizer, options_.out,
                   options_.force || options_.resume);
      keep();
    }
    result_.seconds = now() - start;
    return result_;
  }

 private:
  void look_before() const {
    std::error_code ignored;
    const bool unfinished = std::filesystem::exists(checkpoint_, ignored);
    const bool finished = std::filesystem::exists(last_, ignored);
    if (options_.resume && !unfinished && !finished)
      throw nothing_to_resume(options_.out);
    if (!options_.resume && unfinished && !options_.force)
      throw Error("an unfinished run is here: go on with --resume, or say --force to start anew")
          .in(folder_.path().string());
    if (!options_.force && !options_.resume && std::filesystem::exists(options_.out, ignored))
      throw Error("exists; choose another name, or say --force").in(options_.out.string());
    files::require_apart(options_.out, recipe_.text, "the text");
    if (recipe_.teacher) files::require_apart(options_.out, *recipe_.teacher, "the teacher");
    files::require_replaceable(options_.out);
  }

  void resume() {
    std::error_code ignored;
    const bool unfinished = std::filesystem::exists(checkpoint_, ignored);
    trainer_->resume(unfinished ? checkpoint_ : last_);
    const std::int64_t step = trainer_->state().step;
    if (!unfinished && trainer_->done())
      throw Error("the run is finished, after " + number_of(step, "step") +
                  ": say more --steps, --tokens or --epochs to extend it")
          .in(folder_.path().string());
    options_.say(fmt::format("{} after step {}", unfinished ? "resumed" : "extended", step));
  }

  // What it takes to go on from the finished model. The model is written: nothing of it is lost when
  // this fails.
  void keep() {
    std::error_code ignored;
    if (options_.answers.empty()) std::filesystem::remove(answers(), ignored);  // asked again if need be
    if (!options_.keep) return folder_.remove();
    try {
      save_recipe();
      trainer_->save(last_);
      std::filesystem::remove(checkpoint_, ignored);
      options_.say(fmt::format(
          "{} holds {} to extend the run with (--resume, and more --tokens); remove it if not wanted",
          folder_.path().string(), byte_text(static_cast<double>(trainer_->plan().checkpoint_bytes))));
    } catch (const Error& error) {
      folder_.remove();
      options_.say(std::string("the run cannot be extended later: ") + error.what());
    }
  }

  void save_recipe() const {
    std::error_code ignored;
    const Path length = folder_.path() / RunFolder::kLength;
    if (options_.file_length.empty())
      std::filesystem::remove(length, ignored);
    else
      write_file(length, options_.file_length + "\n");
    write_file(folder_.path() / RunFolder::kRecipe, recipe_text(recipe_));
  }

  void read() {
    double start = now();
    text_ = read_run_text(recipe_, runtime_.pool, [&](const ReadReport& r) {
      options_.say(fmt::format("read {}, {} from {}", number_of(r.documents, "document"),
                               byte_text(static_cast<double>(r.bytes)), number_of(r.files, "file")));
      say_files(r);
      start = now();
    });
    options_.say(fmt::format("tokenizer of {} tokens {}, {} tokens of text ({:.1f} s)", text_.tokenizer->size(),
                             text_.teacher ? "of the teacher" : "trained",
                             count_text(static_cast<double>(text_.store.tokens())), now() - start));
    result_.documents = text_.report.documents;
    result_.train_tokens = text_.store.tokens();
    result_.vocabulary = text_.tokenizer->size();
  }

  Path answers() const { return options_.answers.empty() ? folder_.path() / "teacher" : options_.answers; }

  // False: the user stopped it.
  bool be_taught() {
    if (!soft_) return true;
    options_.say(fmt::format("teacher: {}, {} of what is learnt; the {} likeliest tokens of its answers take {} on disk",
                             recipe_.teacher_name(), recipe_.teaching.share, recipe_.teaching.likeliest,
                             byte_text(static_cast<double>(soft_->bytes()))));
    Progress progress(options_.progress, "teacher", static_cast<std::int64_t>(trainer_->split().train.size()));
    const bool whole = soft_->fill(answers(), runtime_, [&](std::int64_t done) {
      progress.update(done, "documents");
      return !options_.stop();
    });
    progress.finish(whole ? "asked" : "stopped; it will be asked again");
    if (!whole) save();
    return whole;
  }

  // What was not read, or not as it lay there.
  void say_files(const ReadReport& report) {
    const auto each = [&](const auto& list, auto&& line) {
      constexpr std::size_t kShown = 100;
      for (std::size_t i = 0; i < list.size() && i < kShown; ++i) options_.say(line(list[i]));
      if (list.size() > kShown)
        options_.say("... and " + number_of(list.size() - kShown, "more such file"));
    };
    each(report.skipped, [](const TextFiles::Note& n) {
      return "not read: " + printable(n.path, 400) + ": " + printable(n.why, 400);
    });
    each(report.bad, [&](const TextFiles::Note& n) {
      const bool wide = std::ranges::find(report.utf16, n.path) != report.utf16.end();
      return std::string(wide ? "not UTF-16: " : "not UTF-8: ") + printable(n.path, 400) + ": " + n.why;
    });
    each(report.outside, [](const TextFiles::Note& n) {
      return "read from outside the folder: " + printable(n.path, 400) + " is " +
             printable(n.why, 400);
    });
    each(report.wordless, [](const TextFiles::Note& n) {
      return "empty: " + printable(n.path, 400) + ": " + n.why + " without a word";
    });
    each(report.utf16,
         [](const std::string& file) { return "read as UTF-16: " + printable(file, 400); });
  }

  void prepare() {
    const TrainSettings settings = settle(recipe_, text_.tokenizer->size(), text_.store.tokens());
    const TrainPlan plan = check_run(recipe_, settings, text_.store.tokens());
    check_disk(options_.out, plan);
    set_aside(plan);
    if (settings.validation > 0 && text_.store.documents() == 1)
      options_.say("one document: nothing is kept back to validate with");
    if (recipe_.taught())
      soft_ = std::make_unique<SoftStore>(text_.teacher, *recipe_.teacher, text_.store, split_documents(text_.store, settings.validation).train,
                                          text_.tokenizer->size(), recipe_.teaching);
    trainer_ = std::make_unique<Trainer>(family_, settings, text_.store, runtime_.pool, runtime_.kernels, soft_.get());
    result_.parameters = plan.parameters;
  }

  void say_plan() {
    const TrainSettings& s = trainer_->settings();
    const TrainPlan& p = trainer_->plan();
    const double passes = static_cast<double>(s.rows) / static_cast<double>(s.rows_at_a_time());
    const double left = static_cast<double>(s.steps - trainer_->state().step);
    options_.say(fmt::format("model: {} parameters, {} of {}, {}, vocabulary {}",
                             count_text(static_cast<double>(p.parameters)),
                             number_of(s.model.layers, "layer"), s.model.width,
                             number_of(s.model.heads, "head"), s.model.vocabulary));
    options_.say(fmt::format(
        "plan: {} of {} tokens ({:.2f} epochs), about {}; memory {}, disk {}", number_of(s.steps, "step"),
        s.tokens_per_step(),
        static_cast<double>(s.steps * s.rows) / static_cast<double>(trainer_->rows_per_epoch()),
        duration_text(left * passes * trainer_->trial() * 1.1),
        byte_text(static_cast<double>(p.memory())),
        byte_text(static_cast<double>(2 * p.checkpoint_bytes + p.model_bytes))));
  }

  // A checkpoint beside the one before, and the model: a disk that others fill meanwhile must not
  // cost the run.
  void set_aside(const TrainPlan& plan) {
    const auto bytes = static_cast<std::uint64_t>(plan.checkpoint_bytes + plan.model_bytes);
    if (!folder_.set_aside(bytes))
      options_.say("the disk has not " + byte_text(static_cast<double>(bytes)) +
                   " to set aside: should it be full when the model is written, the run is lost");
  }

  void save() {
    folder_.set_aside(0);
    std::error_code ignored;
    // One of a run before must not be taken for this one's, should we be killed between the two.
    if (anew_) std::filesystem::remove(folder_.path() / RunFolder::kRecipe, ignored);
    trainer_->save(checkpoint_);
    save_recipe();
    anew_ = false;
    std::filesystem::remove(last_, ignored);
    set_aside(trainer_->plan());
    saved_ = now();
  }

  void train() {
    const TrainSettings& s = trainer_->settings();
    const RunState& state = trainer_->state();
    Progress progress(options_.progress, "step", s.steps);
    progress.skip(state.step);
    const std::int64_t first = state.step;
    const double start = now();
    saved_ = start;
    double smooth = 0;
    while (!trainer_->done()) {
      if (options_.stop()) {
        save();
        progress.finish(fmt::format("stopped after {} of {}", state.step, s.steps));
        result_.losses = state.losses;
        return;
      }
      const double loss = trainer_->step();
      smooth = smooth == 0 ? loss : 0.95 * smooth + 0.05 * loss;
      const double rate =
          static_cast<double>((state.step - first) * s.tokens_per_step()) / (now() - start);
      progress.update(state.step, fmt::format("running mean of the loss {:.4f}, {:.0f} tokens/s", smooth, rate));
      if (!trainer_->done() && now() - saved_ >= options_.save_every) save();
    }
    const double elapsed = now() - start;
    result_.finished = true;
    result_.steps = state.step;
    result_.tokens = state.step * s.tokens_per_step();
    result_.losses = state.losses;
    result_.loss = state.losses.empty() ? 0 : static_cast<double>(state.losses.back());
    result_.tokens_per_second =
        static_cast<double>((state.step - first) * s.tokens_per_step()) / std::max(elapsed, 1e-9);
    progress.finish(fmt::format("{} done, running mean of the loss {:.4f}, {:.0f} tokens/s", state.step, smooth,
                                result_.tokens_per_second));
  }

  const Recipe& recipe_;
  const RunOptions& options_;
  OwnRuntime own_;
  Runtime runtime_ = own_.lend();
  const Family& family_;
  RunFolder folder_;
  Path checkpoint_, last_;  // of the run, and when it is finished
  bool anew_;               // nothing is saved yet, and nothing was resumed
  RunText text_;
  std::unique_ptr<SoftStore> soft_;  // null: nothing is learnt of a teacher
  std::unique_ptr<Trainer> trainer_;
  RunResult result_;
  double saved_ = 0;
};

}  // namespace

RunResult run_training(const Recipe& recipe, const RunOptions& options) {
  return Run(recipe, options).run();
}

bool has_recipe(const Path& out) {
  std::error_code ignored;
  return std::filesystem::exists(RunFolder::place(out) / RunFolder::kRecipe, ignored);
}

Recipe recipe_of_run(const Path& out) {
  const Path recipe = RunFolder::place(out) / RunFolder::kRecipe;
  if (!has_recipe(out)) throw nothing_to_resume(out);
  return read_recipe(recipe);
}

std::string file_length_of_run(const Path& out) {
  const Path length = RunFolder::place(out) / RunFolder::kLength;
  std::error_code ignored;
  if (!std::filesystem::exists(length, ignored)) return {};
  std::string text = read_file(length, 256);
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

Path only_run(const Path& folder) {
  std::vector<Path> runs;
  std::error_code problem;
  for (const auto& entry : std::filesystem::directory_iterator(folder, problem)) {
    const Path path = entry.path();
    if (path.extension() == ".run" && std::filesystem::exists(path / RunFolder::kRecipe, problem))
      runs.push_back(path.filename().replace_extension());
  }
  std::ranges::sort(runs);
  if (runs.empty())
    throw Error("there is no run here to resume; say --out as it was said before");
  if (runs.size() > 1)
    throw Error("there are several runs here; say --out " + runs[0].string() + " or " +
                runs[1].string());
  return runs[0];
}

std::string loss_curve(const std::vector<float>& losses, int columns, int rows) {
  if (losses.size() < 2) return "";
  const auto n = losses.size();
  const auto width = std::min<std::size_t>(static_cast<std::size_t>(columns), n);
  std::vector<double> points(width);
  for (std::size_t c = 0; c < width; ++c) {
    const std::size_t from = c * n / width, to = std::max(from + 1, (c + 1) * n / width);
    for (std::size_t i = from; i < to; ++i)
      points[c] += static_cast<double>(losses[i]) / static_cast<double>(to - from);
  }
  const auto [low, high] = std::minmax_element(points.begin(), points.end());
  const double least = *low, span = std::max(*high - *low, 1e-9);
  std::string out;
  for (int r = rows - 1; r >= 0; --r) {
    out += r == rows - 1 ? fmt::format("{:8.3f} |", least + span)
           : r == 0      ? fmt::format("{:8.3f} |", least)
                         : "         |";
    for (const double p : points) {
      const int at = std::min(rows - 1, static_cast<int>((p - least) / span * rows));
      out += at == r ? "*" : " ";
    }
    out += "\n";
  }
  return out + fmt::format("  loss    0{:>{}}\n", n, width);
}

}  // namespace bantam::train
