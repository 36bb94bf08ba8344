#include "models/writer.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "blocks/format.h"
#include "files/safetensors_writer.h"
#include "models/keys.h"
#include "models/stored.h"

namespace bantam::models {

Type gguf_weight_type(const WeightSpec& weight, Type wanted) {
  if (weight.shape.rank() < 2 || weight.role == Role::positions) return Type::f32;
  return weight.shape.back() % format(wanted).block == 0 ? wanted : Type::f16;
}

namespace {

// A block would make a number of what is none.
void require_finite(std::span<const float> numbers) {
  if (!std::ranges::all_of(numbers, [](float x) { return std::isfinite(x); }))
    throw Error("it holds what is no finite number; bantam info --verify says where");
}

}  // namespace

Tensor converted(const Tensor& rows, Type type) {
  if (rows.type() == type) return rows;
  const Format& from = format(rows.type());
  const Format& to = format(type);
  const std::int64_t count = rows.shape().count();
  if (!to.encode || count % from.block != 0 || rows.shape().back() % to.block != 0)
    throw Error("a tensor of " + rows.shape().text() + " cannot be written as " +
                std::string(to.name));
  Tensor out = Tensor::zeros(rows.shape(), type);
  // Piece by piece: a whole tensor in f32 would be four times the memory. 8,192 elements are whole
  // blocks of every type.
  constexpr std::int64_t kPiece = 8192;
  std::vector<float> piece(static_cast<std::size_t>(std::min(count, kPiece)));
  for (std::int64_t i = 0; i < count; i += kPiece) {
    const std::int64_t n = std::min(kPiece, count - i);
    from.decode(rows.view().data + from.bytes(i), piece.data(), n);
    if (to.quantised) require_finite(std::span(piece).first(static_cast<std::size_t>(n)));
    to.encode(piece.data(), out.view().data + to.bytes(i), n);
  }
  return out;
}

namespace {

std::span<const std::byte> bytes_of(const Tensor& t) {
  return {t.view().data, static_cast<std::size_t>(byte_size(t.type(), t.shape()))};
}

Tensor interleaved(const Tensor& rows, std::int64_t heads) {
  Tensor out = Tensor::zeros(rows.shape(), rows.type());
  const std::int64_t count = rows.shape().rank() == 1 ? rows.dim(0) : rows.rows();
  copy_rotary_rows(rows.view().data, out.view().data, count,
                   byte_size(rows.type(), rows.shape()) / count, heads, false);
  return out;
}

// A tensor as a file has it: the weights that are its parts, in the order of their rows.
struct Stored {
  std::string name;
  Shape shape;
  std::vector<WeightSpec> parts;
};

// Each once: a tied head is the embedding.
std::vector<Stored> stored(Model& model, bool gguf) {
  std::vector<Stored> all;
  std::map<std::string, std::size_t> places;
  for (WeightSpec& w : model.weights()) {
    const std::string& name = gguf ? w.gguf : w.hf;
    const auto [at, fresh] = places.emplace(name, all.size());
    if (fresh) all.push_back({name, gguf ? shape_in_gguf(w) : shape_in_folder(w), {}});
    Stored& to = all[at->second];
    const auto first = [&](const WeightSpec& one) {
      return gguf ? one.gguf_part.first : one.hf_part.first;
    };
    if (fresh || first(w) > first(to.parts.back())) to.parts.push_back(std::move(w));
  }
  return all;
}

// Of all its parts.
Type type_of(const Stored& tensor, const WeightType& type) {
  const Type first = type(tensor.parts.front());
  for (const WeightSpec& w : tensor.parts)
    if (type(w) != first) return Type::f32;
  return first;
}

Type type_of_linears(const std::vector<Stored>& tensors, const WeightType& type) {
  Type most = Type::f32;
  for (const Stored& t : tensors)
    for (const WeightSpec& w : t.parts)
      if (w.role == Role::linear) most = type(w);
  return most;
}

}  // namespace

namespace {

// Runs of rows of a matrix that take about 16 MiB as floats.
std::vector<Tensor> row_runs(const Tensor& rows) {
  constexpr std::int64_t kRun = 4 << 20;
  const std::int64_t columns = rows.shape().back(), count = rows.shape().rows();
  const std::int64_t each = std::max<std::int64_t>(1, kRun / std::max<std::int64_t>(1, columns));
  if (rows.shape().rank() != 2 || count <= each) return {rows};
  std::vector<Tensor> runs;
  for (std::int64_t first = 0; first < count; first += each) {
    const std::byte* data = rows.view().data + format(rows.type()).bytes(first * columns);
    runs.push_back(Tensor::borrowed(
        ConstView(data, rows.type(), {std::min(each, count - first), columns}), nullptr));
  }
  return runs;
}

void put_weight(const WeightSpec& w, const Tensor& rows, Type type, const EncodeRows& encode,
                const PutBytes& put) {
  if (w.rotary_heads > 0) return put(bytes_of(interleaved(encode(w, rows, type), w.rotary_heads)));
  for (const Tensor& run : row_runs(rows)) put(bytes_of(encode(w, run, type)));
}

}  // namespace

void write_gguf(Model& model, const Family& family, GgufWriter& writer, const WeightRows& rows,
                const WeightType& type, const GgufOptions& options) {
  const Config& config = model.config();
  family.to_gguf(config, writer);
  const std::vector<Stored> tensors = stored(model, true);
  writer.set("general.file_type",
             options.file_type.value_or(format(type_of_linears(tensors, type)).file_type));
  const auto divisors = rope_tensors(config);
  for (const auto& [name, values] : divisors)
    writer.add_tensor(name, Type::f32, {static_cast<std::int64_t>(values.size())});
  for (const Stored& t : tensors) writer.add_tensor(t.name, type_of(t, type), t.shape);
  const EncodeRows encode =
      options.encode ? options.encode
                     : [](const WeightSpec&, const Tensor& r, Type to) { return converted(r, to); };
  writer.finish([&](std::size_t index, const PutBytes& put) {
    if (index < divisors.size()) return put(std::as_bytes(divisors[index].second));
    const Stored& tensor = tensors[index - divisors.size()];
    try {
      const Type to = type_of(tensor, type);
      for (const WeightSpec& w : tensor.parts) put_weight(w, rows(w), to, encode, put);
    } catch (Error& error) {
      throw error.field(tensor.name);
    }
  });
}

namespace {

// The tensor of a folder: its parts one after another, turned where folders keep it so.
Tensor assembled(const Stored& stored, const WeightRows& rows, Type type) {
  const auto one = [&](const WeightSpec& w) {
    const Tensor whole = rows(w);
    return converted(w.less_one ? plus(whole, -1) : whole, type);
  };
  const WeightSpec& first = stored.parts.front();
  if (stored.parts.size() == 1 && !first.transposed) return one(first);
  const Shape shape = first.transposed ? Shape{stored.shape[1], stored.shape[0]} : stored.shape;
  Tensor all = Tensor::zeros(shape, type);
  std::int64_t at = 0;
  for (const WeightSpec& w : stored.parts) {
    const Tensor part = one(w);
    std::memcpy(all.view().data + at, part.view().data, bytes_of(part).size());
    at += static_cast<std::int64_t>(bytes_of(part).size());
  }
  return first.transposed ? transpose(all) : all;
}

}  // namespace

void write_folder(Model& model, const Family& family, const Path& folder, const WeightRows& rows,
                  const WeightType& type, const Json& extra) {
  Json config = family.to_hf(model.config());
  const std::vector<Stored> tensors = stored(model, false);
  const Type most = type_of_linears(tensors, type);
  config["torch_dtype"] = most == Type::f16    ? "float16"
                          : most == Type::bf16 ? "bfloat16"
                                               : "float32";
  // Without it some classes of transformers take a number of their own, which a small vocabulary does
  // not have (Phi3Config: 32000; SmolLM3Config: 128004).
  config["pad_token_id"] = nullptr;
  for (const auto& [key, value] : extra.items()) config[key] = value;
  write_file(folder / "config.json", config.dump(2) + "\n");
  SafetensorsFolderWriter writer(folder);
  for (const Stored& t : tensors) writer.add_tensor(t.name, type_of(t, type), t.shape);
  writer.finish([&](std::size_t index, const PutBytes& put) {
    const Stored& t = tensors[index];
    put(bytes_of(assembled(t, rows, type_of(t, type))));
  });
}

}  // namespace bantam::models
