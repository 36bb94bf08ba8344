#include "plan/bench.h"

#include <chrono>
#include <cstring>

#include "base/error.h"
#include "base/random.h"
#include "kernels/exec.h"
#include "plan/energy.h"
#include "plan/memory.h"
#include "plan/resident.h"
#include "tensor/runtime.h"

namespace bantam::plan {

namespace {

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Token ids that hang together with nothing: speed does not depend on them.
std::vector<std::int32_t> bench_tokens(std::int64_t count, std::int64_t vocabulary,
                                       std::uint64_t stream) {
  const Random random(7, stream);
  std::vector<std::int32_t> ids(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < ids.size(); ++i)
    ids[i] = static_cast<std::int32_t>(random.below(i, static_cast<std::uint64_t>(vocabulary)));
  return ids;
}

class Bench {
 public:
  Bench(const Path& path, const BenchOptions& options, const BenchStep& step)
      : path_(path),
        options_(options),
        step_(step),
        runtime_(options.session.threads, options.session.isa) {}

  BenchReport run() {
    loads();
    if (!stopped_) rounds();
    set_limits(report_, session_->model().cache_shape(1, positions(), session_->cache_type()),
               options_);
    return std::move(report_);
  }

 private:
  std::int64_t positions() const { return bench_positions(options_); }
  bool go_on() {
    stopped_ = stopped_ || (step_ && !step_(done_++));
    return !stopped_;
  }

  // Of the file, which is closed again: in memory is what whoever answers has, no more.
  std::int64_t vocabulary() {
    const ModelFile file(path_);
    tokenizer_ = tokenizer_if_any(file);
    return file.config().vocabulary;
  }

  void open() {
    session_.reset();
    file_.reset();
    file_ = std::make_shared<const ModelFile>(path_);
    SessionOptions o = options_.session;
    o.slots = *std::ranges::max_element(options_.batches);
    o.positions = positions();
    session_ = std::make_unique<Session>(file_, runtime_.lend(), o);
    if (positions() > session_->context())
      throw Error("the runs need " + std::to_string(positions()) +
                  " tokens, the context has room for " + std::to_string(session_->context()) +
                  "; say --ctx with more, or measure less");
  }

  // Each from nothing, with the first prompt behind it. Then every row once, so that the peak of
  // memory is known before the probes take theirs.
  void loads() {
    const std::int64_t width = vocabulary();
    const std::vector<std::int32_t> prompt = bench_tokens(options_.prompt, width, 0);
    for (std::int64_t i = 0; i < options_.loads && (go_on() || i == 0); ++i) {
      const double start = seconds_now();
      open();
      report_.load_ms.add(1e3 * (seconds_now() - start));
      evaluate(0, prompt, Session::Want::last);
      report_.first_token_ms.add(1e3 * (seconds_now() - start));
    }
    report_.isa = session_->isa();
    report_.threads = session_->threads();
    report_.arithmetic = session_->arithmetic();
    report_.cache = session_->cache_type();
    report_.work = token_work(*file_, session_->arithmetic());
    for (const std::int64_t depth : options_.depths)
      for (const std::int64_t batch : options_.batches) {
        BenchRow row;
        row.depth = depth;
        row.batch = batch;
        report_.rows.push_back(row);
      }
    for (BenchRow row : report_.rows)
      if (go_on()) measure(row);
    report_.peak_bytes = resident_memory().peak;
  }

  void rounds() {
    // A little more than nothing where the model is tiny: pieces of the probe are 256 KiB.
    const auto bytes =
        static_cast<std::size_t>(std::max<std::int64_t>(report_.work.weight_bytes, 1 << 20));
    ThreadPool& pool = runtime_.lend().pool;  // idle between the runs: the same threads
    const Bytes buffer = allocate_bytes(bytes);
    std::memset(buffer.get(), 1, bytes);
    const Isa isa = options_.session.isa ? *options_.session.isa : best_isa();
    const Unit unit = unit_of(session_->arithmetic(), isa);
    const auto probe = [&] {
      measure_read_bandwidth(pool, buffer.get(), bytes);  // what the model left in the caches goes
      report_.read.add(measure_read_bandwidth(pool, buffer.get(), bytes).by_clock);
      report_.peak.add(measure_peak(pool, isa, unit, 0.02).by_clock);
    };
    for (std::int64_t i = 0; i < options_.repeats; ++i) {
      if (!go_on()) return;
      probe();
      for (BenchRow& row : report_.rows)
        if (go_on()) measure(row);
    }
    probe();
  }

