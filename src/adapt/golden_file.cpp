#include "adapt/golden_file.h"

#include <nlohmann/json.hpp>

#include "adapt/own_file.h"
#include "base/counting.h"
#include "base/error.h"
#include "chat/content_form.h"
#include "files/gguf.h"
#include "files/gguf_rewrite.h"
#include "files/hf_folder.h"
#include "models/loader.h"

namespace bantam::adapt {

namespace {

constexpr const char* kGoldenKey = "bantam.golden";
constexpr std::size_t kMostGolden = std::size_t{1} << 18, kMostPrompts = 16, kMostIds = 128;

const Json& golden_member(const Json& json, const char* key, const std::string& file) {
  const auto at = json.is_object() ? json.find(key) : json.end();
  if (at == json.end()) throw Error("is missing").in(file).field(std::string("golden: ") + key);
  return *at;
}

std::string golden_string(const Json& json, const char* key, const std::string& file) {
  const Json& value = golden_member(json, key, file);
  if (!value.is_string()) throw Error("a text was expected").in(file).field(std::string("golden: ") + key);
  return value.get<std::string>();
}

void golden_content(const Json& message, const std::string& file) {
  const Json& content = golden_member(message, "content", file);
  if (!text_of_content(content) || (content.is_array() && content.empty()))
    throw Error("a text, or parts that are text, was expected").in(file).field("golden: content");
}

const Json& golden_list(const Json& json, const char* key, std::size_t most, const std::string& file) {
  const Json& value = golden_member(json, key, file);
  if (!value.is_array() || value.size() > most)
    throw Error("a list of at most " + std::to_string(most) + " was expected").in(file).field(std::string("golden: ") + key);
  return value;
}

std::int32_t golden_id(const Json& json, const std::string& file) {
  if (!json.is_number_integer() || json.get<std::int64_t>() < 0 || json.get<std::int64_t>() > INT32_MAX)
    throw Error("a token id was expected").in(file).field("golden: ids");
  return json.get<std::int32_t>();
}

GoldenPrompt golden_prompt(const Json& json, const std::string& file) {
  GoldenPrompt p;
  if (json.is_object() && json.contains("messages")) {
    p.messages = golden_list(json, "messages", kMostPrompts, file);
    for (const Json& m : p.messages) golden_string(m, "role", file), golden_content(m, file);
  } else {
    p.text = golden_string(json, "text", file);
  }
  p.rendered = golden_string(json, "rendered_sha256", file);
  p.logits = golden_string(json, "logits_sha256", file);
  for (const Json& id : golden_list(json, "ids", kMostIds, file)) p.ids.push_back(golden_id(id, file));
  if (p.ids.empty()) throw Error("a token was expected").in(file).field("golden: ids");
  for (const Json& place : golden_list(json, "likeliest", kMostIds, file)) {
    auto& likely = p.last.emplace_back();
    if (!place.is_array() || place.size() > kMostIds) throw Error("a list was expected").in(file).field("golden: likeliest");
    for (const Json& one : place) {
      if (!one.is_array() || one.size() != 2 || !one[1].is_number())
        throw Error("a token id and its logit were expected").in(file).field("golden: likeliest");
      likely.push_back({golden_id(one[0], file), one[1].get<float>()});
    }
  }
  return p;
}

bool is_folder(const Path& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored);
}

// Room to write the file a second time.
bool has_room(const Path& file) {
  std::error_code no_size, no_space;
  const std::uintmax_t size = std::filesystem::file_size(file, no_size);
  const auto space = std::filesystem::space(std::filesystem::absolute(file).parent_path(), no_space);
  return no_size || no_space || space.available > size + kMostGolden;
}

bool has_words(const ModelFile& file) {
  if (file.gguf()) return file.gguf()->metadata().has("tokenizer.ggml.model");
  return file.folder()->tokenizer_path() || file.folder()->file("tokenizer.model");
}

}  // namespace

Json to_json(const GoldenVectors& golden) {
  Json prompts = Json::array();
  for (const GoldenPrompt& p : golden.prompts) {
    Json likeliest = Json::array();
    for (const auto& place : p.last) {
      Json& to = likeliest.emplace_back(Json::array());
      for (const GoldenPrompt::Likely& l : place) to.push_back({l.id, l.logit});
    }
    Json one = p.messages.is_array() ? Json{{"messages", p.messages}} : Json{{"text", p.text}};
    one.update({{"rendered_sha256", p.rendered}, {"ids", p.ids}, {"logits_sha256", p.logits}, {"likeliest", likeliest}});
    prompts.push_back(std::move(one));
  }
  return {{"version", 1},
          {"arithmetic", golden.arithmetic},
          {"chat_template_sha256", golden.chat_template},
          {"weights_sha256", golden.weights},
          {"tokenizer_sha256", golden.tokenizer},
          {"prompts", prompts}};
}

GoldenVectors golden_from_json(const Json& json, const std::string& file) {
  if (const Json& version = golden_member(json, "version", file); version != 1)
    throw Error("version 1 was expected; a newer Bantam reads it").in(file).field("golden: version");
  GoldenVectors out;
  out.arithmetic = golden_string(json, "arithmetic", file);
  out.chat_template = golden_string(json, "chat_template_sha256", file);
  out.weights = golden_string(json, "weights_sha256", file);
  out.tokenizer = golden_string(json, "tokenizer_sha256", file);
  for (const Json& one : golden_list(json, "prompts", kMostPrompts, file)) out.prompts.push_back(golden_prompt(one, file));
  if (out.prompts.empty()) throw Error("a prompt was expected").in(file).field("golden: prompts");
  return out;
}

std::optional<GoldenVectors> read_golden(const Path& path) {
  if (is_folder(path)) {
    const Json own = read_own(path);
    if (!own.contains("golden")) return std::nullopt;
    return golden_from_json(own["golden"], (path / kOwn).string());
  }
  const GgufFile file(path);
  const auto text = file.metadata().find_string(kGoldenKey);
  if (!text) return std::nullopt;
  JsonLimits limits;
  limits.bytes = kMostGolden;
  return golden_from_json(parse_json(*text, path.string(), limits), path.string());
}

std::string keep_golden(const Path& model, const std::optional<Path>& adapter, ThreadPool& pool,
                        const Kernels& kernels) {
  if (!has_words(ModelFile(model))) return "no golden vectors: the model has no tokenizer";
  const Path& to = adapter ? *adapter : model;
  if (!is_folder(to) && !has_room(to)) return "no golden vectors: the disk has no room to write the file again with them";
  const GoldenVectors golden = make_golden(model, adapter, pool, kernels);
  if (golden.prompts.empty()) return "no golden vectors: its tokenizer has no tokens for the prompts";
  const Json json = to_json(golden);
  if (is_folder(to)) {
    Json own = read_own(to);
    own["golden"] = json;
    write_own(to, own);
  } else {
    set_gguf_keys(to, [&](GgufWriter& writer) { writer.set(kGoldenKey, to_text(json)); });
  }
  return "golden vectors: " + number_of(golden.prompts.size(), "prompt") + ", kept in it for bantam info --verify";
}

}  // namespace bantam::adapt
