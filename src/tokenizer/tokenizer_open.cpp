// Which kind of file a tokenizer is in, and what the files beside it say.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "files/gguf.h"
#include "files/model_path.h"
#include "tokenizer/end_tokens.h"
#include "tokenizer/sentencepiece_model.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/tokenizer_json.h"
#include "tokenizer/tokenizer_spec.h"

namespace bantam::tokenizer {

namespace {

std::shared_ptr<const Tokenizer> compile(TokenizerSpec spec, const std::string& file) {
  try {
    return std::make_shared<const Tokenizer>(std::move(spec));
  } catch (Error& error) {
    throw error.in(file);
  }
}

std::string_view text_of(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

std::optional<Json> read_small(const Path& path) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  const MappedFile file(path);
  JsonLimits limits;
  limits.python_numbers = true;
  return parse_json(text_of(file), path.string(), limits);
}

// What the configurations of a folder add to the tokenizer itself.
class FolderConfig {
 public:
  FolderConfig(const Path& folder, TokenizerSpec& spec) : folder_(folder), spec_(spec) {}

  void apply() {
    with("special_tokens_map.json", [&](const Json& map) { read_names(map); });
    with("tokenizer_config.json", [&](const Json& config) {
      read_names(config);
      read_bos_eos(config);
      read_template(config);
    });
    read_template_files();
    if (!read_ends(folder_ / "generation_config.json")) read_ends(folder_ / "config.json");
    add_known_ends(spec_, false);
  }

 private:
  // Calls read(json) with a file of the folder, if it is there; errors name it.
  template <class Read>
  void with(const char* name, const Read& read) const {
    const Path path = folder_ / name;
    const auto json = read_small(path);
    if (!json) return;
    try {
      read(*json);
    } catch (Error& error) {
      throw error.in(path.string());
    }
  }
  // A token is a string, or an object with its content.
  std::optional<std::int32_t> token(const Json& json, const char* key) const {
    const auto at = json.find(key);
    if (at == json.end() || at->is_null()) return std::nullopt;
    const Json& value = at->is_object() && at->contains("content") ? (*at)["content"] : *at;
    if (!value.is_string()) throw Error("the text of a token was expected").field(key);
    const auto text = value.get<std::string>();
    const std::int32_t id = spec_.vocabulary.find(text);
    if (id < 0)
      throw Error("the token \"" + printable(text) + "\" is not in the vocabulary").field(key);
    return id;
  }
  void read_names(const Json& json) {
    if (!json.is_object()) throw Error("an object was expected");
    const auto set = [&](std::optional<std::int32_t>& to, const char* key) {
      if (const auto id = token(json, key)) to = id;
    };
    // A configuration that says there is none knows better than what was inferred.
    if (json.contains("bos_token")) spec_.bos = token(json, "bos_token");
    set(spec_.eos, "eos_token");
    if (!spec_.unk && token(json, "unk_token")) {
      spec_.unk = token(json, "unk_token");
      spec_.marks_unknown = false;  // the model itself has none
    }
    set(spec_.pad, "pad_token");
    set(spec_.sep, "sep_token");
    set(spec_.cls, "cls_token");
    set(spec_.mask, "mask_token");
  }

  // These classes of huggingface/transformers set the template around a text themselves, by these
  // two flags, whatever tokenizer.json says
  // (src/transformers/models/llama/tokenization_llama_fast.py).
  void read_bos_eos(const Json& json) {
    const auto name = json.find("tokenizer_class");
    if (name == json.end() || !name->is_string()) return;
    const auto type = name->get<std::string>();
    if (!type.starts_with("Llama") && !type.starts_with("CodeLlama") && !type.starts_with("Gemma"))
      return;
    const auto set = [&](const char* key, std::optional<std::int32_t> id,
                         std::vector<std::int32_t>& around) {
      const auto at = json.find(key);
      if (at == json.end() || at->is_null()) return;
      if (!at->is_boolean()) throw Error("true or false was expected").field(key);
      around.clear();
      if (!at->get<bool>()) return;
      if (!id) throw Error("is true, but no such token is named").field(key);
      around = {*id};
    };
    set("add_bos_token", spec_.bos, spec_.prefix);
    set("add_eos_token", spec_.eos, spec_.suffix);
  }

