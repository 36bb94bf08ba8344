// bantam merge: an adapter put into the weights of its model, or several models put together.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>

#include "adapt/blend.h"
#include "adapt/golden_file.h"
#include "adapt/merge.h"
#include "base/error.h"
#include "base/json.h"
#include "blocks/format.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "tensor/runtime.h"

namespace bantam::cli {

namespace {

struct MergeVerb {
  std::string model;
  std::optional<std::string> adapter, out;
  std::optional<Type> type;
  std::optional<std::int64_t> threads;
  bool force = false, json = false;
  std::vector<std::string> others;
  std::optional<std::string> base, weights;
  std::optional<adapt::Blend> how;
  double density = -1, scale = -1;
  std::optional<std::int64_t> seed;

  void run() const;
  void check_usage() const;
  adapt::BlendOptions blend_options() const;
  void blend(Runtime runtime) const;
};

void MergeVerb::check_usage() const {
  const auto wrong = [](const std::string& what) { return Error(what, Error::Kind::usage); };
  if (!adapter && others.empty()) throw wrong("--adapter or --with was expected: what is to be put into the model");
  if (adapter && !others.empty()) throw wrong("one of --adapter and --with was expected");
  if (adapter && (how || base || weights || density >= 0 || scale >= 0 || seed))
    throw wrong("--method, --base, --weights, --density, --scale and --seed go with --with");
  if (adapter) return;
  const adapt::Blend method = how.value_or(adapt::Blend::linear);
  const bool changes = method == adapt::Blend::task || method == adapt::Blend::ties || method == adapt::Blend::dare;
  const std::string name(adapt::kBlendNames[static_cast<std::size_t>(method)]);
  if (changes != base.has_value())
    throw wrong(changes ? "--method " + name + " needs --base: the model that these were made from"
                        : "--base goes with --method task, ties or dare");
  if (density >= 0 && method != adapt::Blend::ties && method != adapt::Blend::dare)
    throw wrong("--density goes with --method ties or dare");
  if (scale >= 0 && !changes) throw wrong("--scale goes with --method task, ties or dare");
  if (seed && method != adapt::Blend::dare) throw wrong("--seed goes with --method dare");
  if (method == adapt::Blend::slerp && others.size() != 1) throw wrong("--method slerp lies between two models");
}

adapt::BlendOptions MergeVerb::blend_options() const {
  adapt::BlendOptions o;
  if (how) o.how = *how;
  if (density >= 0) o.density = density;
  if (scale >= 0) o.scale = scale;
  if (seed) o.seed = static_cast<std::uint64_t>(*seed);
  for (std::size_t at = 0; weights && at <= weights->size();) {
    const std::size_t end = std::min(weights->find(',', at), weights->size());
    const std::string text = weights->substr(at, end - at);
    char* stop = nullptr;
    const double value = std::strtod(text.c_str(), &stop);
    if (text.empty() || stop != text.c_str() + text.size() || !std::isfinite(value))
      throw Error("numbers with commas between were expected, not " + printable(*weights, 40), Error::Kind::usage).field("--weights");
    o.weights.push_back(value);
    at = end + 1;
  }
  if (o.how == adapt::Blend::slerp && o.weights.size() == 1) o.weights.insert(o.weights.begin(), 1 - o.weights[0]);
  if (!o.weights.empty() && o.weights.size() != others.size() + 1)
    throw Error("a number for each of the " + std::to_string(others.size() + 1) + " models was expected", Error::Kind::usage).field("--weights");
  return o;
}

void MergeVerb::blend(Runtime runtime) const {
  std::vector<Path> paths{Path(model)};
  for (const std::string& other : others) paths.emplace_back(other);
  const adapt::BlendReport report = adapt::blend_models(
      paths, base ? std::optional(Path(*base)) : std::nullopt, Path(*out), blend_options(), type, force, check_interrupt);
  const std::string golden = adapt::keep_golden(Path(*out), std::nullopt, runtime.pool, runtime.kernels);
  if (json) {
    Json lines = Json::array();
    for (const auto& line : report.lines)
      lines.push_back({{"model", line.model}, {"distance", line.distance}, {"cosine", line.likeness}});
    return print(to_text(Json{{"out", *out}, {"models", lines}, {"numbers", report.numbers}, {"against", report.against}, {"rounding", report.rounding}, {"golden", golden}}) + "\n");
  }
  for (const auto& line : report.lines)
    print(fmt::format("{}: the result is {:.3g} away (root mean square of a number), cosine {:.6f}\n", line.model, line.distance, line.likeness));
  if (how == adapt::Blend::ties) print(fmt::format("{:.1f} % of the changes that were kept stood against the sign of their sum\n", 100 * report.against));
  if (report.rounding > 0) print(fmt::format("the types of the file round a number by {:.3g}\n", report.rounding));
  print(golden + "\n");
  print("wrote " + *out + "\n");
}

// Of a type whose rounding takes half of what was learnt and more. (Where it takes all, the numbers stay as they were, and
// both are the same.)
std::string_view warning(const adapt::MergeReport::Line& line) {
  if (line.change == 0) return ": nothing";
  if (2 * line.rounding <= line.change) return "";
  return ": much of what was learnt, or all; keep the adapter apart, or choose a wider --type";
}

void MergeVerb::run() const {
  check_usage();
  require_place(*out);
  OwnRuntime own(static_cast<unsigned>(threads.value_or(0)));
  const Runtime runtime = own.lend();
  if (!others.empty()) return blend(runtime);
  const adapt::MergeReport report = adapt::merge(Path(model), Path(*adapter), Path(*out), type, force,
                                                 runtime.pool, runtime.kernels, check_interrupt);
  const std::string golden = adapt::keep_golden(Path(*out), std::nullopt, runtime.pool, runtime.kernels);
  if (json) {
    Json lines = Json::array();
    for (const auto& line : report.lines)
      lines.push_back({{"type", line.type},
                       {"weights", line.weights},
                       {"change", line.change},
                       {"rounding", line.rounding}});
    return print(to_text(Json{{"out", *out}, {"merged", lines}, {"golden", golden}}) + "\n");
  }
  for (const auto& line : report.lines)
    print(fmt::format("{} weights as {}: the adapter changes a number by {:.3g} (root mean square), the "
                      "type rounds it by {:.3g}{}\n",
                      line.weights, line.type, line.change, line.rounding,
                      warning(line)));
  print(golden + "\n");
  print("wrote " + *out + "\n");
}

std::function<void()> declare_merge(Options& options) {
  auto v = std::make_shared<MergeVerb>();
  options.positional("MODEL", v->model, "a .gguf file, or a folder with config.json and safetensors");
  options.text("--adapter", "FOLDER", v->adapter, "a folder in PEFT's form, or an adapter as .gguf").once = true;
  options.text("--with", "OTHER", v->others, "another model of the same shape, to put together with the first; may be repeated");
  std::vector<Choice<adapt::Blend>> ways;
  for (std::size_t i = 0; i < std::size(adapt::kBlendNames); ++i)
    ways.emplace_back(adapt::kBlendNames[i], static_cast<adapt::Blend>(i));
  options.choice<adapt::Blend>("--method", "M", v->how, std::span<const Choice<adapt::Blend>>(ways),
                               "of --with: linear (mean, the default), slerp (on the circle between two), task (changes of a "
                               "base added up), ties (without small and contrary ones), dare (a share of them by lot)");
  options.text("--weights", "W,W", v->weights, "of the models, in order (default: equal shares, of task, ties and dare 1 each); of slerp how far to go, 0.3");
  options.text("--base", "MODEL", v->base, "with task, ties and dare: the model that these were made from");
  options.number("--density", "D", v->density, 0, 1, "with ties and dare: the share of changes that is kept (default 0.5)");
  options.number("--scale", "S", v->scale, 0, 100, "with task, ties and dare: times the sum of changes (default 1)");
  options.whole("--seed", "S", v->seed, 0, INT64_MAX, "with dare: of the lot (default 1)");
  options.text("-o,--out", "OUT", v->out, "NAME.gguf, or a folder in Hugging Face's form").required = true;
  std::vector<Choice<Type>> types;
  for (const Format& f : formats())
    if (f.weights && f.encode != nullptr) types.emplace_back(f.name, f.type);
  options.choice<Type>("--type", "TYPE", v->type, std::span<const Choice<Type>>(types),
                       "of the matrices (default: f32, in which sums are exact; of a model in blocks "
                       "its own)");
  options.whole("-t,--threads", "N", v->threads, 1, 1024, "threads (default: one for each processor)");
  options.flag("--force", v->force, "replace OUT");
  options.flag("--json", v->json, "what was written as one line of JSON");
  return [v] { v->run(); };
}

}  // namespace

const Verb kMerge{"merge", "put an adapter into its model, or models together",
                  "Adds an adapter's updates to the weights of its model and writes the sum as a model of\n"
                  "its own. What rounding to the file's type takes is printed beside what the adapter\n"
                  "changes. With --with, models that were trained from one become one. What the result says to\n"
                  "a few prompts goes into it, so that bantam info --verify can tell whether it still does.",
                  "bantam merge model.gguf --adapter my-adapter --out merged.gguf\n"
                  "bantam merge math.gguf --with code.gguf --method ties --base model.gguf --out both.gguf", declare_merge};

}  // namespace bantam::cli
