#include "adapt/adapter_head.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "adapt/golden_file.h"
#include "adapt/own_file.h"
#include "adapt/peft.h"
#include "base/error.h"
#include "base/json.h"
#include "files/gguf.h"
#include "files/model_path.h"
#include "files/safetensors.h"

namespace bantam::adapt {

namespace {

constexpr const char* kPeftConfig = "adapter_config.json";
constexpr const char* kPeftWeights = "adapter_model.safetensors";

// The folder of PEFT's that is named by itself or by a file in it.
std::optional<Path> peft_folder(const Path& path) {
  std::error_code ignored;
  Path folder = path;
  if (const std::string name = path.filename().string(); name == kPeftConfig || name == kPeftWeights)
    folder = path.has_parent_path() ? path.parent_path() : Path(".");
  const bool is = std::filesystem::exists(folder / kPeftConfig, ignored) &&
                  !std::filesystem::exists(folder / "config.json", ignored);
  return is ? std::optional(folder) : std::nullopt;
}

// What stands before `end`; nothing where the name does not end so.
std::optional<std::string> before(const std::string& name, std::string_view end) {
  if (!name.ends_with(end)) return std::nullopt;
  return name.substr(0, name.size() - end.size());
}

std::string last_part(const std::string& name) { return name.substr(name.rfind('.') + 1); }

// Targets, rank and numbers by the names of the tensors: `a` is how those of A end, the first dimension of which
// is the rank; what ends as none of `parts` is a weight that is brought whole.
void read_tensors(std::span<const TensorInfo> tensors, std::string_view a, std::initializer_list<std::string_view> parts,
                  AdapterHead& head) {
  std::set<std::string> targets, whole;
  for (const TensorInfo& t : tensors) {
    head.numbers += static_cast<std::uint64_t>(t.shape.count());
    if (const auto module = before(t.name, a)) {
      targets.insert(last_part(before(*module, ".weight").value_or(*module)));
      if (t.shape.rank() > 0) head.rank = std::max(head.rank, t.shape[0]);
    } else if (std::ranges::none_of(parts, [&](std::string_view end) { return t.name.ends_with(end); })) {
      whole.insert(last_part(before(t.name, ".weight").value_or(t.name)));
    }
    head.tensors.push_back(t);
    head.tensors.back().data = {};
  }
  head.targets.assign(targets.begin(), targets.end());
  head.whole.assign(whole.begin(), whole.end());
}

AdapterHead peft_head(const Path& folder) {
  const std::string name = (folder / kPeftConfig).string();
  const Json json = parse_json(read_file(folder / kPeftConfig, 16 << 20), name);
  if (!json.is_object()) throw Error("an object was expected").in(name);
  const auto value = [&](const char* key) { return json.value(key, Json()); };
  const auto text = [&](const char* key) { return value(key).is_string() ? value(key).get<std::string>() : ""; };
  const auto is = [&](const char* key) { return value(key).is_boolean() && value(key).get<bool>(); };
  AdapterHead head;
  head.method = text("peft_type");
  if (head.method == "LORA") head.method = is("use_dora") ? "dora" : is("use_rslora") ? "rslora" : "lora";
  if (value("lora_alpha").is_number()) head.alpha = value("lora_alpha").get<double>();
  head.base = text("base_model_name_or_path");
  const SafetensorsFile file(folder / kPeftWeights);
  read_tensors(file.tensors(), ".lora_A.weight", {".lora_B.weight", ".lora_magnitude_vector", ".lora_magnitude_vector.weight"}, head);
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored))
    if (entry.is_regular_file(ignored)) head.bytes += entry.file_size(ignored);
  head.own_template = !folder_template(folder).empty();
  head.template_known = read_own(folder).contains("chat_template_sha256");
  return head;
}

AdapterHead gguf_head(const GgufFile& file) {
  const Metadata& keys = file.metadata();
  AdapterHead head;
  head.gguf = true;
  head.method = keys.find_string("adapter.type").value_or("");
  head.alpha = keys.find_float("adapter.lora.alpha").value_or(0);
  head.base = keys.find_string("general.base_model.0.name").value_or("");
  head.architecture = keys.find_string("general.architecture").value_or("");
  read_tensors(file.tensors(), ".lora_a", {".lora_b"}, head);
  head.bytes = file.size();
  head.own_template = keys.has("tokenizer.chat_template");
  head.template_known = keys.has("bantam.chat_template.sha256");
  return head;
}

// An adapter as GGUF, opened; nothing where it is something else.
std::optional<GgufFile> adapter_file(const Path& path) {
  std::error_code ignored;
  if (!files::is_gguf_name(path) || !std::filesystem::is_regular_file(path, ignored)) return std::nullopt;
  std::optional<GgufFile> file(std::in_place, path);
  if (file->metadata().find_string("general.type").value_or("") != "adapter") file.reset();
  return file;
}

}  // namespace

bool is_adapter(const Path& path) { return peft_folder(path) || adapter_file(path); }

void require_adapter(const Path& path) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  const auto wrong = [&](const std::string& what) { return Error(what).in(path.string()); };
  if (!fs::exists(path, ignored)) throw wrong("an adapter was expected: there is no such file or folder");
  if (fs::exists(path / kPeftConfig, ignored) || adapter_file(path)) return;
  const Path model = files::model_path(path);
  if (fs::exists(model / "config.json", ignored) || files::is_gguf_name(model))
    throw wrong("is a model, not an adapter: name it in MODEL's place, with no adapter (an adapter is what bantam finetune makes of a "
                "model; bantam merge --with puts two models together)");
  throw wrong("an adapter was expected: a folder with adapter_config.json and adapter_model.safetensors, or a .gguf file");
}

std::optional<AdapterHead> adapter_head(const Path& path) {
  std::optional<AdapterHead> head;
  Path place = path;
  if (const auto folder = peft_folder(path))
    head = peft_head(place = *folder);
  else if (const auto file = adapter_file(path))
    head = gguf_head(*file);
  if (!head) return std::nullopt;
  head->place = place;
  if (const auto golden = read_golden(place)) head->golden = golden->prompts.size();
  return head;
}

}  // namespace bantam::adapt
