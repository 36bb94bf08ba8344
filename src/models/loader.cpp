#include "models/loader.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "blocks/format.h"
#include "models/writer.h"

namespace bantam {

ModelFile::ModelFile(const Path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    folder_ = std::make_shared<HfFolder>(path);
    const std::string file = folder_->config_path().string();
    const auto type = folder_->config().find("model_type");
    if (type == folder_->config().end() || !type->is_string())
      throw Error("the kind of model (\"llama\", ...) was expected").in(file).field("model_type");
    family_ = &family_by_hf(type->get<std::string>(), file);
    config_ = family_->from_hf(folder_->config(), file);
    config_.check(file);
  } else {
    if (is_pickle_name(path)) refuse_pickle(path);
    gguf_ = std::make_shared<GgufFile>(path);
    family_ = &family_by_gguf(gguf_->metadata().need_string("general.architecture"), gguf_->path());
    config_ = family_->from_gguf(*gguf_);
    config_.check(gguf_->path());
  }
}

const TensorSource& ModelFile::tensors() const {
  if (gguf_) return *gguf_;
  return *folder_;
}

const TensorInfo* ModelFile::locate(const Weight& weight) const {
  if (gguf_) return gguf_->find(weight.gguf);
  if (const TensorInfo* info = folder_->find(weight.hf)) return info;
  for (const Renaming& r : family_->renamings)
    if (weight.hf.starts_with(r.canonical))
      if (const TensorInfo* info =
              folder_->find(std::string(r.prefix) + weight.hf.substr(r.canonical.size())))
        return info;
  return nullptr;
}

const TensorInfo& ModelFile::find(const Weight& weight) const {
  const TensorInfo* located = locate(weight);
  const std::string& name = located ? located->name : gguf_ ? weight.gguf : weight.hf;
  const TensorInfo& info = tensors().need(name, weight.shape);
  if (!info.format || !info.format->encode)  // integers that only programs of others read
    throw Error("its type " + info.type_name +
                " cannot be computed with yet; F32, F16, BF16 and Q8_0 can")
        .in(info.file)
        .field(info.name)
        .at(info.offset);
  return info;
}

Arithmetic choose_arithmetic(const ModelFile& file, std::optional<Arithmetic> wanted) {
  bool blocks = false;
  for (const TensorInfo& t : file.tensors().tensors()) blocks |= t.format && t.format->quantised;
  if (!wanted) return blocks ? Arithmetic::exact : Arithmetic::f32;
  if (*wanted == Arithmetic::exact && !blocks)
    throw Error(
        "the exact arithmetic is for block types (Q8_0); this file has none: say f32 or bf16, or "
        "quantize it first")
        .in(file.tensors().path());
  return *wanted;
}

void copy_rotary_rows(const std::byte* from, std::byte* to, std::int64_t rows,
                      std::int64_t row_bytes, std::int64_t heads, bool to_half) {
  // GGUF's row 2i of a head is the half layout's i, its row 2i+1 is half + i (llama.cpp,
  // convert_hf_to_gguf.py, LlamaModel.permute).
  const std::int64_t per_head = rows / heads, half = per_head / 2;
  const auto bytes = static_cast<std::size_t>(row_bytes);
  for (std::int64_t h = 0; h < heads; ++h)
    for (std::int64_t i = 0; i < per_head; ++i) {
      const std::int64_t interleaved = i < half ? 2 * i : 2 * (i - half) + 1;
      const std::int64_t a = h * per_head + interleaved, b = h * per_head + i;
      std::memcpy(to + (to_half ? b : a) * row_bytes, from + (to_half ? a : b) * row_bytes, bytes);
    }
}

namespace {

class Loader {
 public:
  Loader(std::shared_ptr<const ModelFile> file, Arithmetic arithmetic, const Exec& exec)
      : file_(std::move(file)), arithmetic_(arithmetic), exec_(exec) {}

  void load(const Weight& weight) {
    const TensorInfo& info = file_->find(weight);
    Tensor rows = in_place(info, weight);
    switch (weight.role) {
      case Role::gain:
      case Role::bias:
        *weight.tensor = widened(rows, info);
        if (weight.less_one && !file_->gguf()) *weight.tensor = plus(*weight.tensor, 1);
        return;
      case Role::embedding:
        *weight.tensor = rows;
        return;
      case Role::linear:
      case Role::head:
        *weight.tensor = prepared(rows, info, weight.role == Role::head && file_->config().tied);
        return;
    }
  }

