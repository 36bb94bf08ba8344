#include "cli/model_options.h"

#include <array>
#include <random>

#include "cli/output.h"

namespace bantam::cli {

namespace {

constexpr std::array<Choice<Arithmetic>, 3> kArithmetics{
    {{"f32", Arithmetic::f32}, {"exact", Arithmetic::exact}, {"bf16", Arithmetic::bf16}}};
constexpr std::array<Choice<Type>, 3> kCacheTypes{
    {{"f32", Type::f32}, {"f16", Type::f16}, {"bf16", Type::bf16}}};
constexpr std::int64_t kMostContext = std::int64_t{1} << 28;

}  // namespace

std::string_view arithmetic_name(Arithmetic arithmetic) {
  for (const auto& [name, value] : kArithmetics)
    if (value == arithmetic) return name;
  return "";
}

void ModelOptions::declare(Options& options) {
  options.positional("MODEL", path, "a .gguf file, or a folder with config.json and safetensors");
  options.whole(
      "-t,--threads", "N", threads, 1, 1024,
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

std::shared_ptr<const Tokenizer> tokenizer_of(const ModelFile& file) {
  return file.gguf() ? open_tokenizer(*file.gguf()) : open_tokenizer(file.folder()->path());
}

void SamplingFlags::declare(Options& options) {
  options.number("--temp", "T", sampling.temperature, 0, 1000,
                 "temperature: 0 takes the likeliest token always, more is livelier (default 0.8)");
  options.whole("--top-k", "K", top_k, 0, INT64_MAX,
                "choose among the K likeliest tokens (default 40; 0: all)");
  options.number("--top-p", "P", sampling.top_p, 1e-9, 1,
                 "choose among the likeliest tokens that reach this probability (default 0.95)");
  options.number("--min-p", "P", sampling.min_p, 0, 1,
                 "leave out tokens under this share of the likeliest one (default 0.05)");
  options.whole("--seed", "S", seed, 0, INT64_MAX,
                "the same seed gives the same text on every machine (default: drawn anew)");
}

SamplingOptions SamplingFlags::chosen() const {
  SamplingOptions options = sampling;
  options.top_k = top_k.value_or(options.top_k);
  // Drawn small enough to be typed again.
  options.seed = seed ? static_cast<std::uint64_t>(*seed) : std::random_device()();
  return options;
}

}  // namespace bantam::cli
