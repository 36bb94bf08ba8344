#include "shrink/convert.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "blocks/format.h"

namespace bantam {

Conversion::Conversion(std::shared_ptr<const ModelFile> file, std::optional<Type> type,
                       std::function<void()> tick)
    : file_(std::move(file)),
      type_(type),
      tick_(std::move(tick)),
      model_(file_->family().make(file_->config())) {
  const std::vector<Weight> weights = model_->weights();
  for (const Weight& w : weights) {
    const TensorInfo& info = file_->find(w);
    if (w.role == Role::linear) matrices_ = info.format->type;
  }
  refuse_unknown(*file_, weights);
}

// The weight as it lies in the file, or turned to the half layout.
Tensor Conversion::rows(const Weight& weight) {
  if (tick_) tick_();
  const TensorInfo& info = file_->find(weight);
  // The tensor before this one has been written.
  if (previous_ != nullptr && previous_ != &info) file_->tensors().release(*previous_);
  previous_ = &info;
  const Tensor stored =
      Tensor::borrowed(ConstView(info.data.data(), info.format->type, weight.shape), file_);
  if (!file_->gguf()) return weight.less_one ? plus(stored, 1) : stored;
  if (weight.rotary_heads == 0) return stored;
  Tensor half = Tensor::zeros(weight.shape, info.format->type);
  const std::int64_t count = weight.shape.rank() == 1 ? weight.shape[0] : weight.shape.rows();
  copy_rotary_rows(info.data.data(), half.view().data, count,
                   static_cast<std::int64_t>(info.data.size()) / count, weight.rotary_heads, true);
  return half;
}

void Conversion::count(const Weight& weight, Type type, const std::string& name) {
  if (!counted_.try_emplace(name, type, byte_size(type, weight.shape)).second) return;
  if (type_ && weight.shape.rank() > 1 && weight.shape.back() % format(*type_).block != 0)
    not_divisible_.push_back(name);
}

Type Conversion::gguf_type(const Weight& weight) {
  const Type type = gguf_weight_type(weight, type_.value_or(file_->find(weight).format->type));
  count(weight, type, weight.gguf);
  return type;
}

// Whether every number of the tensor, as a folder keeps it, survives in `type`.
bool Conversion::exact_in(const Weight& weight, Type type) {
  const TensorInfo& info = file_->find(weight);
  Tensor kept =
      Tensor::borrowed(ConstView(info.data.data(), info.format->type, weight.shape), file_);
  if (weight.less_one) kept = plus(file_->gguf() ? kept : plus(kept, 1), -1);
  const Format& from = format(kept.type());
  const Format& to = format(type);
  const std::int64_t n = weight.shape.count();
  if (!to.encode || n % from.block != 0 || n % to.block != 0) return false;
  std::vector<float> values(static_cast<std::size_t>(n)), back(values.size());
  std::vector<std::byte> bytes(static_cast<std::size_t>(to.bytes(n)));
  from.decode(kept.view().data, values.data(), n);
  to.encode(values.data(), bytes.data(), n);
  to.decode(bytes.data(), back.data(), n);
  return std::memcmp(values.data(), back.data(), values.size() * sizeof(float)) == 0;
}

Type Conversion::folder_type(const Weight& weight) {
  const bool vector = weight.shape.rank() < 2;
  Type type = type_.value_or(vector ? matrices_ : file_->find(weight).format->type);
  if (format(type).quantised) type = Type::f16;
  if (vector && !exact_in(weight, type)) type = Type::f32;
  count(weight, type, weight.hf);
  return type;
}

void Conversion::write_gguf(GgufWriter& writer) {
  // Of the layout of block types; ggml.h (ggml-org/llama.cpp), GGML_QNT_VERSION.
  if (type_ && format(*type_).quantised)
    writer.set("general.quantization_version", std::uint32_t{2});
  bantam::write_gguf(
      *model_, file_->family(), writer, [this](const Weight& w) { return rows(w); },
      [this](const Weight& w) { return gguf_type(w); });
}

void Conversion::write_folder(const Path& folder, const Json& extra) {
  bantam::write_folder(
      *model_, file_->family(), folder, [this](const Weight& w) { return rows(w); },
      [this](const Weight& w) { return folder_type(w); }, extra);
}

std::vector<Conversion::Weights> Conversion::written() const {
  std::vector<Weights> out;
  for (const Format& f : formats()) {
    Weights of_type{std::string(f.name), 0, 0};
    for (char& c : of_type.type) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    for (const auto& [name, what] : counted_) {
      if (what.first != f.type) continue;
      ++of_type.tensors;
      of_type.bytes += what.second;
    }
    if (of_type.tensors > 0) out.push_back(of_type);
  }
  std::ranges::stable_sort(out,
                           [](const Weights& a, const Weights& b) { return a.bytes > b.bytes; });
  return out;
}

}  // namespace bantam
