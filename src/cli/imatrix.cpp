// `bantam imatrix`: which inputs of each matrix matter, for quantising.
#include <memory>

#include "base/counting.h"
#include "base/error.h"
#include "cli/measuring.h"
#include "cli/output.h"
#include "cli/verbs.h"

namespace bantam::cli {

namespace {

struct ImatrixVerb {
  std::string model;
  std::optional<std::string> out;
  MeasuringText text;
  std::optional<std::int64_t> chunk, threads;
  bool force = false;

  void run() const;
};

void ImatrixVerb::run() const {
  require_place(*out);
  std::error_code ignored;
  if (!force && std::filesystem::exists(std::filesystem::symlink_status(*out, ignored)))
    throw Error("exists; remove it, choose another name, or say --force").in(*out);
  const auto file = std::make_shared<const ModelFile>(Path(model));
  for (const TensorInfo& t : file->tensors().tensors())
    if (std::filesystem::equivalent(t.file, *out, ignored))
      throw Error("is the model itself, which is read: choose another name").in(*out);
  text.require_apart(*out);
  OwnRuntime own(static_cast<unsigned>(threads.value_or(0)));
  const Importance importance =
      measured_importance(file, text, chunk.value_or(512), own.lend(), false);
  write_importance(importance, Path(*out), text.about());
  print("wrote " + *out + ": " + std::to_string(importance.of.size()) + " matrices, " +
        number_of(importance.chunks, "chunk") + " of " + std::to_string(importance.chunk_size) +
        " tokens\n");
}

std::function<void()> declare_imatrix(Options& options) {
  auto command = std::make_shared<ImatrixVerb>();
  options.positional("MODEL", command->model,
                     "a .gguf file, or a folder with config.json and safetensors");
  options.text(
      "--text", "FILE", command->text.files,
      "a text such as the model will meet, in all its languages; may be repeated (default: "
      "a short text in many languages that comes with the program)");
  options
      .text("--out", "FILE", command->out, "the file to write (GGUF, as llama-imatrix writes it)")
      .required = true;
  options.whole("--chunk", "N", command->chunk, 16, 1 << 20,
                "tokens that are seen together (default 512)");
  options.whole("-t,--threads", "N", command->threads, 1, kMostThreads,
                "threads to compute with (default: one a processor)");
  options.flag("--force", command->force, "replace what is there");
  return [command] { command->run(); };
}

}  // namespace

const Verb kImatrix{
    "imatrix", "measure which inputs matter, before quantising",
    "Runs a text through a model and writes, for each matrix, the mean square of each of its\n"
    "inputs. bantam quantize --imatrix (and llama-quantize) round with these as weights. The\n"
    "text itself is not kept.",
    "bantam imatrix model-f16.gguf --text sample.txt --out model.imatrix.gguf", declare_imatrix};

}  // namespace bantam::cli
