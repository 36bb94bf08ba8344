#include "cli/model_options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <random>

#include "adapt/attach.h"
#include "base/counting.h"
#include "base/error.h"
#include "cli/conversation.h"
#include "cli/output.h"
#include "cli/template_variables.h"
#include "models/rope.h"
#include "infer/sampler_options.h"

namespace bantam::cli {

namespace {

// The last was the first name of int8: it is understood, not said.
constexpr std::array<Choice<Arithmetic>, 5> kArithmetics{{{"f32", Arithmetic::f32},
                                                          {"int8", Arithmetic::int8},
                                                          {"faithful", Arithmetic::faithful},
                                                          {"bf16", Arithmetic::bf16},
                                                          {"exact", Arithmetic::int8}}};
constexpr std::array<Choice<Type>, 5> kCacheTypes{{{"f32", Type::f32},
                                                   {"f16", Type::f16},
                                                   {"bf16", Type::bf16},
                                                   {"q8_0", Type::q8_0},
                                                   {"q4_0", Type::q4_0}}};

}  // namespace

std::string_view arithmetic_name(Arithmetic arithmetic) {
  for (const auto& [name, value] : kArithmetics)
    if (value == arithmetic) return name;
  return "";
}

std::span<const Choice<Type>> cache_types() { return kCacheTypes; }

namespace {

void declare_machine(ModelOptions& m, Options& options, bool model_required) {
  options.positional("MODEL", m.path, "a .gguf file, or a folder with config.json and safetensors")
      .required = model_required;
  options.whole(
      "-t,--threads", "N", m.threads, 1, kMostThreads,
      "threads to compute with (default: one a processor); the answer does not depend on it");
}

void declare_arithmetic(ModelOptions& m, Options& options) {
  options.choice<Arithmetic>(
      "--arithmetic", "f32|int8|faithful|bf16", m.arithmetic, kArithmetics,
      "how products are computed (default: int8 for quantised files, else f32)", 1);
}

}  // namespace

void ModelOptions::declare_model(Options& options) {
  declare_machine(*this, options, true);
  declare_arithmetic(*this, options);
}

// FOLDER, or NAME=FOLDER: then what stands before the first = is a name, unless all of it is a path.
void ModelOptions::take_adapter(const std::string& text) {
  const auto fail = [](const std::string& what) { return Error(what, Error::Kind::usage).field("--adapter"); };
  const std::size_t at = text.find('=');
  std::error_code ignored;
  const bool named = at != std::string::npos && text.find('/') > at &&
                     !std::filesystem::exists(Path(text), ignored);
  if (named && (at == 0 || at + 1 == text.size()))
    throw fail("a name and a folder were expected, as in --adapter sums=adapters/sums");
  if (named ? adapter.has_value() : adapter || !adapters.empty())
    throw fail("an adapter without a name holds for every request and must be the only one; give each its "
               "name, as in --adapter sums=adapters/sums --adapter tales=adapters/tales");
  if (!named) {
    adapter = text;
    return;
  }
  const std::string name = text.substr(0, at);
  if (std::ranges::find(adapters, name, &NamedAdapter::name) != adapters.end())
    throw fail("two adapters are called " + printable(name, 60) + "; give each a name of its own");
  adapters.push_back({name, text.substr(at + 1)});
}

void ModelOptions::declare(Options& options, bool model_required, bool named) {
  declare_machine(*this, options, model_required);
  constexpr const char* kAdapterHelp =
      "what fine-tuning made for this model: a folder in PEFT's form, or a .gguf adapter";
  if (named)
    options.add({"--adapter",
                 "[NAME=]FOLDER",
                 std::string(kAdapterHelp) +
                     "; with a NAME a request has it that asks for the model NAME, and there can be "
                     "several, without one it holds for all requests",
                 false,
                 true,
                 [this](const std::string& text) { take_adapter(text); }});
  else
    options.text("--adapter", "FOLDER", adapter, kAdapterHelp).once = true;
  options.whole(
      "-c,--ctx-size,--ctx", "N", context, 1, kMostContext,
      "context: how many tokens a conversation may have (default: as the model was trained)");
  declare_arithmetic(*this, options);
  declare_cache(options, cache_unsaid);
}

void ModelOptions::declare_cache(Options& options, const std::string& unsaid) {
  options.choice<Type>("--cache", "TYPE", cache, kCacheTypes,
                       "type of the stored keys and values: f32, f16, bf16, q8_0 or q4_0 (default: " +
                           unsaid);
}

void ModelOptions::declare_memory(Options& options) {
  options.bytes("--memory", "SIZE", memory, 1,
                "take no more memory than this (3GB, 800MB): the context is shortened to what fits, "
                "what does not fit is refused before it is loaded");
}

void ModelOptions::keep_to_memory(const ModelFile& file, SessionOptions& options,
                                  const std::optional<RunShape>& beside) const {
  if (!memory) return;
  const std::int64_t asked = options.positions;
  bantam::keep_to_memory(file, options, *memory, beside ? &*beside : nullptr);
  if (options.positions != asked)
    note("there is room for " + number_of(options.positions, "token") + " within --memory");
}

SessionOptions ModelOptions::session() const {
  SessionOptions options;
  options.threads = static_cast<unsigned>(threads.value_or(0));
  options.context = context.value_or(0);
  options.arithmetic = arithmetic;
  options.cache = cache;
  using Put = void (*)(Model&, const adapt::Adapter&, const std::shared_ptr<const ModelFile>&, const Exec&);
  const auto prepare = [](const std::string& where, Put put) -> SessionOptions::Prepare {
    return [from = Path(where), put](Model& model, const std::shared_ptr<const ModelFile>& file,
                                    const Exec& exec) {
      const adapt::Adapter read = adapt::read_adapter(from, model);
      if (!read.template_sum.empty())
        adapt::check_template(read, tokenizer_of(*file)->chat_template());
      put(model, read, file, exec);
      return adapt::digest(read);
    };
  };
  if (adapter) options.prepare = prepare(*adapter, adapt::attach);
  for (const NamedAdapter& one : adapters)
    options.choices.push_back(prepare(one.path, adapt::add_choice));
  return options;
}

void ModelOptions::warn_of_context(const ModelFile& file) const {
  Config longer = file.config();
  longer.run_context = context.value_or(0);
  stretch_rope(longer);
  const bool stretches = longer.rope_scaling.kind != file.config().rope_scaling.kind;
  if (context.value_or(0) > file.config().context)
    note("the model was trained with a context of " + std::to_string(file.config().context) +
         " tokens; beyond it answers get worse" +
         (stretches ? ", less so because its positions are stretched (YaRN)" : ""));
}

// Those that most people use come first.
void SamplingFlags::declare(Options& options) {
  wholes_.resize(sampler_options().size());
  for (std::size_t i = 0; i < wholes_.size(); ++i)
    if (sampler_options()[i].common) declare_option(options, i);
  options.whole("-s,--seed", "S", seed, -1, INT64_MAX,
                "the same seed gives the same text on every machine (default and -1: drawn anew)");
  options.text("--logit-bias", "ID=B", biases,
               "add B to the logit of token ID (-inf: never); may be repeated");
  for (std::size_t i = 0; i < wholes_.size(); ++i)
    if (!sampler_options()[i].common) declare_option(options, i);
  options.text(
      "--dry-breaker", "TEXT", breakers,
      "DRY: no repetition goes across this text; may be repeated (default newline : \" *)");
}

void SamplingFlags::declare_option(Options& options, std::size_t index) {
  const SamplerOption& o = sampler_options()[index];
  std::string names;
  for (const char c : "--" + std::string(o.name)) names += c == ',' ? ",--" : std::string(1, c);
  std::string help(o.help);
  if (o.phase == "temperature") {
    std::string order;
    for (const SamplerStage* stage : sampler_stages())
      order += (order.empty() ? "" : ", ") + std::string(stage->name);
    help += "; the sampler goes through " + order;
  }
  if (o.is_switch()) {
    options.flag(names, sampling.*std::get<2>(o.to), help);
    return;
  }
  help += " (default " + value_text(default_of(o)) + ")";
  const std::string value(o.value);
  if (o.is_whole())
    options.whole(names, value, wholes_[index], static_cast<std::int64_t>(o.least),
                  static_cast<std::int64_t>(o.most), help);
  else
    options.number(names, value, sampling.*std::get<0>(o.to), o.least, o.most, help);
}

void TalkOptions::declare(Options& options) {
  options.text("--system", "TEXT", system, system_help);
  options.text("--template", "NAME", template_name, template_help + ": " + template_names()).words =
      template_words();
  declare_variables(options, set);
}

Json TalkOptions::variables() const { return template_variables(set); }

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
  for (std::size_t i = 0; i < wholes_.size(); ++i)
    if (wholes_[i]) set_value(sampler_options()[i], options, static_cast<double>(*wholes_[i]));
  if (!breakers.empty()) options.dry_breakers = breakers;
  for (const std::string& text : biases) options.logit_bias.push_back(parse_bias(text));
  // Drawn small enough to be typed again.
  options.seed =
      seed.value_or(-1) >= 0 ? static_cast<std::uint64_t>(*seed) : std::random_device()();
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