  void evaluate(std::int64_t slot, std::span<const std::int32_t> ids, Session::Want want) {
    const Session::Part part{slot, ids, want};
    session_->evaluate({&part, 1}, [](std::size_t, std::size_t, std::span<const float>) {});
  }

  // The slots hold `depth` tokens and nothing else.
  void go_to(std::int64_t depth, std::int64_t batch) {
    const std::vector<std::int32_t> before = bench_tokens(depth, session_->config().vocabulary, 1);
    for (std::int64_t slot = 0; slot < batch; ++slot) {
      session_->trim(slot, depth);
      const std::size_t held = session_->tokens(slot).size();
      if (held < before.size())
        evaluate(slot, std::span(before).subspan(held), Session::Want::none);
    }
  }

  void measure(BenchRow& row) {
    go_to(row.depth, row.batch);
    const std::int64_t width = session_->config().vocabulary;
    const auto batch = static_cast<std::size_t>(row.batch);
    const auto ignore = [](std::size_t, std::size_t, std::span<const float>) {};
    const std::vector<std::int32_t> prompt = bench_tokens(options_.prompt, width, 2);
    std::vector<Session::Part> parts(batch);
    for (std::size_t b = 0; b < batch; ++b)
      parts[b] = {static_cast<std::int64_t>(b), prompt, Session::Want::last};
    double start = seconds_now();
    session_->evaluate(parts, ignore);
    const double prompt_seconds = seconds_now() - start;
    row.prompt_ms.add(1e3 * prompt_seconds);
    row.prefill.add(static_cast<double>(options_.prompt * row.batch) / prompt_seconds);
    if (options_.answer == 0) return;
    // Answers are measured at the row's depth itself, not after the prompt.
    go_to(row.depth, row.batch);
    const std::vector<std::int32_t> answer = bench_tokens(options_.answer, width, 3);
    meter_.start();
    start = seconds_now();
    for (std::size_t i = 0; i < answer.size(); ++i) {
      for (Session::Part& part : parts) part.tokens = std::span(answer).subspan(i, 1);
      session_->evaluate(parts, ignore);
    }
    const double seconds = seconds_now() - start;
    const auto tokens = static_cast<double>(options_.answer * row.batch);
    row.decode.add(tokens / seconds);
    if (const auto joules = meter_.joules()) row.joules_per_token.add(*joules / tokens);
  }

  const Path path_;
  const BenchOptions options_;
  const BenchStep& step_;
  OwnRuntime runtime_;
  std::int64_t done_ = 0;
  bool stopped_ = false;
  std::shared_ptr<const Tokenizer> tokenizer_;  // for its memory: whoever answers has it
  std::shared_ptr<const ModelFile> file_;
  std::unique_ptr<Session> session_;
  EnergyMeter meter_;
  BenchReport report_;
};

}  // namespace

std::int64_t bench_positions(const BenchOptions& o) {
  if (o.prompt < 1 || o.answer < 0 || o.repeats < 1 || o.loads < 1 || o.depths.empty() ||
      o.batches.empty() || std::ranges::min(o.depths) < 0 || std::ranges::min(o.batches) < 1)
    throw Error("a prompt, repeats and batches from 1, answers and depths from 0 were expected");
  return std::ranges::max(o.depths) + std::max(o.prompt, o.answer);
}

std::int64_t bench_steps(const BenchOptions& o) {
  return o.loads + o.repeats +
         (o.repeats + 1) * static_cast<std::int64_t>(o.depths.size() * o.batches.size());
}

void set_limits(BenchReport& report, const CacheShape& cache, const BenchOptions& options) {
  for (BenchRow& row : report.rows) {
    const auto weights = static_cast<double>(report.work.weight_bytes);
    // Halfway through the answer: bytes grow evenly with the position.
    const auto keys = static_cast<double>(
        cache_bytes_read(cache, row.depth + std::max<std::int64_t>(options.answer - 1, 0) / 2));
    const auto batch = static_cast<double>(row.batch);
    row.bytes_per_token = weights / batch + keys;
    row.decode_limit = report.read.most() / row.bytes_per_token;
    // Two planes of bytes: every product is made twice.
    const double planes = report.arithmetic == Arithmetic::faithful ? 2 : 1;
    const double operations = planes * report.work.prompt_operations(options.prompt);
    row.prefill_limit =
        operations > 0 ? report.peak.most() * static_cast<double>(options.prompt) / operations : 0;
  }
}

BenchReport run_bench(const Path& path, const BenchOptions& options, const BenchStep& step) {
  bench_positions(options);
  return Bench(path, options, step).run();
}

}  // namespace bantam::plan
