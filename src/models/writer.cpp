#include "models/writer.h"

#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "blocks/format.h"
#include "files/safetensors_writer.h"
#include "models/keys.h"
#include "models/loader.h"

namespace bantam {

Type gguf_weight_type(const Weight& weight, Type wanted) {
  if (weight.shape.rank() < 2) return Type::f32;
  return weight.shape.back() % format(wanted).block == 0 ? wanted : Type::f16;
}

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
    to.encode(piece.data(), out.view().data + to.bytes(i), n);
  }
  return out;
}

Tensor plus(const Tensor& vector, float number) {
  const std::int64_t count = vector.shape().count();
  Tensor sum = Tensor::zeros(vector.shape());
  format(vector.type()).decode(vector.view().data, sum.f32(), count);
  for (std::int64_t i = 0; i < count; ++i) sum.f32()[i] += number;
  return sum;
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

// Each weight once, under the name that `name` gives.
std::vector<Weight> distinct(Model& model, std::string Weight::*name) {
  std::vector<Weight> out;
  std::set<std::string> seen;
  for (Weight& w : model.weights())
    if (seen.insert(w.*name).second) out.push_back(std::move(w));
  return out;
}

std::uint32_t file_type(Type type) {
  // general.file_type: llama_ftype in include/llama.h (ggml-org/llama.cpp).
  switch (type) {
    case Type::f16:
      return 1;
    case Type::q8_0:
      return 7;
    case Type::bf16:
      return 32;
    default:
      return 0;
  }
}

}  // namespace

void write_gguf(Model& model, const Family& family, GgufWriter& writer, const WeightRows& rows,
                const WeightType& type) {
  const Config& config = model.config();
  family.to_gguf(config, writer);
  const std::vector<Weight> weights = distinct(model, &Weight::gguf);
  Type most = Type::f32;
  for (const Weight& w : weights)
    if (w.role == Role::linear) most = type(w);
  writer.set("general.file_type", file_type(most));
  const std::vector<float>& divisors = config.rope_scaling.divisors;
  if (!divisors.empty())
    writer.add_tensor("rope_freqs.weight", Type::f32, {static_cast<std::int64_t>(divisors.size())});
  for (const Weight& w : weights) writer.add_tensor(w.gguf, type(w), w.shape);
  writer.finish([&](std::size_t index, const PutBytes& put) {
    if (!divisors.empty() && index == 0) return put(std::as_bytes(std::span(divisors)));
    const Weight& w = weights[divisors.empty() ? index : index - 1];
    const Tensor half = converted(rows(w), type(w));
    put(bytes_of(w.rotary_heads > 0 ? interleaved(half, w.rotary_heads) : half));
  });
}

void write_folder(Model& model, const Family& family, const Path& folder, const WeightRows& rows,
                  const WeightType& type, const Json& extra) {
  Json config = family.to_hf(model.config());
  const std::vector<Weight> weights = distinct(model, &Weight::hf);
  Type most = Type::f32;
  for (const Weight& w : weights)
    if (w.role == Role::linear) most = type(w);
  config["torch_dtype"] = most == Type::f16    ? "float16"
                          : most == Type::bf16 ? "bfloat16"
                                               : "float32";
  for (const auto& [key, value] : extra.items()) config[key] = value;
  write_file(folder / "config.json", config.dump(2) + "\n");
  SafetensorsFolderWriter writer(folder);
  for (const Weight& w : weights) writer.add_tensor(w.hf, type(w), w.shape);
  writer.finish([&](std::size_t index, const PutBytes& put) {
    const Weight& w = weights[index];
    const Tensor whole = rows(w);
    put(bytes_of(converted(w.less_one ? plus(whole, -1) : whole, type(w))));
  });
}

}  // namespace bantam
