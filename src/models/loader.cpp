#include "models/loader.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "blocks/format.h"
#include "files/gguf_types.h"
#include "files/model_path.h"
#include "models/stored.h"
#include "models/ternary.h"
#include "tensor/held_form.h"

namespace bantam::models {

namespace {

// "NVFP4 (40)": a name that a later version of the format may change, and its number.
std::string numbered(const std::string& type_name) {
  const GgufType* type = find_gguf_type(type_name);
  return type ? type_name + " (" + std::to_string(type->id) + ")" : type_name;
}

}  // namespace

UnsupportedType::UnsupportedType(const TensorInfo& tensor)
    : Error("its type " + numbered(tensor.type_name) + " cannot be computed with; " +
            names_of_formats([](const Format& f) { return f.weights; }) + " can") {
  in(tensor.file).field(tensor.name).at(tensor.offset);
}

ModelFile::ModelFile(const Path& named) {
  const Path path = model_path(named);
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    folder_ = std::make_shared<HfFolder>(path);
  } else {
    if (is_pickle(path)) refuse_pickle(path);
    gguf_ = std::make_shared<GgufFile>(path);
  }
  configure();
}

ModelFile::ModelFile(std::shared_ptr<const GgufFile> file) : gguf_(std::move(file)) { configure(); }

ModelFile::ModelFile(std::shared_ptr<const HfFolder> folder) : folder_(std::move(folder)) {
  configure();
}

namespace {

bool is_known(std::string_view type) {
  return std::ranges::any_of(families(), [&](const Family& f) { return std::ranges::find(f.hf, type) != f.hf.end(); });
}

// A model that sees or hears and whose text part is one of those that are known: what to do is said.
void refuse_if_text_is_a_part(const Json& config, const std::string& type, const std::string& file) {
  if (is_known(type) || !config.contains("text_config")) return;
  const Json& text = config.at("text_config");
  const auto of_text = text.is_object() ? text.find("model_type") : text.end();
  if (!text.is_object() || of_text == text.end() || !of_text->is_string() || !is_known(of_text->get<std::string>())) return;
  const std::string name = of_text->get<std::string>();
  throw Error("the architecture \"" + printable(type, 60) + "\" sees or hears besides, which is not supported; its text part, \"" + name +
              "\", opens as a model of its own: beside the same safetensors put a config.json that is what stands here under text_config")
      .in(file)
      .field("model_type");
}

}  // namespace

void ModelFile::configure() {
  if (folder_) {
    const std::string file = folder_->config_path().string();
    const auto type = folder_->config().find("model_type");
    if (type == folder_->config().end() || !type->is_string())
      throw Error("the kind of model (\"llama\", ...) was expected").in(file).field("model_type");
    refuse_if_text_is_a_part(folder_->config(), type->get<std::string>(), file);
    family_ = &family_by_hf(type->get<std::string>(), file);
    config_ = family_->from_hf(folder_->config(), file);
    config_.check(file);
    names_ = TensorNames(*folder_);
  } else {
    if (gguf_->metadata().find_string("general.type").value_or("") == "adapter")
      throw Error("is an adapter, not a model: name the model that it was made for, and this with --adapter (bantam info says more)")
          .in(gguf_->path());
    family_ = &family_by_gguf(gguf_->metadata().need_string("general.architecture"), gguf_->path());
    config_ = family_->from_gguf(*gguf_);
    config_.check(gguf_->path());
  }
}

std::shared_ptr<const ModelFile> ModelFile::part(std::int64_t layers) const {
  auto file = std::make_shared<ModelFile>(*this);
  file->config_.layers = std::clamp<std::int64_t>(layers, 1, config_.layers);
  if (!config_.by_layer.empty())
    file->config_.by_layer.resize(static_cast<std::size_t>(file->config_.layers));
  file->whole_ = false;
  return file;
}

const TensorSource& ModelFile::tensors() const {
  if (gguf_) return *gguf_;
  return *folder_;
}

const TensorInfo* ModelFile::locate(const WeightSpec& weight) const {
  if (gguf_) return gguf_->find(weight.gguf);
  return names_.find(weight.hf);
}

const TensorInfo& ModelFile::find(const WeightSpec& weight) const {
  const TensorInfo* located = locate(weight);
  const std::string& name = located ? located->name : gguf_ ? weight.gguf : weight.hf;
  if (is_packed_ternary(*this, weight)) return *located;
  const TensorInfo& info =
      tensors().need(name, gguf_ ? shape_in_gguf(weight) : shape_in_folder(weight));
  if (!info.format || !info.format->weights)  // integers that only programs of others read
    throw UnsupportedType(info);
  return info;
}

Arithmetic choose_arithmetic(const ModelFile& file, std::optional<Arithmetic> wanted) {
  bool blocks = false;
  for (const TensorInfo& t : file.tensors().tensors()) blocks |= t.format && t.format->quantised;
  if (!wanted) return blocks ? Arithmetic::int8 : Arithmetic::f32;
  const bool rounds = *wanted == Arithmetic::int8 || *wanted == Arithmetic::faithful;
  if (rounds && !blocks)
    throw Error(
        "the arithmetics int8 and faithful are for block types (Q8_0, ...); this file has none: "
        "say f32 or bf16, or quantize it first")
        .in(file.tensors().path());
  return *wanted;
}

