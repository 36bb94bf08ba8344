// The options of every verb that runs a model, and the opening of one.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "cli/options.h"
#include "infer/sampler.h"
#include "infer/session.h"
#include "plan/memory.h"
#include "tokenizer/tokenizer.h"

namespace bantam::cli {

// One of several adapters: what clients call it, and where it is.
struct NamedAdapter {
  std::string name, path;
};

struct ModelOptions {
  std::string path;
  std::optional<std::int64_t> threads, context;
  std::optional<std::int64_t> memory;  // bytes
  std::optional<Arithmetic> arithmetic;
  std::optional<Type> cache;
  std::optional<std::string> adapter;  // of all that the model answers
  std::vector<NamedAdapter> adapters;  // of those who choose one
  // What --help says of a cache that is not chosen; verbs that measure set kExactCache before declare().
  std::string cache_unsaid =
      "f16; bf16 with --arithmetic bf16); q8_0 takes half of f16's memory, bench --quality says what it costs";
  static constexpr const char* kExactCache = "f32, so that nothing is rounded; bf16 with --arithmetic bf16)";

  // MODEL (or no model is an answer too), --adapter, -t, --ctx, --arithmetic, --cache.
  // `named`: --adapter takes NAME=FOLDER too, as often as there are adapters.
  void declare(Options& options, bool model_required = true, bool named = false);
  // MODEL, -t and --arithmetic alone: of verbs that keep no cache.
  void declare_model(Options& options);
  // --cache, which declare() has already. `unsaid`: what holds where it is not given.
  void declare_cache(Options& options, const std::string& unsaid);
  // --memory, of verbs that keep to it.
  void declare_memory(Options& options);
  SessionOptions session() const;
  // Where --memory was given: sets room for as many tokens as fit, or throws Error when what was asked
  // for does not. The tokenizer has been opened, if there is to be one.
  // `beside`: a model that runs with it.
  void keep_to_memory(const ModelFile& file, SessionOptions& options,
                      const std::optional<RunShape>& beside = std::nullopt) const;
  // Says so when --ctx is more than the model has learnt to use.
  void warn_of_context(const ModelFile& file) const;

 private:
  void take_adapter(const std::string& text);
};

// What a conversation begins with.
struct TalkOptions {
  std::string system_help, template_help;  // how the verb explains them
  std::optional<std::string> system, template_name;
  std::vector<std::string> set;

  // --system, --template, --set.
  void declare(Options& options);
  // The template's variables, an object. Throws Error (usage).
  Json variables() const;
};

// The options of the sampler. Without a seed each run draws its own.
struct SamplingFlags {
  SamplingOptions sampling;
  std::optional<std::int64_t> seed;
  std::vector<std::string> biases, breakers;

  void declare(Options& options);
  // Throws Error (usage).
  SamplingOptions chosen() const;

 private:
  void declare_option(Options& options, std::size_t index);
  std::vector<std::optional<std::int64_t>> wholes_;  // by row of sampler_options()
};

// Throws Error (usage) for a bias of a token that the model has not.
void check_biases(const SamplingOptions& sampling, const Config& config);

// The words for an arithmetic and a type on the command line.
std::string_view arithmetic_name(Arithmetic arithmetic);
// The types of a cache with theirs.
std::span<const Choice<Type>> cache_types();

}  // namespace bantam::cli
