#include "nn/cache.h"

#include <cstring>

#include "base/error.h"
#include "blocks/format.h"

namespace bantam {

std::int64_t CacheShape::bytes() const {
  std::int64_t total = 0;
  for (const Layer& layer : layers)
    total += 2 * format(type).bytes(slots * context * layer.kv_heads * layer.head_dim);
  return total;
}

Cache::Cache(CacheShape shape) : shape_(std::move(shape)) {
  try {
    for (const CacheShape::Layer& layer : shape_.layers) {
      const Shape size{shape_.slots, layer.kv_heads, shape_.context, layer.head_dim};
      k_.push_back(Tensor::zeros(size, shape_.type));
      v_.push_back(Tensor::zeros(size, shape_.type));
    }
  } catch (const std::bad_alloc&) {
    throw Error("a cache of " + std::to_string(shape_.context) + " positions needs " +
                std::to_string(shape_.bytes() >> 20) +
                " MiB, which the system does not have; say " + "--ctx with less");
  }
}

std::int64_t Cache::row(int layer, std::int64_t slot, std::int64_t position) const {
  const CacheShape::Layer& l = shape_.layers[static_cast<std::size_t>(layer)];
  return slot * l.kv_heads * shape_.context + position;
}

KeyValues Cache::view(int layer) const {
  const auto i = static_cast<std::size_t>(layer);
  const std::int64_t width = shape_.layers[i].head_dim;
  return {k_[i].view().data, v_[i].view().data, shape_.type, width, shape_.context * width};
}

void Cache::append(Context& ctx, int layer, const Batch& batch, const Tensor& k, const Tensor& v) {
  const auto i = static_cast<std::size_t>(layer);
  const std::int64_t heads = shape_.layers[i].kv_heads, width = shape_.layers[i].head_dim;
  const std::int64_t head_bytes = format(k.type()).bytes(width);
  const std::int64_t out_bytes = format(shape_.type).bytes(width);
  const auto put = [&](const Tensor& from, const Tensor& to, std::int64_t t) {
    const auto r = static_cast<std::size_t>(t);
    const std::int64_t first = row(layer, batch.sequences[r], batch.positions[r]);
    // The heads of a row are rows of their own here: contiguous on one side, a context apart on the
    // other.
    const std::byte* source = from.view().data + t * heads * head_bytes;
    std::byte* target = to.view().data + first * out_bytes;
    ctx.kernels().convert(
        {ConstView(source, from.type(), {heads, width}),
         {View(target, shape_.type, {heads, width}, shape_.context * width), false}},
        0, heads);
  };
  const std::int64_t rows = batch.rows();
  const auto range = [&](std::int64_t begin, std::int64_t end, unsigned) {
    for (std::int64_t t = begin; t < end; ++t) {
      put(k, k_[i], t);
      put(v, v_[i], t);
    }
  };
  if (rows * heads * width < 16384)
    range(0, rows, 0);
  else
    ctx.exec.pool.parallel_ranges(rows, 1, range);
}

void Cache::copy(std::int64_t from, std::int64_t to, std::int64_t length) {
  for (std::size_t i = 0; i < shape_.layers.size(); ++i) {
    const CacheShape::Layer& l = shape_.layers[i];
    const std::int64_t position_bytes = format(shape_.type).bytes(l.head_dim);
    const std::int64_t head_bytes = position_bytes * shape_.context;
    for (const Tensor* t : {&k_[i], &v_[i]})
      for (std::int64_t h = 0; h < l.kv_heads; ++h)
        std::memcpy(t->view().data + (to * l.kv_heads + h) * head_bytes,
                    t->view().data + (from * l.kv_heads + h) * head_bytes,
                    static_cast<std::size_t>(length * position_bytes));
  }
}

}  // namespace bantam
