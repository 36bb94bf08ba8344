#include "adapt/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "adapt/defaults.h"
#include "adapt/export.h"
#include "adapt/group_steps.h"
#include "adapt/learning_model.h"
#include "adapt/look_first.h"
#include "adapt/prepare.h"
#include "adapt/prompts.h"
#include "base/counting.h"
#include "base/error.h"
#include "base/machine.h"
#include "files/apart.h"
#include "files/model_path.h"
#include "data/questions.h"
#include "infer/session.h"
#include "models/stored.h"
#include "tensor/runtime.h"
#include "train/run_folder.h"
#include "train/run_limits.h"
#include "train/shares.h"

namespace bantam::adapt {

namespace {

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

class Tuning {
 public:
  Tuning(const TuneRequest& request, const TuneOptions& options)
      : request_(request),
        options_(options),
        own_(options.threads),
        exec_(own_.exec()),
        folder_(request.out),
        checkpoint_(folder_.path() / "checkpoint") {}

  TuneResult run();

 private:
  void look_before() const;
  bool read();
  void read_measured();
  std::optional<ChatData> be_written();
  bool be_taught();
  void load();
  void load_full();
  void plan();
  bool measure_before();
  bool remember_reference();
  void train();
  void look_at_held_out();
  void finish();
  void export_it();
  void save();

