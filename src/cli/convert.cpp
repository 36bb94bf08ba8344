// `bantam convert` and `bantam quantize`: a model file in another form or type.
#include "cli/verbs.h"

#include <array>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/error.h"
#include "blocks/format.h"
#include "cli/interrupt.h"
#include "cli/model_options.h"
#include "cli/output.h"
#include "shrink/convert.h"

namespace bantam::cli {

namespace {

struct ConvertVerb {
  std::string from, to;
  std::optional<Type> type;
  bool force = false, json = false;

  void run() const;
  bool to_gguf() const { return Path(to).extension() == ".gguf"; }
  void check_target() const;
  void write_gguf(Conversion& conversion, const ModelFile& file) const;
  void write_folder(Conversion& conversion, const ModelFile& file) const;
  void report(const Conversion& conversion) const;
};

void ConvertVerb::check_target() const {
  const Path target(to);
  std::error_code ignored;
  if (!std::filesystem::exists(std::filesystem::symlink_status(target, ignored))) return;
  if (!force) throw Error("exists; remove it, choose another name, or say --force").in(to);
  if (to_gguf()) return;  // the writer refuses a folder
  if (!std::filesystem::is_directory(target, ignored))
    throw Error("is a file; a folder was expected (the name of a GGUF file ends in .gguf)").in(to);
  // Replacing a folder removes what it holds: a model, and nothing else that lies there by mistake.
  if (!std::filesystem::exists(target / "config.json", ignored))
    throw Error("is a folder that holds no model (no config.json); it is not replaced").in(to);
}

// The tokenizer of a folder, or null when it has none.
std::shared_ptr<const Tokenizer> folder_tokenizer(const HfFolder& folder) {
  if (folder.tokenizer_path() || folder.file("tokenizer.model"))
    return open_tokenizer(folder.path());
  return nullptr;
}

void ConvertVerb::write_gguf(Conversion& conversion, const ModelFile& file) const {
  GgufWriter writer{Path(to)};
  if (file.gguf()) {
    for (const Metadata::Entry& entry : file.gguf()->metadata().entries()) writer.copy(entry);
  } else {
    writer.set("general.architecture", file.config().family);
    Path folder(from);
    if (!folder.has_filename()) folder = folder.parent_path();
    writer.set("general.name", folder.filename().string());
    if (const auto tokenizer = folder_tokenizer(*file.folder()))
      write_tokenizer(*tokenizer, writer, file.config().vocabulary);
    else
      note("the folder has no tokenizer; the new file holds weights alone");
  }
  conversion.write_gguf(writer);
}

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
  AtomicFolder folder(Path(to), force);
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
    if (tokenizer->end_ids().size() > 1) {
      const auto ends = tokenizer->end_ids();
      generation["eos_token_id"] = std::vector<std::int32_t>(ends.begin(), ends.end());
    }
    write_file(folder.path() / "generation_config.json", generation.dump(2) + "\n");
  } else {
    note("the file has no tokenizer; the new folder holds weights alone");
  }
  conversion.write_folder(folder.path(), members);
  folder.commit();
}

void ConvertVerb::report(const Conversion& conversion) const {
  Json types = Json::object();
  std::string line;
  std::int64_t bytes = 0;
  for (const Conversion::Weights& w : conversion.written()) {
    types[w.type] = {{"tensors", w.tensors}, {"bytes", w.bytes}};
    line += (line.empty() ? "" : ", ") + std::to_string(w.tensors) + " " + w.type;
    bytes += w.bytes;
  }
  const std::vector<std::string>& not_divisible = conversion.not_divisible();
  if (!not_divisible.empty())
    note(std::to_string(not_divisible.size()) +
         " of the tensors became F16, as no whole number of "
         "blocks makes their rows: " +
         not_divisible.front() + (not_divisible.size() > 1 ? ", ..." : ""));
  if (json)
    print(
        to_text({{"out", to}, {"bytes", bytes}, {"types", types}, {"f16_instead", not_divisible}}) +
        "\n");
  else
    print("wrote " + to + ": tensors " + line + ", " + std::to_string(bytes) +
          " bytes of weights\n");
}

void ConvertVerb::run() const {
  require_place(to);
  check_target();
  const auto file = std::make_shared<const ModelFile>(Path(from));
  if (!to_gguf() && type && format(*type).safetensors.empty())
    throw Error("safetensors have no " + upper_name(format(*type)) +
                "; give a name that ends in .gguf, or another --type")
        .in(to);
  Conversion conversion(file, type, check_interrupt);
  if (to_gguf())
    write_gguf(conversion, *file);
  else
    write_folder(conversion, *file);
  report(conversion);
}

// The types of weights that can be written.
std::vector<Choice<Type>> writable_types(bool blocks_alone) {
  std::vector<Choice<Type>> types;
  for (const Format& f : formats())
    if (f.weights && f.encode != nullptr && (f.quantised || !blocks_alone))
      types.emplace_back(f.name, f.type);
  return types;
}

void declare_common(Options& options, ConvertVerb& command) {
  options.flag("--force", command.force, "replace what is there");
  options.flag("--json", command.json, "print what was written as a JSON object");
}

std::function<void()> declare_convert(Options& options) {
  auto command = std::make_shared<ConvertVerb>();
  options.positional("SRC", command->from,
                     "a .gguf file, or a folder with config.json and safetensors");
  options.positional("DST", command->to,
                     "what to write: a GGUF file if the name ends in .gguf, else a folder");
  options.choice<Type>("--type", "TYPE", command->type, writable_types(false),
                       "type of the matrices (default: as they are; from blocks to a folder: f16)");
  declare_common(options, *command);
  return [command] { command->run(); };
}

std::function<void()> declare_quantize(Options& options) {
  auto command = std::make_shared<ConvertVerb>();
  options.positional("SRC", command->from,
                     "a .gguf file, or a folder with config.json and safetensors");
  options.positional("DST", command->to, "the GGUF file to write");
  options.choice<Type>("--type", "TYPE", command->type, writable_types(true),
                       "the block type (default: q8_0, 8.5 bits a weight)");
  declare_common(options, *command);
  return [command] {
    if (!command->to_gguf())
      throw Error("a name that ends in .gguf was expected", Error::Kind::usage).field("DST");
    if (!command->type) command->type = Type::q8_0;
    command->run();
  };
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

const Verb kQuantize{
    "quantize", "make a model smaller",
    "Writes a model with its matrices in blocks of small integers. Q8_0 takes a little more\n"
    "than half of F16 and answers almost the same.",
    "bantam quantize model.gguf model-q8_0.gguf", declare_quantize};

}  // namespace bantam::cli
