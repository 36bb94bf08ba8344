#include "plan/speed.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "base/random.h"
#include "plan/shapes.h"
#include "tensor/runtime.h"

namespace bantam::plan {

namespace {

double plan_clock() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// A file that goes with the object; where the system has such a place, one in memory.
class PassingFile {
 public:
  PassingFile() {
    std::error_code none;
    const Path memory = "/dev/shm";
    folder_ = std::filesystem::is_directory(memory, none) && access("/dev/shm", W_OK) == 0
                  ? memory
                  : std::filesystem::temp_directory_path();
    path_ = folder_ / ("bantam-plan-" + std::to_string(getpid()) + ".gguf");
  }
  ~PassingFile() {
    std::error_code none;
    std::filesystem::remove(path_, none);
  }
  PassingFile(const PassingFile&) = delete;
  PassingFile& operator=(const PassingFile&) = delete;
  const Path& path() const { return path_; }

 private:
  Path folder_, path_;
};

// Bytes of the layers alone, and of the rest that a token reads.
struct Split {
  std::int64_t layers = 0, rest = 0;
};
Split split_bytes(const RunShape& run) {
  Split split;
  const std::unique_ptr<Model> model = family_by_gguf(run.config.family, "").make(run.config);
  for (const WeightSpec& weight : model->weights()) {
    if (weight.role == Role::embedding || weight.role == Role::positions) continue;
    (weight.gguf.starts_with("blk.") ? split.layers : split.rest) +=
        held_bytes(weight, run.type(weight), run.arithmetic);
  }
  return split;
}

std::int64_t layers_of(const Config& config, const Split& split, std::int64_t sample) {
  const std::int64_t each = std::max<std::int64_t>(split.layers / config.layers, 1);
  return std::clamp<std::int64_t>((sample - split.rest) / each, 1, config.layers);
}

// The first layers of a configuration.
Config first_layers(Config config, std::int64_t layers) {
  config.layers = layers;
  if (!config.by_layer.empty()) config.by_layer.resize(static_cast<std::size_t>(layers));
  return config;
}

class Stopwatch {
 public:
  explicit Stopwatch(Session& session) : session_(session) {}

  // A first run also touches memory that no run touched before.
  void warm_up(std::int64_t count) {
    session_.trim(0, 0);
    run(count, Session::Want::last);
  }
  // Seconds of a run of `count` tokens from an empty context on.
  double prompt(std::int64_t count, Session::Want want, double budget) {
    return usual(budget, [&] {
      session_.trim(0, 0);
      run(count, want);
    });
  }
  // The same of a token of an answer.
  double token(Session::Want want, double budget) {
    const std::int64_t tokens = std::min<std::int64_t>(8, session_.room());
    session_.trim(0, 0);
    return usual(budget,
                 [&] {
                   session_.trim(0, 0);
                   for (std::int64_t i = 0; i < tokens; ++i) run(1, want);
                 }) /
           static_cast<double>(tokens);
  }

 private:
  // Three times at least, and for as long as the budget of seconds lasts: the middle of what was seen.
  template <class Run>
  static double usual(double budget, const Run& run_once) {
    Samples seen;
    const double end = plan_clock() + budget;
    do {
      const double start = plan_clock();
      run_once();
      seen.add(plan_clock() - start);
    } while (seen.count() < 3 || (plan_clock() < end && seen.count() < 20));
    return seen.median();
  }
  void run(std::int64_t count, Session::Want want) {
    const Random random(11, 1);
    ids_.resize(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < ids_.size(); ++i)
      ids_[i] = static_cast<std::int32_t>(
          random.below(next_++, static_cast<std::uint64_t>(session_.config().vocabulary)));
    const Session::Part part{0, ids_, want};
    session_.evaluate({&part, 1}, [](std::size_t, std::size_t, std::span<const float>) {});
  }

