// `bantam info`: what is in a model file, from its head alone.
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "models/loader.h"
#include "text/tokenizer.h"

namespace bantam::cli {

namespace {

struct Command {
  std::string path;
  bool tensors = false, metadata = false, json = false;

  void run() const;
};

// 1234567 as "1,234,567".
std::string grouped(std::uint64_t value) {
  std::string text = std::to_string(value);
  for (std::size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, ",");
  return text;
}

std::uint64_t parameters(const TensorSource& source) {
  std::uint64_t count = 0;
  for (const TensorInfo& t : source.tensors())
    if (t.name != "rope_freqs.weight" && !t.name.ends_with(".inv_freq"))
      count += static_cast<std::uint64_t>(t.shape.count());
  return count;
}

Json types_of(const TensorSource& source) {
  Json types = Json::object();
  for (const TensorInfo& t : source.tensors()) {
    Json& row = types[t.type_name];
    if (row.is_null()) row = {{"tensors", 0}, {"bytes", 0}};
    row["tensors"] = row["tensors"].get<std::uint64_t>() + 1;
    row["bytes"] = row["bytes"].get<std::uint64_t>() + t.data.size();
  }
  return types;
}

Json config_of(const Config& c) {
  Json j = {{"layers", c.layers},         {"width", c.width},
            {"heads", c.heads},           {"kv_heads", c.kv_heads},
            {"head_width", c.head_dim},   {"feed_forward", c.feed_forward},
            {"vocabulary", c.vocabulary}, {"context", c.context},
            {"rope_base", c.rope_base},   {"tied", c.tied}};
  if (c.window > 0) j["window"] = c.window;
  if (!c.rope_scaling.kind.empty()) j["rope_scaling"] = c.rope_scaling.kind;
  return j;
}

// ---- the two forms ------------------------------------------------------------------------------

// A GGUF's tokenizer without compiling it: a vocabulary of 200,000 tokens would take longer than
// all the rest.
Json tokenizer_of(const Metadata& meta) {
  Json j = Json::object();
  j["kind"] = meta.find_string("tokenizer.ggml.model").value_or("");
  if (const auto pre = meta.find_string("tokenizer.ggml.pre")) j["pre_tokenizer"] = *pre;
  if (const Metadata::Entry* tokens = meta.find("tokenizer.ggml.tokens"))
    j["tokens"] = tokens->count;
  for (const char* name : {"bos", "eos"})
    if (const auto id = meta.find_uint("tokenizer.ggml." + std::string(name) + "_token_id"))
      j[name] = *id;
  return j;
}

Json describe_gguf(const GgufFile& file) {
  const Metadata& meta = file.metadata();
  Json j = {{"form", "GGUF"}, {"version", file.version()}, {"bytes", file.size()}};
  j["architecture"] = meta.find_string("general.architecture").value_or("");
  for (const char* key : {"name", "license"})
    if (const auto text = meta.find_string("general." + std::string(key))) j[key] = *text;
  if (!file.tensors().empty()) {
    try {
      const Family& family = family_by_gguf(meta.need_string("general.architecture"), file.path());
      j["model"] = config_of(family.from_gguf(file));
      j["runs"] = true;
    } catch (const Error& error) {
      j["runs"] = false;
      j["why"] = error.message();
    }
  }
  if (meta.has("tokenizer.ggml.model")) j["tokenizer"] = tokenizer_of(meta);
  j["chat_template"] = meta.has("tokenizer.chat_template");
  return j;
}

Json describe_folder(const HfFolder& folder) {
  const Json& config = folder.config();
  Json j = {{"form", "Hugging Face folder"}, {"bytes", 0}};
  std::uint64_t bytes = 0;
  for (const TensorInfo& t : folder.tensors()) bytes += t.data.size();
  j["bytes"] = bytes;
  const auto type = config.find("model_type");
  j["architecture"] = type != config.end() && type->is_string() ? type->get<std::string>() : "";
  try {
    const std::string file = folder.config_path().string();
    j["model"] =
        config_of(family_by_hf(j["architecture"].get<std::string>(), file).from_hf(config, file));
    j["runs"] = true;
  } catch (const Error& error) {
    j["runs"] = false;
    j["why"] = error.message();
  }
  j["chat_template"] = false;
  if (folder.tokenizer_path() || folder.file("tokenizer.model")) {
    const auto tokenizer = open_tokenizer(Path(folder.path()));
    Json t = {{"kind", tokenizer->kind()}, {"tokens", tokenizer->size()}};
    if (tokenizer->bos()) t["bos"] = *tokenizer->bos();
    if (tokenizer->eos()) t["eos"] = *tokenizer->eos();
    j["tokenizer"] = t;
    j["chat_template"] = !tokenizer->chat_template().empty();
  }
  return j;
}

// ---- printing -----------------------------------------------------------------------------------

void line(std::string label, const std::string& text) {
  label.resize(15, ' ');
  print("  " + label + printable(text, 200) + "\n");
}

std::string text_of(const Json& value) {
  return value.is_string() ? value.get<std::string>() : to_text(value);
}

void print_model(const Json& m) {
  const auto number = [&](const char* key) { return grouped(m[key].get<std::uint64_t>()); };
  line("layers", number("layers") + " of width " + number("width") + ", feed forward " +
                     number("feed_forward"));
  line("heads", number("heads") + " of width " + number("head_width") + ", keys and values for " +
                    number("kv_heads"));
  line("vocabulary",
       number("vocabulary") + (m["tied"].get<bool>() ? ", embedding and head in one" : ""));
  line("context", number("context") + " tokens");
}

void print_summary(const Json& j, std::uint64_t count) {
  line("form",
       text_of(j["form"]) + (j.contains("version") ? " version " + text_of(j["version"]) : ""));
  line("size", grouped(j["bytes"].get<std::uint64_t>()) + " bytes");
  if (j.contains("name")) line("name", text_of(j["name"]));
  line("architecture", text_of(j["architecture"]));
  if (j.contains("runs"))
    line("runs here", j["runs"].get<bool>() ? "yes" : "no: " + text_of(j["why"]));
  constexpr std::uint64_t kSmall = 10'000'000'000;
  if (count > 0)
    line("parameters",
         grouped(count) + (count < kSmall ? " (a small model)" : " (not a small model)"));
  if (j.contains("model")) print_model(j["model"]);
  for (const auto& [type, row] : j["types"].items())
    line("weights", type + ": " + grouped(row["tensors"].get<std::uint64_t>()) + " tensors, " +
                        grouped(row["bytes"].get<std::uint64_t>()) + " bytes");
  if (j.contains("tokenizer")) {
    const Json& t = j["tokenizer"];
    std::string text = text_of(t["kind"]);
    if (t.contains("tokens")) text += ", " + grouped(t["tokens"].get<std::uint64_t>()) + " tokens";
    if (t.contains("pre_tokenizer")) text += ", pre-tokenizer " + text_of(t["pre_tokenizer"]);
    line("tokenizer", text);
  } else {
    line("tokenizer", "none");
  }
  line("chat template", j["chat_template"].get<bool>() ? "yes" : "none: the model continues text");
  if (j.contains("license")) line("licence", text_of(j["license"]));
}

void Command::run() const {
  const Path file(path);
  std::error_code ignored;
  std::unique_ptr<GgufFile> gguf;
  std::unique_ptr<HfFolder> folder;
  const TensorSource* source = nullptr;
  Json j;
  if (std::filesystem::is_directory(file, ignored)) {
    source = (folder = std::make_unique<HfFolder>(file)).get();
    j = describe_folder(*folder);
  } else {
    if (is_pickle_name(file)) refuse_pickle(file);
    source = (gguf = std::make_unique<GgufFile>(file)).get();
    j = describe_gguf(*gguf);
  }
  const std::uint64_t count = parameters(*source);
  j["parameters"] = count;
  j["types"] = types_of(*source);
  if (json) {
    for (const TensorInfo& t : source->tensors()) {
      if (!tensors) break;
      j["tensors"].push_back({{"name", t.name},
                              {"type", t.type_name},
                              {"shape", t.shape.text()},
                              {"offset", t.offset},
                              {"bytes", t.data.size()}});
    }
    return print(to_text(j) + "\n");
  }
  print(printable(path, 4096) + "\n");
  print_summary(j, count);
  for (const TensorInfo& t : source->tensors())
    if (tensors) print("  " + printable(t.name) + " " + t.type_name + " " + t.shape.text() + "\n");
  if (metadata && gguf)
    for (const Metadata::Entry& entry : gguf->metadata().entries())
      print("  " + printable(entry.key) + " " + Metadata::type_name(entry) + " " +
            Metadata::preview(entry) + "\n");
}

std::function<void()> declare(Options& options) {
  auto command = std::make_shared<Command>();
  options.positional("MODEL", command->path,
                     "a .gguf file, or a folder with config.json and safetensors");
  options.flag("--tensors", command->tensors, "list the tensors too");
  options.flag("--metadata", command->metadata, "list the keys of a GGUF file too");
  options.flag("--json", command->json, "print one JSON object");
  return [command] { command->run(); };
}

}  // namespace

const Verb kInfo{
    "info", "what is in a model file",
    "Shows what a model file holds: architecture, size, types of its weights, context,\n"
    "tokenizer, chat template, and whether it runs here.",
    "bantam info model.gguf\nbantam info model.gguf --tensors --json", declare};

}  // namespace bantam::cli
