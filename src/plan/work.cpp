#include "plan/work.h"

#include <algorithm>

#include "blocks/format.h"
#include "kernels/detect.h"
#include "models/stored.h"
#include "tensor/held_form.h"

namespace bantam::plan {

double TokenWork::prompt_operations(std::int64_t tokens) const {
  return 2 * (static_cast<double>(body) * static_cast<double>(tokens) + static_cast<double>(head));
}

std::int64_t held_bytes(const WeightSpec& weight, Type type, Arithmetic arithmetic) {
  if (weight.role == Role::gain || weight.role == Role::bias)
    return byte_size(Type::f32, weight.shape);
  return tensor::held_bytes(weight.shape, type, arithmetic);
}

TokenWork token_work(const Config& config, Arithmetic arithmetic,
                     const std::function<Type(const WeightSpec&)>& type) {
  TokenWork work;
  const std::unique_ptr<Model> model = family_by_gguf(config.family, "").make(config);
  for (const WeightSpec& weight : model->weights()) {
    if (weight.role == Role::embedding || weight.role == Role::positions) continue;  // one row
    if (weight.role == Role::linear) work.body += weight.shape.count();
    if (weight.role == Role::head) work.head += weight.shape.count();
    work.weight_bytes += held_bytes(weight, type(weight), arithmetic);
  }
  return work;
}

TokenWork token_work(const ModelFile& file, Arithmetic arithmetic) {
  return token_work(file.config(), arithmetic,
                    [&](const WeightSpec& weight) { return stored_type(file, weight); });
}

std::int64_t cache_bytes_read(const CacheShape& shape, std::int64_t depth) {
  std::int64_t bytes = 0;
  for (const CacheShape::Layer& layer : shape.layers) {
    const std::int64_t seen = layer.window > 0 ? std::min(layer.window, depth + 1) : depth + 1;
    bytes += 2 * seen * layer.kv_heads * format(shape.type).bytes(layer.head_dim);
  }
  return bytes;
}

Unit unit_of(Arithmetic arithmetic, Isa isa) {
  const Features& f = cpu_features();
  switch (arithmetic) {
    case Arithmetic::f32:
      break;
    case Arithmetic::int8:
    case Arithmetic::faithful:
      return isa == Isa::amx && f.amx_int8 ? Unit::tile_int8 : Unit::bytes;
    case Arithmetic::bf16:
      return isa == Isa::amx && f.amx_bf16 ? Unit::tile_bf16 : Unit::fma;
  }
  return Unit::fma;
}

}  // namespace bantam::plan
