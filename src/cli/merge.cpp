// bantam merge: an adapter put into the weights of its model.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "adapt/merge.h"
#include "base/error.h"
#include "base/json.h"
#include "base/machine.h"
#include "base/thread_pool.h"
#include "blocks/format.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "kernels/kernels.h"

namespace bantam::cli {

namespace {

struct MergeVerb {
  std::string model;
  std::optional<std::string> adapter, out;
  std::optional<Type> type;
  std::optional<std::int64_t> threads;
  bool force = false, json = false;

  void run() const;
};

void MergeVerb::run() const {
  require_place(*out);
  ThreadPool pool(threads ? static_cast<unsigned>(*threads) : default_threads());
  const Kernels kernels = kernels_for(best_isa());
  const adapt::MergeReport report = adapt::merge(Path(model), Path(*adapter), Path(*out), type, force,
                                                 pool, kernels, check_interrupt);
  if (json) {
    Json lines = Json::array();
    for (const auto& line : report.lines)
      lines.push_back({{"type", line.type},
                       {"weights", line.weights},
                       {"change", line.change},
                       {"rounding", line.rounding}});
    return print(to_text(Json{{"out", *out}, {"merged", lines}}) + "\n");
  }
  for (const auto& line : report.lines)
    print(fmt::format("{} weights as {}: the adapter changes a number by {:.3g} (root mean square), the "
                      "type rounds it by {:.3g}{}\n",
                      line.weights, line.type, line.change, line.rounding,
                      line.rounding > line.change ? ": more than was learnt; keep the adapter apart, or "
                                                    "choose a wider --type"
                                                  : ""));
  print("wrote " + *out + "\n");
}

std::function<void()> declare_merge(Options& options) {
  auto v = std::make_shared<MergeVerb>();
  options.positional("MODEL", v->model, "a .gguf file, or a folder with config.json and safetensors");
  options.text("--adapter", "FOLDER", v->adapter, "a folder in PEFT's form, or an adapter as .gguf")
      .required = true;
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

const Verb kMerge{"merge", "put an adapter into its model",
                  "Adds an adapter's updates to the weights of its model and writes the sum as a model of\n"
                  "its own. What rounding to the file's type takes is printed beside what the adapter\n"
                  "changes.",
                  "bantam merge model.gguf --adapter my-adapter --out merged.gguf", declare_merge};

}  // namespace bantam::cli
