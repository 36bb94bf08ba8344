#include "adapt/probe.h"

#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "adapt/defaults.h"
#include "adapt/learning_model.h"
#include "adapt/prepare.h"
#include "adapt/teacher.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/machine.h"
#include "tensor/runtime.h"

namespace bantam::adapt {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::vector<double> losses_of(const std::vector<SequenceScore>& scores) {
  std::vector<double> out;
  for (const SequenceScore& s : scores) out.push_back(-s.answer);
  return out;
}

class Probe {
 public:
  Probe(const ProbeRequest& request, const ProbeOptions& options)
      : request_(request),
        options_(options),
        own_(options.threads),
        exec_(own_.exec()),
        file_(std::make_shared<const ModelFile>(request.model)),
        start_(Clock::now()) {
    tuning_.model = request.model;
    tuning_.steps = request.steps;
    tuning_.validation = 0;  // held out already, by the records and not by their tokens
  }

  ProbeResult run() {
    prepare();
    if (take_kept()) return result_;
    load();
    result_.before = losses_of(tuner_->score_answers(held_));
    resume();
    if (!learn()) return result_;
    result_.after = losses_of(tuner_->score_answers(held_));
    result_.finished = true;
    result_.seconds = earlier_ + seconds_since(start_);
    keep();
    return result_;
  }

 private:
  void prepare();
  void require_usable(const PreparedData& data) const;
  bool take_kept();
  void load();
  void require_memory();
  void resume();
  void require_time() const;
  bool learn();
  void save() const;
  void keep() const;
  Path checkpoint() const { return options_.kept / "checkpoint"; }
  Path result_file() const { return options_.kept / "result.json"; }

