// `bantam bench`: how fast a model is on this machine, and how near to what the machine can do.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/counting.h"
#include "base/error.h"
#include "base/progress.h"
#include "blocks/format.h"
#include "cli/bench_parts.h"
#include "cli/interrupt.h"
#include "cli/model_options.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "plan/bench.h"

namespace bantam::cli {

namespace {

struct BenchVerb {
  ModelOptions model;
  std::optional<std::int64_t> prompt, answer, repeats;
  std::vector<std::int64_t> depths{0}, batches{1};
  std::optional<std::string> quality, parent, draft;
  double temperature = 0;
  std::optional<std::int64_t> loads;
  bool json = false;

  void run() const;
  void run_speed() const;
};

// The middle of the samples, all of them told by their least and most.
Json spread_json(const Samples& s) {
  return {{"median", s.median()}, {"least", s.least()}, {"most", s.most()}, {"spread", s.spread()}};
}

Json row_json(const BenchRow& row) {
  Json j = {{"depth", row.depth},
            {"batch", row.batch},
            {"prefill_tokens_per_s", spread_json(row.prefill)},
            {"decode_tokens_per_s", spread_json(row.decode)},
            {"prompt_ms", spread_json(row.prompt_ms)},
            {"bytes_per_token", row.bytes_per_token},
            {"decode_limit_tokens_per_s", row.decode_limit},
            {"prefill_limit_tokens_per_s", row.prefill_limit},
            {"decode_fraction_of_limit", row.decode_fraction()},
            {"prefill_fraction_of_limit", row.prefill_fraction()}};
  if (!row.joules_per_token.empty()) j["joules_per_token"] = row.joules_per_token.median();
  return j;
}

Json bench_json(const BenchReport& report, const std::string& path, const BenchOptions& options) {
  const BenchRow& first = report.rows.front();
  Json j = {{"model", path},
            {"prefill_tokens_per_s", first.prefill.median()},
            {"decode_tokens_per_s", first.decode.median()},
            {"first_token_ms", report.first_token_ms.median()},
            {"load_ms", report.load_ms.median()},
            {"read_gb_per_s", report.read.most() / 1e9},
            {"peak_tops", report.peak.most() / 1e12},
            {"decode_fraction_of_limit", first.decode_fraction()},
            {"prefill_fraction_of_limit", first.prefill_fraction()},
            {"peak_bytes", report.peak_bytes},
            {"isa", report.isa},
            {"arithmetic", arithmetic_name(report.arithmetic)},
            {"cache", format(report.cache).name},
            {"threads", report.threads},
            {"prompt_tokens", options.prompt},
            {"answer_tokens", options.answer},
            {"repeats", options.repeats},
            {"weight_bytes", report.work.weight_bytes},
            {"parameters_multiplied", report.work.body},
            {"head_parameters", report.work.head}};
  j["joules_per_token"] =
      first.joules_per_token.empty() ? Json(nullptr) : Json(first.joules_per_token.median());
  j["rows"] = Json::array();
  for (const BenchRow& row : report.rows) j["rows"].push_back(row_json(row));
  return j;
}

// "1,203 tokens/s (half within 2 %), 41 % of 2,934"
std::string speed_text(const Samples& speed, double limit, double fraction) {
  return fmt::format(
      "{:.1f} tokens/s, half of the runs within {:.1f} %, best {:.1f}; {:.0f} % of the limit of "
      "{:.0f}",
      speed.median(), 100 * speed.spread(), speed.most(), 100 * fraction, limit);
}

void print_row(const BenchRow& row, const BenchOptions& options) {
  std::string where;
  if (row.depth > 0) where += fmt::format(" after {} tokens", row.depth);
  if (row.batch > 1) where += fmt::format(", {} at once", row.batch);
  print(fmt::format("  prompt of {}{}: {}\n", options.prompt, where,
                    speed_text(row.prefill, row.prefill_limit, row.prefill_fraction())));
  if (options.answer == 0) return;
  print(fmt::format("  answer of {}{}: {}\n", options.answer, where,
                    speed_text(row.decode, row.decode_limit, row.decode_fraction())));
  if (!row.joules_per_token.empty())
    print(fmt::format("  energy: {:.2f} J a token of the answer\n", row.joules_per_token.median()));
}

void print_report(const BenchReport& report, const std::string& path, const BenchOptions& options) {
  print(fmt::format("{}: {} arithmetic on {}, {}, cache {}; {}\n", path,
                    arithmetic_name(report.arithmetic), report.isa, number_of(report.threads, "thread"),
                    format(report.cache).name, medians_of(options.repeats)));
  print(fmt::format("  loaded in {:.0f} ms, first token {:.0f} ms after the file was opened\n",
                    report.load_ms.median(), report.first_token_ms.median()));
  for (const BenchRow& row : report.rows) print_row(row, options);
  print(fmt::format("  memory: {} at most; weights of {} are read for a token\n",
                    byte_text(static_cast<double>(report.peak_bytes)),
                    byte_text(static_cast<double>(report.work.weight_bytes))));
  print(fmt::format(
      "  this machine in the same minute: reads {:.1f} GB/s of such a size (median {:.1f}), "
      "computes {:.3f} T operations/s on registers\n",
      report.read.most() / 1e9, report.read.median() / 1e9, report.peak.most() / 1e12));
}

void BenchVerb::run() const {
  if (parent && !quality) throw Error("--parent goes with --quality", Error::Kind::usage);
  if (quality && draft) throw Error("--quality or --draft, not both", Error::Kind::usage);
  if (quality) return bench_quality(model, *quality, parent, prompt, json);
  if (!draft) return run_speed();
  DraftBench asked;
  asked.draft = *draft;
  asked.prompt = prompt.value_or(asked.prompt);
  asked.answer = answer.value_or(asked.answer);
  if (asked.answer < 2)
    throw Error("an answer of two tokens or more was expected", Error::Kind::usage).field("-n");
  asked.repeats = repeats.value_or(asked.repeats);
  asked.temperature = temperature;
  bench_draft(model, asked, json);
}

void BenchVerb::run_speed() const {
  BenchOptions options;
  options.session = model.session();
  options.prompt = prompt.value_or(options.prompt);
  options.answer = answer.value_or(options.answer);
  options.repeats = repeats.value_or(options.repeats);
  options.loads = loads.value_or(options.loads);
  options.depths = depths;
  options.batches = batches;
  bench_positions(options);  // throws
  Progress progress(Progress::detect(json), "runs", bench_steps(options));
  const BenchReport report = run_bench(Path(model.path), options, [&](std::int64_t done) {
    progress.update(done, "");
    return !interrupted();
  });
  progress.finish("done");
  check_interrupt();
  if (json)
    print(to_text(bench_json(report, model.path, options)) + "\n");
  else
    print_report(report, model.path, options);
}

std::function<void()> declare_bench(Options& options) {
  auto command = std::make_shared<BenchVerb>();
  command->model.declare(options);
  options.whole("-p,--prompt", "N", command->prompt, 1, 1 << 20,
                "tokens of a prompt (default 512)");
  options.whole("-n,--count", "N", command->answer, 0, 1 << 20,
                "tokens of an answer (default 64; 0: prompts only)");
  options.wholes("--depth", "N,N", command->depths, 0, 1 << 24,
                 "tokens that stand before both (default 0); several: each is measured");
  options.wholes("--batch", "N,N", command->batches, 1, 4096,
                 "prompts and answers at once (default 1); several: each is measured");
  options.whole("--repeats", "N", command->repeats, 1, 10000, "runs of each (default 5)");
  options.whole("--loads", "N", command->loads, 1, 1000,
                "times that the model is opened (default 3)");
  options.text("--quality", "FILE", command->quality,
               "measure on this text what arithmetic and cache cost in quality, not the speed");
  options.text("--parent", "FILE", command->parent,
               "with --quality: the model that this one was made from, to be compared with");
  options.text("--draft", "FILE", command->draft,
               "measure answers with this smaller model of the same tokenizer guessing ahead, and "
               "without, on a text that comes with the program");
  options.number("--temp", "T", command->temperature, 0, 100,
                 "with --draft: the temperature of the answers (default 0)");
  options.flag("--json", command->json,
               "one JSON object: the first row's medians, limits, all rows");
  return [command] { command->run(); };
}

}  // namespace

const Verb kBench{
    "bench", "measure a model's speed, and the machine's limits beside it",
    "Loads the model, reads prompts and writes answers, several times, and between the runs\n"
    "measures how fast this machine reads memory and multiplies. An answer cannot be faster\n"
    "than its weights are read, a prompt not faster than its products are computed: the\n"
    "share of that limit is told beside each speed. Close other programs first.",
    "bantam bench model.gguf\n"
    "bantam bench model-q4_0.gguf --quality text.txt --parent model.gguf\n"
    "bantam bench model.gguf -t 4 -p 2048 -n 128 --depth 0,4096 --json",
    declare_bench};

}  // namespace bantam::cli
