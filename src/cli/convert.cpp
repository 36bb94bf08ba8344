// `bantam convert`: a model file in another form or type.
#include <array>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "blocks/format.h"
#include "cli/conversion_parts.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "infer/session.h"
#include "tokenizer/end_tokens.h"

namespace bantam::cli {

namespace {

struct ConvertVerb {
  Target target;
  std::optional<Type> type;

  void run() const;
  void check_parent(const ModelFile& file) const;
  void write_folder(Conversion& conversion, const ModelFile& file) const;
};

// Members of config.json that tell other programs of the tokenizer.
Json token_members(const Tokenizer& tokenizer) {
  Json members = Json::object();
  if (tokenizer.bos()) members["bos_token_id"] = *tokenizer.bos();
  if (tokenizer.eos()) members["eos_token_id"] = *tokenizer.eos();
  if (tokenizer.pad()) members["pad_token_id"] = *tokenizer.pad();
  return members;
}

// What a folder's config.json says beside the members that describe the weights.
Json other_members(const ModelFile& file) {
  const Json ours = file.family().to_hf(file.config());
  Json members = Json::object();
  for (const auto& [key, value] : file.folder()->config().items())
    if (!ours.contains(key) && key != "torch_dtype" && key != "dtype" && key != "rope_parameters")
      members[key] = value;
  return members;
}

constexpr std::array kCarriedFiles{
    "tokenizer.json",  "tokenizer_config.json",  "special_tokens_map.json", "added_tokens.json",
    "tokenizer.model", "generation_config.json", "chat_template.jinja"};

void ConvertVerb::write_folder(Conversion& conversion, const ModelFile& file) const {
  AtomicFolder folder(Path(target.to), target.force);
  Json members = Json::object();
  if (file.folder()) {
    members = other_members(file);
    for (const char* name : kCarriedFiles)
      if (const auto path = file.folder()->file(name))
        write_file(folder.path() / name, read_file(*path));
  } else if (file.gguf()->metadata().has("tokenizer.ggml.model")) {
    const auto tokenizer = open_tokenizer(*file.gguf());
    members = token_members(*tokenizer);
    write_file(folder.path() / "tokenizer.json", tokenizer_json(*tokenizer));
    write_file(folder.path() / "tokenizer_config.json", tokenizer_config_json(*tokenizer));
    Json generation = members;
    if (const auto ends = tokenizer::ends_to_write(tokenizer->spec()); ends.size() > 1)
      generation["eos_token_id"] = ends;
    write_file(folder.path() / "generation_config.json", generation.dump(2) + "\n");
    require_same_ids(*tokenizer, *open_tokenizer(folder.path()), "a folder", target);
  } else {
    note("the file has no tokenizer; the new folder holds weights alone");
  }
  conversion.write_folder(folder.path(), members);
  folder.commit();
}

// Blocks to numbers of their own lose nothing, and the type that they have already is copied.
void ConvertVerb::check_parent(const ModelFile& file) const {
  if (!type || !format(*type).quantised) return;
  const auto lossless = [&](Type of_file) { return same_numbers(of_file, *type); };
  if (const std::string already = rounded_already(file, lossless); !already.empty())
    throw second_rounding(already, "bantam quantize --type " + std::string(format(*type).name) + " --requantize").in(target.from);
}

void ConvertVerb::run() const {
  const auto file = std::make_shared<const ModelFile>(Path(target.from));
  target.check(file->tensors());
  if (!target.to_gguf() && type && format(*type).safetensors.empty())
    throw Error("safetensors have no " + upper_name(format(*type)) +
                "; give a name that ends in .gguf, or another --type")
        .in(target.to);
  check_parent(*file);
  OwnRuntime own;
  Conversion conversion(file, type ? TypePlan::uniform(*type) : TypePlan(),
                        {check_interrupt, &own.lend().pool, nullptr});
  Target written = target;
  if (target.to_gguf())
    written = write_gguf_of(target, *file, conversion);
  else
    write_folder(conversion, *file);
  report_written(written, conversion, Json::object());
}

std::function<void()> declare_convert(Options& options) {
  auto command = std::make_shared<ConvertVerb>();
  options.positional("SRC", command->target.from,
                     "a .gguf file, or a folder with config.json and safetensors");
  options.positional("DST", command->target.to,
                     "what to write: a GGUF file if the name ends in .gguf, else a folder");
  type_option(options, "--type", command->type, writable,
              "type of the matrices (default: as they are; from blocks to a folder: f16)");
  command->target.onto_itself = true;
  command->target.declare(options);
  return [command] { command->run(); };
}

}  // namespace

const Verb kConvert{
    "convert", "GGUF to a Hugging Face folder and back, or to another type",
    "Writes a model in another form: from a folder with safetensors to one GGUF file, from a\n"
    "GGUF file to such a folder, or to the same form in another type. The tokenizer goes with\n"
    "it. With the type that the weights have already nothing is lost, not a bit of a logit.",
    "bantam convert my-model-folder model.gguf --type f16\n"
    "bantam convert model.gguf my-model-folder",
    declare_convert};

}  // namespace bantam::cli