  const TuneRequest& request_;
  const TuneOptions& options_;
  OwnRuntime own_;
  Exec exec_;
  RunFolder folder_;
  Path checkpoint_;
  std::shared_ptr<const ModelFile> file_;
  PreparedData data_;
  std::vector<LabelledExample> held_, measured_;
  Choice choice_;
  Tape tape_;
  LearningModel learner_;
  std::unique_ptr<Tuner> tuner_;
  std::unique_ptr<GroupSteps> groups_;  // of grpo
  TuneResult result_;
  double saved_ = 0;
  LocalTime day_;  // that templates see
};

void Tuning::look_before() const {
  std::error_code ignored;
  const bool unfinished = std::filesystem::exists(checkpoint_, ignored);
  if (options_.resume && !std::filesystem::exists(folder_.path() / kDay, ignored))
    throw Error(std::filesystem::exists(request_.out, ignored)
                    ? "there is no unfinished run to resume: it is finished, and " + printable(request_.out.string(), 200) +
                          " is there (--start goes on from an adapter)"
                    : std::string("there is no unfinished run to resume; ") + train::kStartedAnew)
        .in(folder_.path().string());
  if (!options_.resume && unfinished && !options_.force)
    throw Error("an unfinished run is here: go on with --resume, or say --force to start anew")
        .in(folder_.path().string());
  if (!options_.force && std::filesystem::exists(request_.out, ignored))
    throw Error("exists; choose another name, or say --force").in(request_.out.string());
  if (request_.method == Method::dora && files::is_gguf_name(request_.out))
    throw Error("an adapter as GGUF cannot hold the magnitudes of --method dora: give --out the name of a folder",
                Error::Kind::usage)
        .in(request_.out.string());
  files::require_replaceable(request_.out, true);
  files::require_apart(request_.out, request_.data, "the data");
  if (request_.start) files::require_apart(request_.out, *request_.start, "the adapter to go on from");
  if (request_.teacher) files::require_apart(request_.out, *request_.teacher, "the teacher");
  if (request_.teacher && request_.objective != Objective::supervised)
    throw Error("a teacher is for the objective sft: it says what may follow, not which answer is better", Error::Kind::usage);
}

// The teacher's answers in place of the records' own. Nothing: the user stopped it.
std::optional<ChatData> Tuning::be_written() {
  WritingSettings settings = request_.writing;
  settings.seed = request_.seed;
  ChatData questions = read_questions(request_.data);
  refuse_broken(request_, questions.broken);
  look_at_questions(request_, *file_, in_blocks(*file_), exec_.kernels.tiles, day_, questions);
  TeacherWriter writer(*request_.teacher, std::move(questions), settings, day_);
  refuse_broken(request_, writer.broken());  // not after hours of writing
  if (!writer.has_template())
    options_.say("the teacher has no chat template: it continues the text of each prompt, as a model that was not "
                 "taught to answer does; take one that was (an instruct or chat model), unless that is meant");
  writer.require_kept(folder_.path() / "answers", options_.force && !options_.resume);
  keep_day(folder_.path(), day_);
  Progress progress(options_.progress, "teacher", writer.questions());
  const bool whole = writer.write(folder_.path() / "answers", options_.threads, [&](std::int64_t done) {
    progress.update(done, "answers");
    return !options_.stop();
  });
  progress.finish(whole ? "answers are kept beside the checkpoint" : "stopped; what is written is kept");
  if (!whole) return std::nullopt;
  std::vector<std::string> lines;
  try {
    ChatData data = writer.take(lines);
    for (const std::string& line : lines) options_.say(line);
    if (request_.labels_or_usual() == Labels::last_answer && std::ranges::any_of(data.records, answered_before))
      options_.say("labels: what the teacher wrote alone; the records' earlier answers are not learnt (--labels answers "
                   "learns them too)");
    return data;
  } catch (Error& error) {
    throw error.in(request_.data.string());
  }
}

void Tuning::read_measured() {
  PreparedData prepared = prepare_data(request_, *request_.evaluate, day_);
  if (const auto& broken = prepared.report.broken; !broken.empty())
    options_.say(fmt::format("{}: {} cannot be used; the first, line {}: {}", printable(request_.evaluate->string(), 200),
                             number_of(broken.size(), "record"),
                             broken.front().line, broken.front().reason));
  measured_ = std::move(prepared.examples);
}

// False: the user stopped it.
bool Tuning::read() {
  file_ = std::make_shared<const ModelFile>(request_.model);
  files::require_apart(request_.out, file_->tensors());
  day_ = day_of_run(folder_.path(), options_.force && !options_.resume);
  if (request_.evaluate) read_measured();
  if (request_.teacher_writes) {
    const std::optional<ChatData> written = be_written();
    if (!written) return false;
    data_ = prepare_data(request_, *written, day_);
  } else {
    data_ = prepare_data(request_, request_.data, day_);
  }
  for (const std::string& line : data_.lines()) options_.say(line);
  refuse_broken(request_, data_.report.broken);
  try {
    if (request_.objective != Objective::grpo) check_labels(data_.examples, *data_.tokenizer, request_.labels_or_usual());
  } catch (Error& error) {
    throw error.in(request_.data.string());
  }
  if (const std::string long_ones = look_at_lengths(request_, *file_, data_.examples); !long_ones.empty()) options_.say(long_ones);
  choice_ = choose(request_, *file_, in_blocks(*file_), static_cast<std::int64_t>(data_.examples.size()),
                   exec_.kernels.tiles);
  if (const std::int64_t both = learnt_too(measured_, data_.examples); both > 0)
    options_.say(fmt::format("evaluated: {} of {} stand in the data too, and tell nothing of what is new to the model", both,
                             number_of(measured_.size(), "record")));
  hold_out(data_.examples, choice_.validation, held_);
  result_.method = choice_.method;
  result_.examples = static_cast<std::int64_t>(data_.examples.size());
  return true;
}

// False: the user stopped it.
bool Tuning::be_taught() {
  if (!request_.teacher || request_.teacher_writes) return true;
  Progress progress(options_.progress, "teacher", static_cast<std::int64_t>(data_.examples.size()));
  const bool whole = ask_teacher(*request_.teacher, *data_.tokenizer, data_.examples, request_.teaching,
                                 folder_.path() / "teacher", options_.force && !options_.resume, options_.threads, [&](std::int64_t done) {
                                   progress.update(done, "records");
                                   return !options_.stop();
                                 });
  progress.finish(whole ? "answers are kept beside the checkpoint" : "stopped");
  keep_day(folder_.path(), day_);
  return whole;
}

void Tuning::load_full() {
  // The forms that inference wants are not wanted here: the weights are float32 and change.
  check_weights(*file_);
  learner_.model = file_->family().make(file_->config());
  learner_.parameters = adopt_parameters(*learner_.model, tape_,
                                         [this](const WeightSpec& w) { return stored_rows(file_, w); });
}

void Tuning::load() {
  if (choice_.method == Method::full)
    load_full();
  else
    load_with_adapter(learner_, request_, choice_, file_, tape_, exec_);
  result_.trained = learner_.trained();
  result_.parameters = count_parameters(file_->family(), file_->config());
  const std::string data = fingerprint(data_);
  choice_.settings.learner = fmt::format("method = {}\n", method_name(choice_.method));
  if (choice_.method != Method::full)
    choice_.settings.learner += fmt::format("rank = {}\nalpha = {}\n", choice_.rank, choice_.alpha);
  if (request_.start) choice_.settings.learner += "start = " + digest(learner_.adapter).substr(0, 16) + "\n";
  choice_.settings.learner += "model = " + text_sum(weights_mark(*file_)).substr(0, 16) + "\n";
  try {
    tuner_ = std::make_unique<Tuner>(*learner_.model, tape_, learner_.parameters, data_.examples, choice_.settings,
                                     data, exec_.pool, exec_.kernels);
  } catch (Error& error) {
    throw error.in(request_.data.string());
  }
  if (learner_.lengths) tuner_->before_step = [this] { learner_.lengths->update(exec_); };
  if (request_.objective != Objective::grpo) return;
  try {
    groups_ = std::make_unique<GroupSteps>(*tuner_, *learner_.model, learner_.parameters, data_.examples, data_.records,
                                           request_.reward, data_.tokenizer, own_.lend());
  } catch (Error& error) {
    throw error.in(request_.data.string());
  }
}

// What the run will take, before it is begun.
void Tuning::plan() {
  const std::int64_t activations = tuner_->plan_activations();
  std::int64_t kept = learner_.trained_bytes();
  const std::int64_t weights = weight_bytes(*file_) + learner_.widened;
  for (const std::string& line : lines_of(choice_, tuner_->stream().steps_per_epoch())) options_.say(line);
  if (!held_.empty())
    options_.say(fmt::format("held out: {}, measured after each epoch; {}", number_of(held_.size(), "record"),
                             choice_.early_stop ? "the state that foretells them best is kept" : "the last state is kept"));
  if (groups_) options_.say(groups_->plan());
  options_.say(fmt::format("trained: {} of {} parameters; memory: the model {}, trained numbers {}, "
                           "activations {}",
                           count_text(static_cast<double>(result_.trained)),
                           count_text(static_cast<double>(result_.parameters)),
                           byte_text(static_cast<double>(weights)), byte_text(static_cast<double>(kept)),
                           byte_text(static_cast<double>(activations))));
  if (choice_.method == Method::full && in_blocks(*file_))
    options_.say(fmt::format("the model is written in F32 ({}): rounded to blocks again it would forget what it learns; "
                             "bantam quantize makes a smaller one of it",
                             byte_text(4 * static_cast<double>(result_.parameters))));
  const std::int64_t free = available_memory();
  if (groups_) kept += groups_->bytes();
  if (activations + kept > free)
    throw Error("training needs " + byte_text(static_cast<double>(activations + kept)) + " of memory beside the model; " +
                byte_text(static_cast<double>(free)) +
                " are free: say --micro-batch 1, shorter records (--max-tokens), or a smaller --rank");
  if (!groups_ && !options_.resume) options_.say("time: its steps take about " + duration_text(tuner_->plan_seconds()));
}

// False: the user stopped it.
bool Tuning::measure_before() {
  if (!held_.empty()) result_.validation_before = tuner_->evaluate(held_);
  if (!measured_.empty()) result_.evaluated_before = tuner_->evaluate(measured_);
  tuner_->before_step();
  return !tuner_->compares() || remember_reference();
}

bool Tuning::remember_reference() {
  const Path kept = folder_.path() / "reference";
  std::error_code ignored;
  if (!options_.resume) std::filesystem::remove(kept, ignored);
  keep_day(folder_.path(), day_);
  Progress progress(options_.progress, "reference", tuner_->settings().steps);
  bool first = true;
  const bool whole = tuner_->remember_reference(kept, options_.save_every, [&](std::int64_t step) {
    if (first) progress.skip(step);
    first = false;
    progress.update(step, "steps as the model scores them before it learns");
    return !options_.stop();
  });
  if (!first) progress.finish(whole ? "is kept beside the checkpoint" : "stopped; what is known is kept");
  return whole;
}

// From then on there is something to go on from.
void Tuning::save() {
  keep_day(folder_.path(), day_);
  tuner_->save(checkpoint_);
  saved_ = now_seconds();
}

// The state that foretells the held-out examples best lies beside the checkpoint: a resumed run finds
// it there, or comes to the same step again.
void Tuning::look_at_held_out() {
  RunState& state = tuner_->state();
  const auto loss = static_cast<float>(tuner_->evaluate(held_));
  const bool best = std::ranges::all_of(state.validation_losses, [&](float l) { return loss < l; });
  state.validation_losses.push_back(loss);
  state.validation_steps.push_back(state.step);
  if (best) tuner_->save(folder_.path() / "best");
}

void Tuning::train() {
  const TuneSettings& s = tuner_->settings();
  Progress progress(options_.progress, "step", s.steps);
  progress.skip(tuner_->state().step);
  const double start = now_seconds();
  saved_ = start;
  double smooth = 0;
  const std::int64_t epoch = tuner_->stream().steps_per_epoch();
  // Between steps that learn from the same answers there is no place to go on from: answers are not kept.
  const auto apart = [&] { return tuner_->state().step % s.groups.iterations == 0; };
  while (!tuner_->done()) {
    if ((groups_ && !groups_->ready([this] { return !options_.stop(); })) || (apart() && options_.stop())) {
      save();
      progress.finish(fmt::format("stopped after {} of {}", tuner_->state().step, s.steps));
      return;
    }
    const double loss = tuner_->step();
    result_.losses.push_back(loss);
    smooth = smooth == 0 ? loss : 0.9 * smooth + 0.1 * loss;
    progress.update(tuner_->state().step, fmt::format("running mean of the loss {:.4f}", smooth) + (groups_ ? ", " + groups_->note() : ""));
    if (choice_.early_stop && (tuner_->state().step % epoch == 0 || tuner_->done()))
      look_at_held_out();
    if (!tuner_->done() && apart() && now_seconds() - saved_ >= options_.save_every) save();
  }
  result_.finished = true;
  result_.training_seconds = now_seconds() - start;
  progress.finish(fmt::format("{} done, running mean of the loss {:.4f}", tuner_->state().step, smooth));
}

void Tuning::finish() {
  result_.steps = tuner_->state().step;
  result_.loss = result_.losses.empty() ? 0 : result_.losses.back();
  const RunState& state = tuner_->state();
  if (const auto best = std::ranges::min_element(state.validation_losses);
      best != state.validation_losses.end() && best + 1 != state.validation_losses.end()) {
    const std::int64_t step = state.validation_steps[static_cast<std::size_t>(best - state.validation_losses.begin())];
    tuner_->resume(folder_.path() / "best");
    options_.say(fmt::format("the state after step {} is kept: the held-out examples were likeliest then", step));
  }
  if (!held_.empty()) result_.validation_after = tuner_->evaluate(held_);
  if (!measured_.empty()) result_.evaluated_after = tuner_->evaluate(measured_);
  tuner_->before_step();
  export_it();
  folder_.remove();
}

void Tuning::export_it() {
  const Trained trained{request_, options_.force, folder_.path(), file_, data_, day_, *learner_.model, exec_.pool, exec_.kernels};
  result_.gate = choice_.method == Method::full ? export_model(trained) : export_adapter(trained, learner_.adapter);
}

TuneResult Tuning::run() {
  const double start = now_seconds();
  check_group_request(request_);
  look_before();
  if (!read() || !be_taught()) return result_;
  load();
  plan();
  if (!measure_before()) return result_;
  std::error_code ignored;
  if (options_.resume && std::filesystem::exists(checkpoint_, ignored)) {
    tuner_->resume(checkpoint_);
    for (const float loss : tuner_->state().losses) result_.losses.push_back(static_cast<double>(loss));
    options_.say(fmt::format("resumed after step {}", tuner_->state().step));
  }
  train();
  const RunState& state = tuner_->state();
  result_.rewards.assign(state.rewards.begin(), state.rewards.end());
  result_.groups = std::accumulate(state.groups.begin(), state.groups.end(), std::int64_t{0});
  result_.cut_answers = std::accumulate(state.cut.begin(), state.cut.end(), std::int64_t{0});
  result_.answers = result_.groups * request_.groups.group;
  result_.silent_groups = std::accumulate(state.silent.begin(), state.silent.end(), std::int64_t{0});
  if (result_.finished) finish();
  result_.seconds = now_seconds() - start;
  result_.labels = data_.report.labels;
  result_.tokens = data_.report.tokens;
  return result_;
}

}  // namespace

TuneResult run_tuning(const TuneRequest& request, const TuneOptions& options) {
  return Tuning(request, options).run();
}

}  // namespace bantam::adapt