namespace {

class Loader {
 public:
  Loader(std::shared_ptr<const ModelFile> file, Arithmetic arithmetic, const Exec& exec)
      : file_(std::move(file)), arithmetic_(arithmetic), exec_(exec) {}

  void load(const WeightSpec& weight) {
    const TensorInfo& info = file_->find(weight);
    if (weight.role == Role::linear || weight.role == Role::head) return load_matrix(weight, info);
    const bool table = weight.role == Role::embedding || weight.role == Role::positions;
    Tensor rows = stored_rows(file_, weight, table ? &memory_ : nullptr);
    *weight.tensor = table ? std::move(rows) : widened(rows, info);
  }
  // What was read on the way: heads of the file, pages that the system mapped around a few numbers.
  void end() { file_->tensors().release_all(); }

 private:
  // Vectors are few numbers, with matrices around them that would be mapped too: they are copied.
  Tensor widened(const Tensor& rows, const TensorInfo& info) {
    const Format& f = format(rows.type());
    if (rows.shape().count() % f.block != 0)
      throw Error("its width does not fit the type " + info.type_name)
          .in(info.file)
          .field(info.name)
          .at(info.offset);
    std::shared_ptr<std::byte> memory =
        memory_.take(static_cast<std::size_t>(byte_size(Type::f32, rows.shape())));
    const View view(memory.get(), Type::f32, rows.shape());
    Tensor wide(view, std::move(memory));
    f.decode(rows.view().data, wide.f32(), rows.shape().count());
    return wide;
  }

  void load_matrix(const WeightSpec& weight, const TensorInfo& info) {
    // Rows that are multiplied as they are stored lie side by side too, if they must be copied.
    const bool stays =
        held_form(stored_type(*file_, weight), arithmetic_) == HeldForm::rows;
    const Tensor rows = stored_rows(file_, weight, stays ? &memory_ : nullptr);
    Weight& w = *weight.matrix = rows;
    if (stays) return;
    // A large one (most often the head) is given back piece by piece, so that it is not in memory
    // twice: all that was mapped of it, as systems map more around a row than the row.
    constexpr std::size_t kLarge = 8 << 20, kPiece = 4 << 20;
    std::atomic<std::size_t> read = 0;
    const bool of_file = rows.view().data >= info.data.data() &&
                         rows.view().data < info.data.data() + info.data.size();
    PartPacked done;
    if (of_file && info.data.size() >= kLarge)
      done = [&](std::span<const std::byte> part) {
        const std::size_t before = read.fetch_add(part.size());
        if (before / kPiece != (before + part.size()) / kPiece) file_->tensors().release(info);
      };
    w.prepare(exec_, arithmetic_, memory_, done);
    file_->tensors().release(info);
  }

  std::shared_ptr<const ModelFile> file_;
  Arithmetic arithmetic_;
  const Exec& exec_;
  MemoryBlocks memory_;
};

// Tensors that carry no weight of their own: derived, or buffers of the makers' code.
bool harmless(std::string_view name) {
  return name == "rope_freqs.weight" || name.starts_with("rope_factors_") ||
         name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias") ||
         name.ends_with(".rotary_emb.inv_freq") || name.ends_with("attn_rot_embd.weight");
}

}  // namespace

void refuse_unknown(const ModelFile& file, std::span<const WeightSpec> weights) {
  if (!file.whole()) return;
  std::set<std::string_view> known;
  std::set<std::string> scales;
  for (const WeightSpec& w : weights) {
    if (const TensorInfo* info = file.locate(w)) known.insert(info->name);
    if (is_packed_ternary(file, w)) scales.insert(file.locate(w)->name + "_scale");
  }
  const auto ignored = [&](std::string_view name) { return file.folder() && is_of_other_part(name); };
  for (const TensorInfo& t : file.tensors().tensors()) {
    if (known.contains(t.name) || scales.contains(t.name) || harmless(t.name) || ignored(t.name))
      continue;
    if (file.config().tied && t.name.ends_with("lm_head.weight"))
      continue;  // a copy of the embedding
    if (t.name.find(".lora_") != t.name.npos)
      throw Error("is of an adapter that is not merged into the model; merge it first")
          .in(t.file)
          .field(t.name)
          .at(t.offset);
    throw Error("this architecture has no such tensor; the file is of another kind than it says")
        .in(t.file)
        .field(t.name)
        .at(t.offset);
  }
}

void check_weights(const ModelFile& file) {
  const std::unique_ptr<Model> model = file.family().make(file.config());
  const std::vector<WeightSpec> weights = model->weights();
  refuse_unknown(file, weights);
  for (const WeightSpec& weight : weights) file.find(weight);
}

std::unique_ptr<Model> load_model(std::shared_ptr<const ModelFile> file, Arithmetic arithmetic,
                                  const Exec& exec, std::int64_t context) {
  Config config = file->config();
  config.run_context = context;
  stretch_rope(config);
  std::unique_ptr<Model> model = file->family().make(config);
  const std::vector<WeightSpec> weights = model->weights();
  refuse_unknown(*file, weights);
  Loader loader(file, arithmetic, exec);
  for (const WeightSpec& weight : weights) loader.load(weight);
  loader.end();
  return model;
}

}  // namespace bantam::models