 private:
  // The rows as they lie in the file, or a copy where they lie in another order or unaligned.
  Tensor in_place(const TensorInfo& info, const Weight& weight) {
    const Format& f = *info.format;
    const bool turn = file_->gguf() && weight.rotary_heads > 0;
    const auto address = reinterpret_cast<std::uintptr_t>(info.data.data());
    if (!turn && address % 4 == 0)
      return Tensor::borrowed(ConstView(info.data.data(), f.type, weight.shape), file_);
    const std::shared_ptr<std::byte> copy = memory_.take(info.data.size());
    const std::int64_t rows = weight.shape.rank() == 1 ? weight.shape[0] : weight.shape.rows();
    const auto bytes = static_cast<std::int64_t>(info.data.size());
    if (turn)
      copy_rotary_rows(info.data.data(), copy.get(), rows, bytes / rows, weight.rotary_heads, true);
    else
      std::memcpy(copy.get(), info.data.data(), info.data.size());
    file_->tensors().release(info);
    return Tensor::borrowed(ConstView(copy.get(), f.type, weight.shape), copy);
  }

  Tensor widened(const Tensor& rows, const TensorInfo& info) {
    if (rows.type() == Type::f32) return rows;
    const Format& f = format(rows.type());
    if (rows.shape().count() % f.block != 0)
      throw Error("its width does not fit the type " + info.type_name)
          .in(info.file)
          .field(info.name)
          .at(info.offset);
    Tensor wide = Tensor::zeros(rows.shape());
    f.decode(rows.view().data, wide.f32(), rows.shape().count());
    return wide;
  }

  Tensor prepared(const Tensor& rows, const TensorInfo& info, bool keep_pages) {
    const bool quantised = rows.type() == Type::q8_0;
    if (arithmetic_ == Arithmetic::f32) return quantised ? widened(rows, info) : rows;
    if (arithmetic_ == Arithmetic::exact && !quantised) return rows;
    auto packed = std::make_shared<Packed>();
    if (arithmetic_ == Arithmetic::exact) {
      packed->q8 = PackedQ8(exec_, rows.view(), memory_);
    } else {
      packed->bf16 = PackedB(rows.dim(1), rows.dim(0));
      packed->bf16.pack(exec_, rows.view(), true);
    }
    // The shape stays, the rows are never read again: what they were is in the packed form.
    Tensor t = Tensor::borrowed(ConstView(rows.view()), file_);
    t.set_packed(std::move(packed));
    if (!keep_pages) file_->tensors().release(info);
    return t;
  }

  std::shared_ptr<const ModelFile> file_;
  Arithmetic arithmetic_;
  const Exec& exec_;
  MemoryBlocks memory_;
};

// Tensors that carry no weight of their own: derived, or buffers of the makers' code.
bool harmless(std::string_view name) {
  return name == "rope_freqs.weight" || name.ends_with(".rotary_emb.inv_freq") ||
         name.ends_with("attn_rot_embd.weight");
}

}  // namespace

void refuse_unknown(const ModelFile& file, std::span<const Weight> weights) {
  std::set<std::string_view> known;
  for (const Weight& w : weights)
    if (const TensorInfo* info = file.locate(w)) known.insert(info->name);
  const auto ignored = [&](std::string_view name) {
    if (file.gguf()) return false;
    return std::ranges::any_of(file.family().ignored,
                               [&](std::string_view part) { return name.starts_with(part); });
  };
  for (const TensorInfo& t : file.tensors().tensors()) {
    if (known.contains(t.name) || harmless(t.name) || ignored(t.name)) continue;
    if (file.config().tied && t.name.ends_with("lm_head.weight"))
      continue;  // a copy of the embedding
    throw Error("this architecture has no such tensor; the file is of another kind than it says")
        .in(t.file)
        .field(t.name)
        .at(t.offset);
  }
}

std::unique_ptr<Model> load_model(std::shared_ptr<const ModelFile> file, Arithmetic arithmetic,
                                  const Exec& exec) {
  std::unique_ptr<Model> model = file->family().make(file->config());
  const std::vector<Weight> weights = model->weights();
  refuse_unknown(*file, weights);
  Loader loader(file, arithmetic, exec);
  for (const Weight& weight : weights) loader.load(weight);
  return model;
}

}  // namespace bantam