  void read_template(const Json& json) {
    const auto at = json.find("chat_template");
    if (at == json.end() || at->is_null()) return;
    if (at->is_string()) {
      spec_.chat_template = at->get<std::string>();
      return;
    }
    if (!at->is_array())
      throw Error("a template or a list of them was expected").field("chat_template");
    spec_.named_templates.clear();
    for (const Json& entry : *at) {
      const bool good = entry.is_object() && entry.contains("name") && entry["name"].is_string() &&
                        entry.contains("template") && entry["template"].is_string();
      if (!good) throw Error("a name and a template were expected").field("chat_template");
      const auto name = entry["name"].get<std::string>();
      if (name == "default")
        spec_.chat_template = entry["template"].get<std::string>();
      else
        spec_.named_templates.emplace_back(name, entry["template"].get<std::string>());
    }
  }
  void read_template_files() {
    constexpr std::uint64_t kMost = 4 << 20;
    with("chat_template.json", [&](const Json& json) {
      if (json.is_object()) read_template(json);
    });
    const Path file = folder_ / "chat_template.jinja";
    if (std::filesystem::exists(file)) spec_.chat_template = read_file(file, kMost);
  }

  // eos_token_id is one id or several. False: the file or the key is not there.
  bool read_ends(const Path& path) {
    const auto json = read_small(path);
    if (!json || !json->is_object()) return false;
    const auto at = json->find("eos_token_id");
    if (at == json->end() || at->is_null()) return false;
    const Json list = at->is_array() ? *at : Json::array({*at});
    std::optional<std::int32_t> first;
    for (const Json& id : list) {
      if (id == -1) continue;  // old converters' "none"
      if (!id.is_number_integer() || !spec_.vocabulary.contains(id.get<std::int64_t>()))
        throw Error("ids below " + std::to_string(spec_.vocabulary.size()) + " were expected")
            .in(path.string())
            .field("eos_token_id");
      spec_.ends.push_back(id.get<std::int32_t>());
      spec_.said_ends.push_back(spec_.ends.back());
      if (!first) first = spec_.ends.back();
    }
    if (!spec_.eos) spec_.eos = first;
    return first.has_value();
  }

  const Path& folder_;
  TokenizerSpec& spec_;
};

TokenizerSpec read_file_of_tokenizer(const Path& path) {
  const MappedFile file(path);
  if (path.extension() == ".json") return read_tokenizer_json(text_of(file), path.string());
  return read_sentencepiece_model(text_of(file), path.string());
}

std::shared_ptr<const Tokenizer> open_folder(const Path& folder) {
  for (const char* name : {"tokenizer.json", "tokenizer.model"}) {
    const Path path = folder / name;
    if (!std::filesystem::exists(path)) continue;
    TokenizerSpec spec = read_file_of_tokenizer(path);
    FolderConfig(folder, spec).apply();
    return compile(std::move(spec), path.string());
  }
  throw Error("the folder holds no tokenizer.json or tokenizer.model").in(folder.string());
}

}  // namespace

std::shared_ptr<const Tokenizer> open_tokenizer(const Path& named) {
  std::error_code ignored;
  const bool own = std::filesystem::exists(named / "tokenizer.json", ignored) ||
                   std::filesystem::exists(named / "tokenizer.model", ignored);
  const Path path = own ? named : model_path(named);
  if (std::filesystem::is_directory(path, ignored)) return open_folder(path);
  if (path.extension() != ".json") {
    const MappedFile file(path);
    if (text_of(file).starts_with("GGUF")) return open_tokenizer(GgufFile(path));
    if (!is_sentencepiece_model(text_of(file)))
      throw Error("a GGUF file, a tokenizer.json, a SentencePiece model or a folder was expected")
          .in(path.string());
  }
  return compile(read_file_of_tokenizer(path), path.string());
}

}  // namespace bantam::tokenizer