  const ProbeRequest& request_;
  const ProbeOptions& options_;
  TuneRequest tuning_;
  OwnRuntime own_;
  Exec exec_;
  std::shared_ptr<const ModelFile> file_;
  Clock::time_point start_;
  double earlier_ = 0;  // seconds of learning in starts before this
  std::vector<LabelledExample> learnt_, held_;
  Choice choice_;
  std::string purpose_;
  Tape tape_;
  LearningModel learner_;
  std::unique_ptr<Tuner> tuner_;
  ProbeResult result_;
};

void Probe::require_usable(const PreparedData& data) const {
  if (!data.report.broken.empty())
    throw Error(fmt::format("{} of {} records cannot be put to it; line {}: {}", data.report.broken.size(),
                            request_.data.records.size(), data.report.broken.front().line,
                            data.report.broken.front().reason));
  const std::int64_t context = file_->config().context;
  for (const LabelledExample& e : data.examples)
    if (context > 0 && static_cast<std::int64_t>(e.first.ids.size()) > context)
      throw Error(fmt::format("the record of line {} has {} tokens, its context is {}", e.line, e.first.ids.size(), context));
  check_labels(data.examples, *data.tokenizer, tuning_.labels_or_usual());
}

void Probe::prepare() {
  PreparedData data = prepare_data(tuning_, request_.data, request_.day);
  require_usable(data);
  const auto learnt = static_cast<std::ptrdiff_t>(data.examples.size() - request_.held);
  choice_ = choose(tuning_, *file_, in_blocks(*file_), learnt, exec_.kernels.tiles);
  Sha256 sum;
  const std::string said = teacher_mark(*file_, request_.model) + fingerprint(data) + choice_.settings.text() +
                           fmt::format("{} {} {} {}", method_name(choice_.method), choice_.rank, choice_.alpha, request_.held);
  sum.add(std::as_bytes(std::span(said)));
  purpose_ = sum.hex();
  held_.assign(std::make_move_iterator(data.examples.begin() + learnt), std::make_move_iterator(data.examples.end()));
  data.examples.resize(static_cast<std::size_t>(learnt));
  learnt_ = std::move(data.examples);
  result_.method = method_name(choice_.method);
  result_.rank = choice_.rank;
  result_.steps = choice_.settings.steps;
  result_.batch = choice_.settings.batch;
}

bool Probe::take_kept() {
  std::error_code ignored;
  if (options_.kept.empty() || !std::filesystem::exists(result_file(), ignored)) return false;
  try {
    const Json kept = parse_json(read_file(result_file()), result_file().string());
    if (kept.at("for") != purpose_) return false;
    result_.trained = kept.at("trained").get<std::int64_t>();
    result_.memory = kept.at("memory").get<std::int64_t>();
    result_.seconds = kept.at("seconds").get<double>();
    result_.before = kept.at("before").get<std::vector<double>>();
    result_.after = kept.at("after").get<std::vector<double>>();
  } catch (const std::exception&) {
    return false;  // damaged: it is found out again
  }
  result_.finished = result_.before.size() == held_.size() && result_.after.size() == held_.size();
  return result_.finished;
}

void Probe::keep() const {
  if (options_.kept.empty()) return;
  std::filesystem::create_directories(options_.kept);
  const Json kept{{"for", purpose_},          {"trained", result_.trained}, {"memory", result_.memory},
                  {"seconds", result_.seconds}, {"before", result_.before},   {"after", result_.after}};
  write_file(result_file(), to_text(kept) + "\n");
  std::error_code ignored;
  std::filesystem::remove(checkpoint(), ignored);
}

void Probe::load() {
  load_with_adapter(learner_, tuning_, choice_, file_, tape_, exec_);
  tuner_ = std::make_unique<Tuner>(*learner_.model, tape_, learner_.parameters, learnt_, choice_.settings, purpose_, exec_.pool,
                                   exec_.kernels);
  result_.trained = learner_.trained();
  require_memory();
}

void Probe::require_memory() {
  const std::int64_t beside = tuner_->plan_activations() + learner_.trained_bytes(), free = available_memory();
  result_.memory = weight_bytes(*file_) + learner_.widened + beside;
  if (beside > free)
    throw Error(fmt::format("learning takes {} of memory beside the model, {} are free; shorter records take less",
                            byte_text(static_cast<double>(beside)), byte_text(static_cast<double>(free))));
}

// A checkpoint of another purpose, or a damaged one, is begun anew.
void Probe::resume() {
  std::error_code ignored;
  if (options_.kept.empty() || !std::filesystem::exists(checkpoint(), ignored)) return;
  try {
    tuner_->resume(checkpoint());
    earlier_ = tuner_->state().seconds;
  } catch (const Error&) {
    std::filesystem::remove(checkpoint(), ignored);
  }
}

void Probe::save() const {
  if (options_.kept.empty()) return;
  std::filesystem::create_directories(options_.kept);
  tuner_->save(checkpoint());
}

// The first steps are slower than those that follow: half as much again is allowed by what they foretell.
void Probe::require_time() const {
  const RunState& state = tuner_->state();
  constexpr std::int64_t kEnoughToTell = 3;
  if (!(request_.most_seconds > 0) || state.step < kEnoughToTell || tuner_->done()) return;
  const double all = state.seconds / static_cast<double>(state.step) * static_cast<double>(choice_.settings.steps);
  if (state.seconds > request_.most_seconds || all > 1.5 * request_.most_seconds)
    throw Error(fmt::format("{} steps would take about {}, more than the {} that are allowed", choice_.settings.steps,
                            duration_text(all), duration_text(request_.most_seconds)));
}

// False: the user stopped it.
bool Probe::learn() {
  Progress progress(options_.progress, "probe", choice_.settings.steps);
  progress.skip(tuner_->state().step);
  Clock::time_point saved = Clock::now();
  while (!tuner_->done()) {
    if (options_.stop()) {
      save();
      progress.finish("stopped");
      return false;
    }
    const double loss = tuner_->step();
    progress.update(tuner_->state().step, fmt::format("loss {:.4f}", loss));
    require_time();
    if (!tuner_->done() && seconds_since(saved) >= options_.save_every) {
      save();
      saved = Clock::now();
    }
  }
  progress.finish(fmt::format("{} done", choice_.settings.steps));
  return true;
}

}  // namespace

ProbeResult run_probe(const ProbeRequest& request, const ProbeOptions& options) { return Probe(request, options).run(); }

}  // namespace bantam::adapt
