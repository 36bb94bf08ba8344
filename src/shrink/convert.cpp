#include "shrink/convert.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "blocks/format.h"
#include "models/stored.h"

namespace bantam {

Conversion::Conversion(std::shared_ptr<const ModelFile> file, std::optional<Type> type,
                       std::function<void()> tick)
    : file_(std::move(file)),
      type_(type),
      tick_(std::move(tick)),
      model_(file_->family().make(file_->config())) {
  const std::vector<WeightSpec> weights = model_->weights();
  for (const WeightSpec& w : weights) {
    const Type stored = stored_type(*file_, w);
    if (w.role == Role::linear) matrices_ = stored;
  }
  refuse_unknown(*file_, weights);
}

Tensor Conversion::rows(const WeightSpec& weight) {
  if (tick_) tick_();
  const TensorInfo& info = file_->find(weight);
  // The tensor before this one has been written.
  if (previous_ != nullptr && previous_ != &info) file_->tensors().release(*previous_);
  previous_ = &info;
  return stored_rows(file_, weight);
}

void Conversion::count(const WeightSpec& weight, Type type, const std::string& name,
                       const Shape& shape) {
  if (!counted_.try_emplace(name, type, byte_size(type, shape)).second) return;
  if (type_ && weight.shape.rank() > 1 && weight.shape.back() % format(*type_).block != 0)
    not_divisible_.push_back(name);
}

Type Conversion::gguf_type(const WeightSpec& weight) {
  const Type type = gguf_weight_type(weight, type_.value_or(stored_type(*file_, weight)));
  count(weight, type, weight.gguf, shape_in_gguf(weight));
  return type;
}

// Whether every number of the tensor, as a folder keeps it, survives in `type`.
bool Conversion::exact_in(const WeightSpec& weight, Type type) {
  Tensor kept = stored_rows(file_, weight);
  if (weight.less_one) kept = plus(kept, -1);
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

Type Conversion::folder_type(const WeightSpec& weight) {
  const bool vector = weight.shape.rank() < 2;
  Type type = type_.value_or(vector ? matrices_ : stored_type(*file_, weight));
  if (format(type).quantised) type = Type::f16;
  if (vector && !exact_in(weight, type)) type = Type::f32;
  count(weight, type, weight.hf, shape_in_folder(weight));
  return type;
}

void Conversion::write_gguf(GgufWriter& writer) {
  // Of the layout of block types; ggml.h (ggml-org/llama.cpp), GGML_QNT_VERSION.
  if (type_ && format(*type_).quantised)
    writer.set("general.quantization_version", std::uint32_t{2});
  bantam::write_gguf(
      *model_, file_->family(), writer, [this](const WeightSpec& w) { return rows(w); },
      [this](const WeightSpec& w) { return gguf_type(w); });
}

void Conversion::write_folder(const Path& folder, const Json& extra) {
  bantam::write_folder(
      *model_, file_->family(), folder, [this](const WeightSpec& w) { return rows(w); },
      [this](const WeightSpec& w) { return folder_type(w); }, extra);
}

std::vector<Conversion::Weights> Conversion::written() const {
  std::vector<Weights> out;
  for (const Format& f : formats()) {
    Weights of_type{upper_name(f), 0, 0};
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
