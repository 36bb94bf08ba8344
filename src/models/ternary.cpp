#include "models/ternary.h"

#include <array>
#include <cmath>

#include "base/error.h"
#include "blocks/format.h"

namespace bantam::models {

namespace {

// What each 1 stands for.
float scale_of(const ModelFile& file, const TensorInfo& packed) {
  const TensorInfo& info = file.tensors().need(packed.name + "_scale");
  float scale = 0;
  if (!info.format || info.format->block != 1 || info.shape.count() != 1)
    throw Error("one number was expected, not " + info.shape.text() + " of " + info.type_name)
        .in(info.file)
        .field(info.name);
  info.format->decode(info.data.data(), &scale, 1);
  if (file.config().ternary == Ternary::divided) scale = 1 / scale;
  if (!(scale > 0) || !std::isfinite(scale))
    throw Error("a positive number was expected").in(info.file).field(info.name).at(info.offset);
  return scale;
}

}  // namespace

bool is_packed_ternary(const ModelFile& file, const WeightSpec& weight) {
  if (file.config().ternary == Ternary::none || weight.role != Role::linear) return false;
  const TensorInfo* info = file.locate(weight);
  return info && info->type_name == "U8";
}

Type ternary_type(const ModelFile& file, const WeightSpec& weight) {
  const float scale = scale_of(file, *file.locate(weight));
  for (const Type type : {Type::bf16, Type::f16}) {
    std::array<std::byte, 4> bytes{};
    float back = 0;
    format(type).encode(&scale, bytes.data(), 1);
    format(type).decode(bytes.data(), &back, 1);
    if (back == scale) return type;
  }
  return Type::f32;
}

Tensor unpack_ternary(const ModelFile& file, const WeightSpec& weight) {
  const TensorInfo& info = *file.locate(weight);
  const std::int64_t n = weight.shape[0], k = weight.shape[1], quarter = n / 4;
  if (n % 4 != 0 || info.shape != Shape{quarter, k})
    throw Error("a shape of " + Shape{quarter, k}.text() +
                " was expected, four outputs to a byte, not " + info.shape.text())
        .in(info.file)
        .field(info.name)
        .at(info.offset);
  const float scale = scale_of(file, info);
  const Format& to = format(ternary_type(file, weight));
  Tensor out = Tensor::zeros(weight.shape, to.type);
  std::vector<float> row(static_cast<std::size_t>(k));
  for (std::int64_t r = 0; r < n; ++r) {
    const std::byte* bytes = info.data.data() + r % quarter * k;
    const auto shift = static_cast<int>(2 * (r / quarter));
    for (std::int64_t i = 0; i < k; ++i) {
      const int code = (std::to_integer<int>(bytes[i]) >> shift) & 3;
      if (code == 3)
        throw Error("a number that is none of -1, 0 and 1")
            .in(info.file)
            .field(info.name)
            .at(info.offset + static_cast<std::uint64_t>(r % quarter * k + i));
      row[static_cast<std::size_t>(i)] = static_cast<float>(code - 1) * scale;
    }
    to.encode(row.data(), out.view().data + to.bytes(r * k), k);
  }
  file.tensors().release(info);
  return out;
}

}  // namespace bantam::models
