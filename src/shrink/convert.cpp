#include "shrink/convert.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "blocks/format.h"
#include "models/stored.h"

namespace bantam::shrink {

Conversion::Conversion(std::shared_ptr<const ModelFile> file, TypePlan plan,
                       ConversionOptions options)
    : file_(std::move(file)),
      plan_(std::move(plan)),
      options_(std::move(options)),
      model_(file_->family().make(file_->config())) {
  const std::vector<WeightSpec> weights = model_->weights();
  for (const WeightSpec& w : weights) {
    const Type stored = stored_type(*file_, w);
    if (w.role == Role::linear) matrices_ = stored;
  }
  refuse_unknown(*file_, weights);
  plan_.apply(file_->config(), weights);
}

Tensor Conversion::rows(const WeightSpec& weight) {
  if (options_.tick) options_.tick();
  const TensorInfo& info = file_->find(weight);
  // The tensor before this one has been written.
  if (previous_ != nullptr && previous_ != &info) file_->tensors().release(*previous_);
  previous_ = &info;
  return stored_rows(file_, weight);
}

void Conversion::count(const std::string& name, Type type, const Shape& shape) {
  counted_.try_emplace(name, type, byte_size(type, shape));
}

Type Conversion::gguf_type(const WeightSpec& weight) {
  const Type wanted = plan_.type_of(weight.gguf).value_or(stored_type(*file_, weight));
  const Type type = gguf_weight_type(weight, wanted);
  count(weight.gguf, type, shape_in_gguf(weight));
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
  Type type = plan_.uniform_type().value_or(vector ? matrices_ : stored_type(*file_, weight));
  if (format(type).quantised) type = Type::f16;
  if (vector && !exact_in(weight, type)) type = Type::f32;
  count(weight.hf, type, shape_in_folder(weight));
  return type;
}

namespace {

// One row after another, so that the importance of a row's inputs lies beside it.
struct RowCoder {
  const Format& from;
  const Format& to;
  std::int64_t columns;
  std::span<const float> importance;

  struct Sums {
    double difference = 0, size = 0;
  };

  Sums code(const std::byte* in, std::byte* out, std::vector<float>& values) const {
    values.resize(static_cast<std::size_t>(2 * columns));
    float *x = values.data(), *back = x + columns;
    from.decode(in, x, columns);
    if (to.quantised && !std::all_of(x, x + columns, [](float v) { return std::isfinite(v); }))
      throw Error("it holds what is no finite number; bantam info --verify says where");
    if (!importance.empty() && to.encode_weighted != nullptr)
      to.encode_weighted(x, importance.data(), out, columns);
    else
      to.encode(x, out, columns);
    to.decode(out, back, columns);
    Sums sums;
    for (std::int64_t i = 0; i < columns; ++i) {
      const double e = static_cast<double>(back[i]) - static_cast<double>(x[i]);
      sums.difference += e * e;
      sums.size += static_cast<double>(x[i]) * static_cast<double>(x[i]);
    }
    return sums;
  }
};

}  // namespace

Tensor Conversion::encoded(const WeightSpec& weight, const Tensor& rows, Type type) {
  if (rows.type() == type) return rows;
  const std::int64_t columns = rows.shape().back(), count = rows.shape().rows();
  const Format &from = format(rows.type()), &to = format(type);
  if (rows.shape().rank() != 2 || columns % from.block != 0) return converted(rows, type);
  std::vector<float> importance;
  if (options_.importance != nullptr)
    importance = options_.importance->weights(weight.gguf, columns);
  const RowCoder coder{from, to, columns, importance};
  Tensor out = Tensor::zeros(rows.shape(), type);
  std::vector<RowCoder::Sums> sums(static_cast<std::size_t>(count));
  const unsigned workers = options_.pool != nullptr ? options_.pool->size() : 1;
  std::vector<std::vector<float>> values(workers);
  const auto code = [&](std::int64_t row, unsigned worker) {
    sums[static_cast<std::size_t>(row)] =
        coder.code(rows.view().data + from.bytes(row * columns),
                   out.view().data + to.bytes(row * columns), values[worker]);
  };
  if (options_.pool != nullptr) {
    options_.pool->parallel_for(count, code);
  } else {
    for (std::int64_t row = 0; row < count; ++row) code(row, 0);
  }
  Change& change = changes_.try_emplace(weight.gguf, Change{rows.type(), type}).first->second;
  for (const RowCoder::Sums& s : sums) {
    change.difference += s.difference;
    change.size += s.size;
  }
  // Two bits can say a fourth number, which no writer of ternary blocks does.
  if (same_numbers(rows.type(), type) && change.difference > 0)
    throw Error("a number that is none of -1, 0 and 1 times its block's scale");
  return out;
}

void Conversion::write_gguf(GgufWriter& writer) {
  // Of the layout of block types; ggml.h (ggml-org/llama.cpp), GGML_QNT_VERSION.
  if (plan_.quantises()) writer.set("general.quantization_version", std::uint32_t{2});
  bantam::write_gguf(
      *model_, file_->family(), writer, [this](const WeightSpec& w) { return rows(w); },
      [this](const WeightSpec& w) { return gguf_type(w); },
      {[this](const WeightSpec& w, const Tensor& r, Type type) { return encoded(w, r, type); },
       plan_.file_type()});
}

void Conversion::write_folder(const Path& folder, const Json& extra) {
  bantam::write_folder(
      *model_, file_->family(), folder, [this](const WeightSpec& w) { return rows(w); },
      [this](const WeightSpec& w) { return folder_type(w); }, extra);
}

std::vector<std::string> Conversion::left_out() const {
  std::vector<std::string> names;
  for (const TensorInfo& t : file_->tensors().tensors())
    if (file_->folder() && models::is_of_other_part(t.name)) names.push_back(t.name);
  return names;
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

double Conversion::Change::relative() const { return size > 0 ? std::sqrt(difference / size) : 0; }

bool same_numbers(Type a, Type b) {
  const auto ternary = [](Type t) { return t == Type::tq1_0 || t == Type::tq2_0; };
  return a == b || (ternary(a) && ternary(b));
}

std::vector<Type> quantised_types(const ModelFile& file) {
  std::vector<Type> types;
  const auto model = file.family().make(file.config());
  for (const WeightSpec& w : model->weights()) {
    const Type type = stored_type(file, w);
    if (format(type).quantised && std::ranges::find(types, type) == types.end())
      types.push_back(type);
  }
  return types;
}

}  // namespace bantam::shrink
