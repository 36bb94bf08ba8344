#include "adapt/model_writer.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "blocks/format.h"
#include "files/apart.h"
#include "files/gguf_rewrite.h"
#include "files/model_path.h"
#include "models/stored.h"
#include "tokenizer/end_tokens.h"

namespace bantam::adapt {

namespace {

bool is_gguf(const Path& path) { return files::is_gguf_name(path); }

void write_gguf_model(const ModelFile& file, Model& model, const WeightRows& rows,
                      const WeightType& type, const Path& out, const std::string& chat_template) {
  GgufWriter writer(out);
  if (file.gguf()) {
    for (const Metadata::Entry& entry : file.gguf()->metadata().entries())
      if (!files::is_of_weights(entry.key)) writer.copy(entry);
  } else {
    writer.set("general.architecture", file.config().family);
    writer.set("general.name", file.config().name);
    const HfFolder& folder = *file.folder();
    if (folder.tokenizer_path() || folder.file("tokenizer.model"))
      write_tokenizer(*open_tokenizer(folder.path()), writer, file.config().vocabulary);
  }
  if (!chat_template.empty()) writer.set("tokenizer.chat_template", chat_template);
  write_gguf(model, file.family(), writer, rows, type);
}

// What other programs read of the tokenizer, and what config.json says beside the weights.
Json members_of(const ModelFile& file) {
  Json members = Json::object();
  if (file.folder()) {
    const Json ours = file.family().to_hf(file.config());
    for (const auto& [key, value] : file.folder()->config().items())
      if (!ours.contains(key) && key != "torch_dtype" && key != "dtype" && key != "rope_parameters")
        members[key] = value;
  }
  return members;
}

void write_folder_model(const ModelFile& file, Model& model, const WeightRows& rows,
                        const WeightType& type, const Path& out, bool replace,
                        const std::string& chat_template) {
  AtomicFolder folder(out, replace);
  Json members = members_of(file);
  if (file.folder()) {
    for (const char* name :
         {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
          "tokenizer.model", "generation_config.json", "chat_template.jinja"})
      if (const auto path = file.folder()->file(name))
        write_file(folder.path() / name, read_file(*path));
  } else if (file.gguf()->metadata().has("tokenizer.ggml.model")) {
    const auto tokenizer = open_tokenizer(*file.gguf());
    if (tokenizer->bos()) members["bos_token_id"] = *tokenizer->bos();
    if (tokenizer->eos()) members["eos_token_id"] = *tokenizer->eos();
    Json generation = members;
    if (const auto ends = tokenizer::ends_to_write(tokenizer->spec()); ends.size() > 1)
      generation["eos_token_id"] = ends;
    write_file(folder.path() / "generation_config.json", generation.dump(2) + "\n");
    write_file(folder.path() / "tokenizer.json", tokenizer_json(*tokenizer));
    write_file(folder.path() / "tokenizer_config.json", tokenizer_config_json(*tokenizer));
  }
  if (!chat_template.empty()) write_file(folder.path() / "chat_template.jinja", chat_template);
  write_folder(model, file.family(), folder.path(), rows, type, members);
  folder.commit();
}

}  // namespace

void write_model(const ModelFile& file, Model& model, const WeightRows& rows, const WeightType& type,
                 const Path& out, bool replace, const std::string& chat_template) {
  std::error_code ignored;
  if (!replace && std::filesystem::exists(out, ignored))
    throw Error("exists; choose another name, or say --force").in(out.string());
  files::require_replaceable(out);
  if (is_gguf(out))
    write_gguf_model(file, model, rows, type, out, chat_template);
  else
    write_folder_model(file, model, rows, type, out, replace, chat_template);
}

WeightType types_of(const std::shared_ptr<const ModelFile>& file) {
  return [file](const WeightSpec& w) { return stored_type(*file, w); };
}

WeightType types_for(const std::shared_ptr<const ModelFile>& file, const Path& out) {
  const bool folder = !is_gguf(out);
  return [file, folder](const WeightSpec& w) {
    const Type own = stored_type(*file, w);
    return folder && format(own).safetensors.empty() ? Type::f32 : own;
  };
}

WeightType float_types(const std::shared_ptr<const ModelFile>& file) {
  return [file](const WeightSpec& w) {
    const Type own = stored_type(*file, w);
    return format(own).quantised ? Type::f32 : own;
  };
}

WeightType merged_types(const std::shared_ptr<const ModelFile>& file, const Path& out, std::optional<Type> wanted) {
  bool blocks = false;
  for (const TensorInfo& t : file->tensors().tensors()) blocks |= t.format && t.format->quantised;
  return [=, own = types_for(file, out), gguf = is_gguf(out)](const WeightSpec& w) {
    if (wanted) return gguf ? gguf_weight_type(w, *wanted) : *wanted;
    return blocks ? own(w) : Type::f32;
  };
}

}  // namespace bantam::adapt
