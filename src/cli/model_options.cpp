#include "cli/model_options.h"

#include <array>
#include <charconv>
#include <random>

#include "base/error.h"
#include "cli/output.h"

namespace bantam::cli {

namespace {

constexpr std::array<Choice<Arithmetic>, 3> kArithmetics{
    {{"f32", Arithmetic::f32}, {"exact", Arithmetic::exact}, {"bf16", Arithmetic::bf16}}};
constexpr std::array<Choice<Type>, 3> kCacheTypes{
    {{"f32", Type::f32}, {"f16", Type::f16}, {"bf16", Type::bf16}}};

}  // namespace

std::string_view arithmetic_name(Arithmetic arithmetic) {
  for (const auto& [name, value] : kArithmetics)
    if (value == arithmetic) return name;
  return "";
}

void ModelOptions::declare(Options& options) {
  options.positional("MODEL", path, "a .gguf file, or a folder with config.json and safetensors");
  options.whole(
      "-t,--threads", "N", threads, 1, kMostThreads,
      "threads to compute with (default: one a processor); the answer does not depend on it");
  options.whole(
      "--ctx", "N", context, 1, kMostContext,
      "context: how many tokens a conversation may have (default: as the model was trained)");
  options.choice<Arithmetic>(
      "--arithmetic", "f32|exact|bf16", arithmetic, kArithmetics,
      "how products are computed (default: exact for quantised files, else f32)");
  options.choice<Type>(
      "--cache", "f32|f16|bf16", cache, kCacheTypes,
      "type of the stored keys and values (default: f16; bf16 with --arithmetic bf16)");
}

SessionOptions ModelOptions::session() const {
  SessionOptions options;
  options.threads = static_cast<unsigned>(threads.value_or(0));
  options.context = context.value_or(0);
  options.arithmetic = arithmetic;
  options.cache = cache;
  return options;
}

void ModelOptions::warn_of_context(const ModelFile& file) const {
  if (context.value_or(0) > file.config().context)
    note("the model was trained with a context of " + std::to_string(file.config().context) +
         " tokens; beyond it answers get worse");
}

void SamplingFlags::declare(Options& options) {
  std::string order;
  for (const SamplerStage* stage : sampler_stages())
    order += (order.empty() ? "" : ", ") + std::string(stage->name);
  options.number("--temp", "T", sampling.temperature, 0, 1000,
                 "temperature: 0 takes the likeliest token always, more is livelier (default 0.8); "
                 "the sampler goes through " +
                     order);
  options.whole("--top-k", "K", top_k, 0, INT32_MAX,
                "choose among the K likeliest tokens (default 40; 0: all)");
  options.number("--top-p", "P", sampling.top_p, 1e-9, 1,
                 "choose among the likeliest tokens that reach this probability (default 0.95)");
  options.number("--min-p", "P", sampling.min_p, 0, 1,
                 "leave out tokens under this share of the likeliest one (default 0.05)");
  options.whole("--seed", "S", seed, 0, INT64_MAX,
                "the same seed gives the same text on every machine (default: drawn anew)");
  declare_rare(options);
}

// What most people never need, in the order in which it is applied.
void SamplingFlags::declare_rare(Options& options) {
  SamplingOptions& s = sampling;
  options.text("--logit-bias", "ID=B", biases,
               "add B to the logit of token ID (-inf: never); may be repeated");
  options.number("--repeat-penalty", "R", s.repeat_penalty, 1e-3, 1000,
                 "make tokens that stood lately less likely: 1.1 a little (default 1: not)");
  options.number("--frequency-penalty", "F", s.frequency_penalty, -1000, 1000,
                 "take F off a token's logit for each time that it stood (default 0)");
  options.number("--presence-penalty", "P", s.presence_penalty, -1000, 1000,
                 "take P off once (default 0)");
  options.whole("--penalty-last", "N", penalty_last, -1, INT32_MAX,
                "lately: among the last N tokens (default 64; -1: all)");
  options.number(
      "--dry-multiplier", "M", s.dry_multiplier, 0, 1e6,
      "DRY: penalty for going on with what stood already: 0.8 is usual (default 0: off)");
  options.number("--dry-base", "B", s.dry_base, 1, 1e6,
                 "DRY: times B for each token more (default 1.75)");
  options.whole("--dry-allowed", "N", dry_allowed, 1, INT32_MAX,
                "DRY: shorter repetitions cost nothing (default 2)");
  options.whole("--dry-last", "N", dry_last, -1, INT32_MAX,
                "DRY: looks so far back (default -1: all)");
  options.text(
      "--dry-breaker", "TEXT", breakers,
      "DRY: no repetition goes across this text; may be repeated (default newline : \" *)");
  options.number(
      "--top-n-sigma", "N", s.top_n_sigma, 0, 1e6,
      "leave out logits more than N standard deviations under the largest (default 0: off)");
  options.number("--typical", "P", s.typical_p, 1e-9, 1,
                 "choose among the tokens of typical surprise that reach P (default 1: all)");
  options.number("--xtc-probability", "P", s.xtc_probability, 0, 1,
                 "XTC: how often to leave out the top choices (default 0: never)");
  options.number("--xtc-threshold", "P", s.xtc_threshold, 0, 1,
                 "XTC: top choices have at least this probability (default 0.1)");
  options.flag("--mirostat", s.mirostat,
               "mirostat 2 in place of top-n-sigma, top-k, typical, top-p, min-p and XTC");
  options.number("--mirostat-tau", "T", s.mirostat_tau, 0, 1000,
                 "mirostat: the surprise aimed at, in bits (default 5)");
  options.number("--mirostat-eta", "E", s.mirostat_eta, 0, 1,
                 "mirostat: how fast it is reached (default 0.1)");
}

namespace {

LogitBias parse_bias(const std::string& text) {
  LogitBias bias{};
  const char* const end = text.data() + text.size();
  const auto [gap, no_id] = std::from_chars(text.data(), end, bias.id);
  if (no_id == std::errc() && bias.id >= 0 && gap < end && *gap == '=') {
    const auto [rest, no_number] = std::from_chars(gap + 1 + (gap[1] == '+'), end, bias.bias);
    if (no_number == std::errc() && rest == end && bias.bias < 1e6) return bias;
  }
  throw Error("--logit-bias: a token and a number such as 15=-1.5 was expected, not \"" +
                  printable(text, 60) + "\"",
              Error::Kind::usage);
}

}  // namespace

SamplingOptions SamplingFlags::chosen() const {
  SamplingOptions options = sampling;
  options.top_k = top_k.value_or(options.top_k);
  options.penalty_last = penalty_last.value_or(options.penalty_last);
  options.dry_allowed = dry_allowed.value_or(options.dry_allowed);
  options.dry_last = dry_last.value_or(options.dry_last);
  if (!breakers.empty()) options.dry_breakers = breakers;
  for (const std::string& text : biases) options.logit_bias.push_back(parse_bias(text));
  // Drawn small enough to be typed again.
  options.seed = seed ? static_cast<std::uint64_t>(*seed) : std::random_device()();
  return options;
}

void check_biases(const SamplingOptions& sampling, const Config& config) {
  for (const LogitBias& bias : sampling.logit_bias)
    if (bias.id >= config.vocabulary)
      throw Error("--logit-bias: there is no token " + std::to_string(bias.id) +
                      "; the vocabulary has 0 to " + std::to_string(config.vocabulary - 1),
                  Error::Kind::usage);
}

}  // namespace bantam::cli