  Session& session_;
  std::vector<std::int32_t> ids_;
  std::uint64_t next_ = 0;
};

// `file` has the weights of `layers` layers at least; `whole` is the run that is planned.
SpeedPlan measure_part(std::shared_ptr<const ModelFile> file, const SessionOptions& options,
                       const RunShape& whole, std::int64_t layers, std::int64_t prompt) {
  const Split split = split_bytes(whole);
  const double share = static_cast<double>(layers) / static_cast<double>(whole.config.layers);
  prompt = std::min(prompt, whole.positions);
  OwnRuntime own(options.threads, options.isa);
  SessionOptions part = options;
  part.positions = std::min<std::int64_t>(std::max<std::int64_t>(prompt, 8), whole.positions);
  const double start = plan_clock();
  Session session(file->part(layers), own.lend(), part);
  const double load = plan_clock() - start;
  Stopwatch watch(session);
  watch.warm_up(prompt);
  SpeedPlan plan;
  plan.prompt = prompt;
  plan.load_s = load * static_cast<double>(split.layers + split.rest) /
                (static_cast<double>(split.layers) * share + static_cast<double>(split.rest));
  if (layers == whole.config.layers) {
    plan.first_token_s = watch.prompt(prompt, Session::Want::last, 0.8);
    plan.decode_per_s = 1 / watch.token(Session::Want::last, 0.6);
  } else {
    const double body = watch.prompt(prompt, Session::Want::none, 0.5);
    const double token_body = watch.token(Session::Want::none, 0.3);
    const double token_whole = watch.token(Session::Want::last, 0.3);
    const double head = std::max(token_whole - token_body, 0.0);
    plan.first_token_s = body / share + head;
    plan.decode_per_s = 1 / (token_body / share + head);
  }
  plan.prefill_per_s = static_cast<double>(prompt) / plan.first_token_s;
  return plan;
}

}  // namespace

ModelCosts costs_of(const RunShape& run) {
  ModelCosts costs{run, token_work(run.config, run.arithmetic, run.type), 0};
  costs.cache_row_bytes = cache_bytes_read(cache_shape_of(run), 0);
  return costs;
}

SpeedPlan measure_speed(std::shared_ptr<const ModelFile> file, const SessionOptions& options,
                        std::int64_t prompt, std::int64_t sample) {
  const RunShape run = run_shape(*file, options);
  const std::int64_t layers = layers_of(run.config, split_bytes(run), sample);
  return measure_part(std::move(file), options, run, layers, prompt);
}

SpeedPlan measure_speed(const Config& config, const StoredType& type, const SessionOptions& options,
                        std::int64_t prompt, std::int64_t sample) {
  const PassingFile passing;
  RunShape run = run_shape_of(config, type, options);
  const std::int64_t layers = layers_of(config, split_bytes(run), sample);
  write_random_model(first_layers(config, layers), type, passing.path());
  return measure_part(std::make_shared<const ModelFile>(passing.path()), options, run, layers,
                      prompt);
}

SpeedPlan reckon_speed(const Device& device, const ModelCosts& costs, std::int64_t prompt) {
  SpeedPlan plan;
  plan.prompt = prompt;
  const auto weights = static_cast<double>(costs.work.weight_bytes);
  const bool floats =
      costs.run.arithmetic == Arithmetic::f32 || costs.run.arithmetic == Arithmetic::bf16;
  const double peak = floats ? device.float_peak : device.bytes_peak;
  plan.load_s = weights / device.storage;
  plan.first_token_s = costs.work.prompt_operations(prompt) / (kPrefillShare * peak);
  // A prompt reads the weights too, once for each chunk of it.
  const double chunks = static_cast<double>((prompt + costs.run.chunk - 1) / costs.run.chunk);
  plan.first_token_s =
      std::max(plan.first_token_s, chunks * weights / (kDecodeShare * device.read));
  plan.prefill_per_s = static_cast<double>(prompt) / plan.first_token_s;
  plan.decode_per_s =
      kDecodeShare * device.read / (weights + static_cast<double>(costs.cache_row_bytes));
  return plan;
}

}  // namespace bantam::plan
