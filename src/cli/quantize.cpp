// `bantam quantize`: a model with its matrices in blocks of small integers.
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "blocks/format.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/quantize_parts.h"
#include "cli/verbs.h"
#include "files/apart.h"
#include "infer/session.h"

namespace bantam::cli {

namespace {

struct QuantizeVerb {
  Target target;
  std::optional<std::string> type, imatrix, fidelity;
  QuantizeTarget aim;
  MeasuringText text;
  bool pure = false, requantize = false;
  std::optional<std::int64_t> threads;

  void run() const;
  TypePlan plan(bool importance) const;
  void check_options() const;
  void check_parent(const ModelFile& file) const;
};

TypePlan QuantizeVerb::plan(bool importance) const {
  return types_by_name(type.value_or("q8_0"), pure, importance);
}

void QuantizeVerb::check_parent(const ModelFile& file) const {
  // To the type that it has already is a slip, though nothing is lost.
  const std::optional<Type> to = aim.given() ? std::nullopt : plan(false).uniform_type();
  const std::string already =
      rounded_already(file, [&](Type of_file) { return to && of_file != *to && same_numbers(of_file, *to); });
  if (already.empty()) return;
  if (!requantize) throw second_rounding(already, "--requantize").in(target.from);
  note("the weights were " + already + " already: what that rounding lost stays lost");
}

void QuantizeVerb::check_options() const {
  if (!target.to_gguf())
    throw Error("a name that ends in .gguf was expected", Error::Kind::usage).field("DST");
  if (!aim.given()) return;
  if (type || pure || (aim.size && aim.kl > 0))
    throw Error("one of --type, --target-size and --target-kl was expected", Error::Kind::usage);
  aim.bytes();
}

// Bytes of the new file that are not its matrices, as far as they can be told before.
std::int64_t spare_bytes(const ModelFile& file) {
  std::int64_t bytes = 4096;
  if (file.gguf()) bytes += static_cast<std::int64_t>(file.gguf()->data_offset());
  for (const TensorInfo& t : file.tensors().tensors())
    bytes += 64 + (t.shape.rank() < 2 ? t.shape.count() * 4 : 0);
  return bytes;
}

void QuantizeVerb::run() const {
  check_options();
  if (!aim.given()) plan(false);  // a type that is none is said before any work
  std::optional<Importance> importance;
  if (imatrix) importance = read_importance(Path(*imatrix));
  const auto file = std::make_shared<const ModelFile>(Path(target.from));
  target.check(file->tensors());
  text.require_apart(target.to);
  if (imatrix) files::require_apart(Path(target.to), Path(*imatrix), "the importance matrix");
  if (fidelity) files::require_apart(Path(target.to), Path(*fidelity), "the text");
  check_parent(*file);
  OwnRuntime own(static_cast<unsigned>(threads.value_or(0)));
  const Runtime runtime = own.lend();
  if (aim.given() && !importance) importance = measured_importance(file, text, 512, runtime, false);
  const TypePlan types = aim.given() ? plan_for_target(file, aim, text, *importance,
                                                       spare_bytes(*file), runtime, target.json)
                                     : plan(imatrix.has_value());
  Conversion conversion(file, types,
                        {check_interrupt, &runtime.pool, importance ? &*importance : nullptr});
  const Target written = write_gguf_of(target, *file, conversion, [&](GgufWriter& writer) {
    // As llama-quantize has it, but for the name of the user's file.
    if (importance) {
      writer.set("quantize.imatrix.entries_count",
                 static_cast<std::int32_t>(importance->of.size()));
      writer.set("quantize.imatrix.chunks_count", static_cast<std::int32_t>(importance->chunks));
    }
  });
  Json more = Json::object();
  if (!fidelity) return report_written(written, conversion, more);
  if (!target.json) report_written(written, conversion, more);
  more["fidelity"] =
      report_fidelity(file, Path(written.first), *fidelity, conversion, runtime, target.json);
  if (target.json) report_written(written, conversion, more);
}

std::function<void()> declare_quantize(Options& options) {
  auto command = std::make_shared<QuantizeVerb>();
  options.positional("SRC", command->target.from,
                     "a .gguf file, or a folder with config.json and safetensors");
  options.positional("DST", command->target.to, "the GGUF file to write");
  options
      .text("--type", "TYPE", command->type,
            "a mix (q4_k_m, q5_k_m, iq4_xs, ...: more bits where they matter), or one type for "
            "every matrix (q4_k, q8_0, f16, ...), in any case (default: q8_0, 8.5 bits a weight)")
      .words = names_of_storing();
  options.flag("--pure", command->pure, "of a mix: its main type for every matrix");
  options.text("--imatrix", "FILE", command->imatrix,
               "which inputs matter: a file of bantam imatrix or llama-imatrix");
  options.text("--target-size", "SIZE", command->aim.size,
               "in place of a type: types for each tensor by what rounding it costs, measured, so "
               "that the file has this size (800MB) and is as good as can be");
  options.number("--target-kl", "NATS", command->aim.kl, 0, 100,
                 "the same, as small as can be with this divergence from the parent (0.02)");
  options.text("--text", "FILE", command->text.files,
               "for a target: the text to measure on; may be repeated (default: a short text in "
               "many languages that comes with the program)");
  options.whole("--probe", "N", command->aim.probe, 16, 1 << 20,
                "for a target: tokens to measure each tensor on (default 256)");
  options.text("--fidelity", "FILE", command->fidelity,
               "afterwards compare with the parent over this text: divergence, agreement, "
               "perplexity, the worst tokens and tensors; printed and kept in the file");
  options.flag("--requantize", command->requantize,
               "go on although the weights are quantised already");
  options.whole(
      "-t,--threads", "N", command->threads, 1, kMostThreads,
      "threads to compute with (default: one a processor); the file does not depend on it");
  command->target.declare(options);
  return [command] { command->run(); };
}

}  // namespace

const Verb kQuantize{
    "quantize", "make a model smaller",
    "Writes a model with its matrices in blocks of small integers. Q8_0 takes a little more\n"
    "than half of F16 and answers almost the same; q4_k_m takes a third. The mixes are those\n"
    "of llama-quantize. Where a type's blocks do not divide a matrix's width, another stands\n"
    "in, and is named.",
    "bantam quantize model.gguf model-q8_0.gguf\n"
    "bantam quantize model-f16.gguf model-q4_k_m.gguf --type q4_k_m",
    declare_quantize};

}  // namespace bantam::cli
