// `bantam info`: what is in a model file, from its head alone.
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "adapt/adapter_head.h"
#include "base/error.h"
#include "chat/chat_template.h"
#include "cli/info_parts.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "files/model_path.h"
#include "infer/session.h"
#include "models/loader.h"
#include "tokenizer/tokenizer.h"

namespace bantam::cli {

namespace {

struct InfoVerb {
  std::string path;
  std::optional<std::string> adapter;
  bool tensors = false, metadata = false, verify = false, machine = false, json = false, kind = false;

  void run() const;
  void show_model() const;
  void refuse_problems(std::size_t all, std::size_t of_adapter, const Path& file) const;
  void print_text(const TensorSource& source, const GgufFile* gguf, const Json& j,
                  std::uint64_t count) const;
};

// 1234567 as "1,234,567".
std::string grouped(std::uint64_t value) {
  std::string text = std::to_string(value);
  for (std::size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, ",");
  return text;
}

// "1 tensor", "1,234 tensors"
std::string grouped(const Json& count, const std::string& thing) {
  const auto value = count.get<std::uint64_t>();
  return grouped(value) + " " + thing + (value == 1 ? "" : "s");
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

// What a GGUF says of its tokenizer, whether or not it opens.
Json tokenizer_part(const Metadata& meta) {
  Json j = Json::object();
  j["kind"] = meta.find_string("tokenizer.ggml.model").value_or("");
  if (const auto pre = meta.find_string("tokenizer.ggml.pre")) j["pre_tokenizer"] = *pre;
  if (const Metadata::Entry* tokens = meta.find("tokenizer.ggml.tokens"))
    j["tokens"] = tokens->count;
  // -1, also without a sign, is llama.cpp's word for none.
  for (const char* name : {"bos", "eos"})
    if (const auto id = meta.find_int("tokenizer.ggml." + std::string(name) + "_token_id"))
      if (*id != -1 && *id != UINT32_MAX) j[name] = *id;
  return j;
}

// Opens what text needs beside the weights: the tokenizer and its template. Throws Error, as a run
// would.
std::shared_ptr<const Tokenizer> open_words(const ModelFile& file) {
  std::shared_ptr<const Tokenizer> tokenizer = tokenizer_of(file);
  own_template(*tokenizer, file.tensors().path());
  return tokenizer;
}

// Into `j`: the model's configuration, and whether it runs here. Its tokenizer, when it opens.
template <class Form>
std::shared_ptr<const Tokenizer> describe_model(const std::shared_ptr<const Form>& form, Json& j) {
  const auto attempt = [&](auto&& step) {
    try {
      step();
    } catch (const Error& error) {
      if (!j["runs"].get<bool>()) return;
      j["runs"] = false;
      // The file too, where it is another one than the model: tokenizer.json of a folder.
      const bool other = !error.file().empty() && error.file() != form->path();
      j["why"] = other ? error.what()
                       : (error.field().empty() ? "" : error.field() + ": ") + error.message();
    }
  };
  j["runs"] = true;
  std::shared_ptr<const Tokenizer> tokenizer;
  attempt([&] {
    const ModelFile file(form);
    j["model"] = config_of(file.config());
    attempt([&] { check_weights(file); });
    tokenizer = open_words(file);
  });
  return tokenizer;
}

Json describe_gguf(const std::shared_ptr<const GgufFile>& gguf) {
  const GgufFile& file = *gguf;
  const Metadata& meta = file.metadata();
  Json j = {{"form", "GGUF"}, {"version", file.version()}, {"bytes", file.size()}};
  if (file.parts() > 1) j["parts"] = file.parts();
  j["architecture"] = meta.find_string("general.architecture").value_or("");
  for (const char* key : {"name", "license"})
    if (const auto text = meta.find_string("general." + std::string(key))) j[key] = *text;
  if (!file.tensors().empty()) describe_model(gguf, j);
  if (meta.has("tokenizer.ggml.model")) j["tokenizer"] = tokenizer_part(meta);
  j["chat_template"] = meta.has("tokenizer.chat_template");
  return j;
}

// "license: NAME" among the lines between --- and --- that begin a model's README.md (a model card
// of Hugging Face's hub).
std::optional<std::string> licence_of(const HfFolder& folder) {
  const auto path = folder.file("README.md");
  if (!path) return std::nullopt;
  std::ifstream card(*path);
  std::string line;
  constexpr std::string_view kKey = "license:";
  for (int row = 0; row < 200 && std::getline(card, line); ++row) {
    while (line.ends_with('\r') || line.ends_with(' ')) line.pop_back();
    if ((row == 0) != (line == "---")) return std::nullopt;
    if (!line.starts_with(kKey)) continue;
    const std::size_t from = line.find_first_not_of(' ', kKey.size());
    if (from == std::string::npos) return std::nullopt;
    return line.substr(from, 200);
  }
  return std::nullopt;
}

Json describe_folder(const std::shared_ptr<const HfFolder>& form) {
  const HfFolder& folder = *form;
  const Json& config = folder.config();
  Json j = {{"form", "Hugging Face folder"}, {"bytes", 0}};
  std::uint64_t bytes = 0;
  for (const TensorInfo& t : folder.tensors()) bytes += t.data.size();
  j["bytes"] = bytes;
  const auto type = config.find("model_type");
  j["architecture"] = type != config.end() && type->is_string() ? type->get<std::string>() : "";
  const auto tokenizer = describe_model(form, j);
  if (const auto licence = licence_of(folder)) j["license"] = *licence;
  j["chat_template"] = false;
  if (tokenizer) {
    Json t = {{"kind", tokenizer->kind()}, {"tokens", tokenizer->size()}};
    if (tokenizer->bos()) t["bos"] = *tokenizer->bos();
    if (tokenizer->eos()) t["eos"] = *tokenizer->eos();
    j["tokenizer"] = t;
    j["chat_template"] = !tokenizer->chat_template().empty();
  }
  return j;
}

// ---- printing -----------------------------------------------------------------------------------

constexpr std::uint64_t kSmall = 10'000'000'000, kBest = 5'000'000'000;

// Whether it is a small language model, and how small.
std::string_view size_class(std::uint64_t parameters) {
  return parameters < kBest    ? " (a small model: under 5 billion)"
         : parameters < kSmall ? " (a small model: under 10 billion)"
                               : " (not a small model: 10 billion or more)";
}

std::string text_of(const Json& value) {
  return value.is_string() ? value.get<std::string>() : to_text(value);
}

void print_model(const Json& m) {
  const auto number = [&](const char* key) { return grouped(m[key].get<std::uint64_t>()); };
  info_line("layers", number("layers") + " of width " + number("width") + ", feed forward " +
                          number("feed_forward"));
  info_line("heads", number("heads") + " of width " + number("head_width") +
                         ", keys and values for " + number("kv_heads"));
  info_line("vocabulary",
            number("vocabulary") + (m["tied"].get<bool>() ? ", embedding and head in one" : ""));
  info_line("context", number("context") + " tokens");
}

void print_summary(const Json& j, std::uint64_t count) {
  info_line("form", text_of(j["form"]) +
                        (j.contains("version") ? " version " + text_of(j["version"]) : ""));
  info_line("size", grouped(j["bytes"].get<std::uint64_t>()) + " bytes" +
                        (j.contains("parts") ? " in " + grouped(j["parts"], "file") : ""));
  if (j.contains("name")) info_line("name", text_of(j["name"]));
  info_line("architecture", text_of(j["architecture"]));
  if (j.contains("runs"))
    info_line("runs here", j["runs"].get<bool>() ? "yes" : "no: " + text_of(j["why"]));
  if (count > 0) info_line("parameters", grouped(count) + std::string(size_class(count)));
  if (j.contains("model")) print_model(j["model"]);
  for (const auto& [type, row] : j["types"].items())
    info_line("weights", type + ": " + grouped(row["tensors"], "tensor") + ", " +
                             grouped(row["bytes"].get<std::uint64_t>()) + " bytes");
  if (j.contains("tokenizer")) {
    const Json& t = j["tokenizer"];
    std::string text = text_of(t["kind"]);
    if (t.contains("tokens")) text += ", " + grouped(t["tokens"].get<std::uint64_t>()) + " tokens";
    if (t.contains("pre_tokenizer")) text += ", pre-tokenizer " + text_of(t["pre_tokenizer"]);
    info_line("tokenizer", text);
  } else {
    info_line("tokenizer", "none");
  }
  info_line("chat template",
            j["chat_template"].get<bool>() ? "yes" : "none: the model continues text");
  if (j.contains("license")) info_line("licence", text_of(j["license"]));
}

void print_verified(const Json& v) {
  std::string text = grouped(v["tensors"], "tensor") + ", " +
                     grouped(v["bytes"].get<std::uint64_t>()) + " bytes";
  if (const auto unchecked = v["unchecked"].get<std::uint64_t>(); unchecked > 0)
    text += "; " + grouped(unchecked) + " of a type whose numbers are not looked at";
  info_line("verified", text);
  for (const auto& [name, sum] : v["sha256"].items())
    info_line("sha256", sum.get<std::string>() + "  " + name);
  for (const Json& golden : v["golden"]) {
    const auto prompts = golden["prompts"].get<std::uint64_t>();
    info_line("golden vectors", (golden["of"] == "adapter" ? "of the adapter: " : "") +
                                    (prompts == 0 ? "none" : grouped(golden["prompts"], "prompt") + ", " +
                                                                 (golden["same"].get<bool>() ? "the same bytes" : "not the same")));
  }
  for (const Json& type : v["unsupported"])
    info_line("not yet", type.get<std::string>() + " weights cannot be computed with");
  for (const Json& problem : v["problems"]) info_line("problem", problem.get<std::string>());
}

void InfoVerb::run() const {
  if (machine && !path.empty())
    throw Error("either MODEL or --machine was expected, not both", Error::Kind::usage);
  if (adapter && !verify) throw Error("--adapter goes with --verify", Error::Kind::usage);
  if (machine) return show_machine(json);
  if (path.empty()) throw Error("a MODEL, or --machine, was expected", Error::Kind::usage);
  if (kind) return print(std::string(kind_of(Path(path))) + "\n");
  show_model();
}

// What an adapter says that it was made for; "": nothing, or it cannot be read.
std::string base_of(const std::string& adapter) {
  try {
    const auto head = adapt::adapter_head(Path(adapter));
    return head ? head->base : "";
  } catch (const Error&) {
    return "";
  }
}

// What is to be got again: the model, unless only the adapter on it does not hold, which may be well on the model
// that it was made for.
void InfoVerb::refuse_problems(std::size_t all, std::size_t of_adapter, const Path& file) const {
  const auto found = [](std::size_t count) {
    return std::to_string(count) + (count == 1 ? " problem was" : " problems were") + " found; ";
  };
  if (of_adapter == all) {
    const auto base = base_of(*adapter);
    throw Error(found(all) + "give the model that it was trained on" + (base.empty() ? "" : " (" + printable(base, 200) + ")") +
                ", or get the adapter again from where it came; the model itself is well")
        .in(*adapter);
  }
  throw Error(found(all) + "get the model again from where it came" +
              (of_adapter > 0 ? ", and then look at the adapter on it again" : ""))
      .in(file.string());
}

void InfoVerb::show_model() const {
  if (const auto head = adapt::adapter_head(Path(path))) {
    if (verify)
      throw Error("is an adapter, which is verified on its model: bantam info " +
                      (head->base.empty() ? "MODEL" : printable(head->base, 200)) + " --verify --adapter " + printable(head->place.string(), 200),
                  Error::Kind::usage)
          .in(path);
    return show_adapter(*head, path, tensors, json);
  }
  if (adapter) adapt::require_adapter(Path(*adapter));  // before gigabytes are read
  const Path file = model_path(path);
  std::error_code ignored;
  std::shared_ptr<const GgufFile> gguf;
  std::shared_ptr<const HfFolder> folder;
  const TensorSource* source = nullptr;
  Json j;
  if (std::filesystem::is_directory(file, ignored)) {
    source = (folder = std::make_shared<HfFolder>(file)).get();
    j = describe_folder(folder);
  } else {
    if (is_pickle(file)) refuse_pickle(file);
    source = (gguf = std::make_shared<GgufFile>(file)).get();
    j = describe_gguf(gguf);
  }
  const std::uint64_t count = parameters(*source);
  j["parameters"] = count;
  j["small"] = count < kSmall;
  j["under_5_billion"] = count < kBest;
  j["types"] = types_of(*source);
  std::size_t problems = 0;
  if (verify) {
    j["verify"] = verify_model(file, adapter ? std::optional(Path(*adapter)) : std::nullopt);
    problems = j["verify"]["problems"].size();
  }
  if (json) {
    for (const TensorInfo& t : source->tensors()) {
      if (!tensors) break;
      j["tensors"].push_back({{"name", t.name},
                              {"type", t.type_name},
                              {"shape", t.shape.text()},
                              {"offset", t.offset},
                              {"bytes", t.data.size()}});
    }
    print(to_text(j) + "\n");
  } else {
    print_text(*source, gguf.get(), j, count);
  }
  if (problems > 0) refuse_problems(problems, j["verify"]["adapter_problems"].get<std::size_t>(), file);
}

void InfoVerb::print_text(const TensorSource& source, const GgufFile* gguf, const Json& j,
                          std::uint64_t count) const {
  print(printable(path, 4096) + "\n");
  print_summary(j, count);
  if (j.contains("verify")) print_verified(j["verify"]);
  for (const TensorInfo& t : source.tensors())
    if (tensors) print("  " + printable(t.name) + " " + t.type_name + " " + t.shape.text() + "\n");
  if (metadata && gguf)
    for (const Metadata::Entry& entry : gguf->metadata().entries())
      print("  " + printable(entry.key) + " " + Metadata::type_name(entry) + " " +
            Metadata::preview(entry) + "\n");
}

std::function<void()> declare_info(Options& options) {
  auto command = std::make_shared<InfoVerb>();
  options
      .positional("MODEL", command->path,
                  "a .gguf file, or a folder with config.json and safetensors")
      .required = false;
  options.flag("--tensors", command->tensors, "list the tensors too");
  options.flag("--metadata", command->metadata, "list the keys of a GGUF file too");
  options.flag("--verify", command->verify,
               "read all of it too: every number finite, every part in its place, its sums, and where golden "
               "vectors are in it (finetune and merge put them there) that it says what it said when it was written");
  options.text("--adapter", "FOLDER", command->adapter,
               "with --verify: an adapter on the model too, that it fits and says what it said");
  options.flag("--machine", command->machine,
               "show this machine in place of a model: kernels, memory, speed as measured");
  options.flag("--kind", command->kind, "what it is, in a word and no more: model, adapter, or text that a model can be raised from");
  options.flag("--json", command->json, "print one JSON object");
  return [command] { command->run(); };
}

}  // namespace

void info_line(std::string label, const std::string& text) {
  label.resize(15, ' ');
  print("  " + label + printable(text, 200) + "\n");
}

const Verb kInfo{
    "info", "what is in a model file",
    "Shows what a model file holds: architecture, size, types of its weights, context,\n"
    "tokenizer, chat template, licence, and whether it runs here. Reads the head of the\n"
    "file alone, whatever its size; --verify reads all of it. Of an adapter: its method, rank,\n"
    "what it changes, and the model that it was made for.",
    "bantam info model.gguf\nbantam info model.gguf --verify\nbantam info --machine", declare_info};

}  // namespace bantam::cli
