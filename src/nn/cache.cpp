#include "nn/cache.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/machine.h"
#include "blocks/format.h"

namespace bantam::nn {

namespace {

// Positions before a window that stay where there is room, so that a few tokens can be taken back
// right after it has moved: a draft's guesses that did not come true.
constexpr std::int64_t kTakenBack = 16;

}  // namespace

// Twice the window or more, so that it seldom has to be moved.
std::int64_t CacheShape::room(const Layer& layer) const {
  if (layer.window == 0 || layer.window >= context) return context;
  return std::min(context, layer.window + std::max(layer.window, chunk));
}

std::int64_t CacheShape::bytes() const {
  std::int64_t total = 0;
  for (const Layer& layer : layers)
    total += 2 * format(type).bytes(slots * room(layer) * layer.kv_heads * layer.head_dim);
  return total;
}

Cache::Cache(CacheShape shape)
    : shape_(std::move(shape)),
      starts_(shape_.layers.size() * static_cast<std::size_t>(shape_.slots)),
      huge_(static_cast<std::size_t>(shape_.slots)) {
  for (const CacheShape::Layer& layer : shape_.layers)
    if (const std::int64_t block = format(shape_.type).block; layer.head_dim % block != 0)
      throw Error("a cache of type " + std::string(format(shape_.type).name) +
                  " wants heads whose width " + std::to_string(block) +
                  " divides; this model's are " + std::to_string(layer.head_dim) +
                  " wide: say --cache f16");
  // Address space is had for the asking, memory is not: one slot at least must fit.
  const auto most = static_cast<std::int64_t>(memory_of_machine().total);
  try {
    if (most > 0 && shape_.bytes() / shape_.slots > most) throw std::bad_alloc();
    for (std::size_t i = 0; i < shape_.layers.size(); ++i) {
      const auto bytes =
          static_cast<std::size_t>(shape_.slots * shape_.layers[i].kv_heads * head_bytes(i));
      k_.emplace_back(bytes);
      v_.emplace_back(bytes);
    }
  } catch (const std::bad_alloc&) {
    throw Error("a cache of " + std::to_string(shape_.context) + " positions needs " +
                std::to_string(shape_.bytes() / shape_.slots >> 20) +
                " MiB, which the system does not have; say " + "--ctx with less");
  }
}

std::int64_t Cache::row_bytes(std::size_t layer) const {
  return format(shape_.type).bytes(shape_.layers[layer].head_dim);
}

std::int64_t Cache::head_bytes(std::size_t layer) const {
  return shape_.room(shape_.layers[layer]) * row_bytes(layer);
}

std::byte* Cache::head(const LazyMemory& memory, std::size_t layer, std::int64_t slot,
                       std::int64_t head) const {
  return memory.data() + (slot * shape_.layers[layer].kv_heads + head) * head_bytes(layer);
}

void Cache::in_huge_pages(std::int64_t slot, bool huge) {
  if (huge_[static_cast<std::size_t>(slot)] == huge) return;
  huge_[static_cast<std::size_t>(slot)] = huge;
  for (std::size_t i = 0; i < shape_.layers.size(); ++i) {
    const std::int64_t bytes = shape_.layers[i].kv_heads * head_bytes(i);
    for (LazyMemory* memory : {&k_[i], &v_[i]})
      memory->in_huge_pages(static_cast<std::size_t>(slot * bytes),
                            static_cast<std::size_t>((slot + 1) * bytes), huge);
  }
}

void Cache::expect(std::int64_t slot, std::int64_t length) {
  if (2 * length >= shape_.context) in_huge_pages(slot, true);
}

void Cache::shrink(std::int64_t slot, std::int64_t length) {
  if (2 * length < shape_.context) in_huge_pages(slot, false);
  for (std::size_t i = 0; i < shape_.layers.size(); ++i) {
    const CacheShape::Layer& l = shape_.layers[i];
    const std::int64_t kept = std::clamp<std::int64_t>(length - start(i, slot), 0, shape_.room(l));
    for (LazyMemory* memory : {&k_[i], &v_[i]})
      for (std::int64_t h = 0; h < l.kv_heads; ++h) {
        const std::int64_t begin = head(*memory, i, slot, h) - memory->data();
        memory->give_back(static_cast<std::size_t>(begin + kept * row_bytes(i)),
                          static_cast<std::size_t>(begin + head_bytes(i)));
      }
  }
}

std::int64_t Cache::row(int layer, std::int64_t slot, std::int64_t position) const {
  const CacheShape::Layer& l = shape_.layers[static_cast<std::size_t>(layer)];
  return slot * l.kv_heads * shape_.room(l) + position -
         start(static_cast<std::size_t>(layer), slot);
}

KeyValues Cache::view(int layer) const {
  const auto i = static_cast<std::size_t>(layer);
  const std::int64_t width = shape_.layers[i].head_dim;
  const std::int64_t head = shape_.room(shape_.layers[i]) * width;
  return {k_[i].data(), v_[i].data(), shape_.type, width, head};
}

namespace {

// Rows of `width` numbers each as blocks, `stride` elements apart.
void encode_rows(const ConstView& from, std::byte* to, Type type, std::int64_t stride) {
  const Format& f = format(type);
  const Format& source = format(from.type);
  const std::int64_t width = from.columns();
  std::vector<float> wide(from.type == Type::f32 ? 0 : static_cast<std::size_t>(width));
  for (std::int64_t row = 0; row < from.rows(); ++row) {
    const std::byte* bytes = from.data + row * source.bytes(width);
    const float* numbers = reinterpret_cast<const float*>(bytes);
    if (!wide.empty()) {
      source.decode(bytes, wide.data(), width);
      numbers = wide.data();
    }
    f.encode(numbers, to + row * f.bytes(stride), width);
  }
}

}  // namespace

void Cache::append(Context& ctx, int layer, const Batch& batch, const Tensor& k, const Tensor& v) {
  const auto i = static_cast<std::size_t>(layer);
  const std::int64_t heads = shape_.layers[i].kv_heads, width = shape_.layers[i].head_dim;
  const std::int64_t head_bytes = format(k.type()).bytes(width);
  const std::int64_t out_bytes = format(shape_.type).bytes(width);
  const std::int64_t room = shape_.room(shape_.layers[i]);
  const auto put = [&](const Tensor& from, const LazyMemory& to, std::int64_t t) {
    const auto r = static_cast<std::size_t>(t);
    const std::int64_t first = row(layer, batch.sequences[r], batch.positions[r]);
    // The heads of a row are rows of their own here: contiguous on one side, a context apart on the
    // other.
    const std::byte* source = from.view().data + t * heads * head_bytes;
    std::byte* target = to.data() + first * out_bytes;
    const ConstView numbers(source, from.type(), {heads, width});
    if (!format(shape_.type).quantised)
      ctx.kernels().convert(
          {numbers, {View(target, shape_.type, {heads, width}, room * width), false}}, 0, heads);
    else if (!ctx.kernels().empty)
      encode_rows(numbers, target, shape_.type, room * width);
  };
  const std::int64_t rows = batch.rows();
  const auto range = [&](std::int64_t begin, std::int64_t end, unsigned) {
    for (std::int64_t t = begin; t < end; ++t) {
      put(k, k_[i], t);
      put(v, v_[i], t);
    }
  };
  // Each row goes to a place of its own, cold in the caches.
  if (rows * heads * width < 2048)
    range(0, rows, 0);
  else
    ctx.exec.pool.parallel_ranges(rows, 1, range);
}

void Cache::make_room(const Batch& batch) {
  const auto rows = static_cast<std::size_t>(batch.rows());
  for (std::size_t t = 0; t < rows;) {
    const std::int64_t slot = batch.sequences[t], first = batch.positions[t];
    std::size_t end = t + 1;
    while (end < rows && batch.sequences[end] == slot) ++end;
    const std::int64_t after = first + static_cast<std::int64_t>(end - t);
    if (!holds(slot, first)) throw Error("a position does not follow what its slot holds");
    for (std::size_t i = 0; i < shape_.layers.size(); ++i) {
      const CacheShape::Layer& l = shape_.layers[i];
      if (after - start(i, slot) <= shape_.room(l)) continue;
      const std::int64_t last = std::max<std::int64_t>(first + 1 - l.window, 0);
      const std::int64_t least = std::max<std::int64_t>(after - shape_.room(l), 0);
      if (l.window == 0 || least > last)
        throw Error("the cache has room for " + std::to_string(shape_.room(l)) +
                    " positions, not " + std::to_string(after));
      move_window(i, slot, std::max(last - kTakenBack, least), first);
    }
    t = end;
  }
}

// Positions [to, end) go to the front.
void Cache::move_window(std::size_t layer, std::int64_t slot, std::int64_t to, std::int64_t end) {
  const std::int64_t bytes = row_bytes(layer), from = to - start(layer, slot);
  for (const LazyMemory* memory : {&k_[layer], &v_[layer]})
    for (std::int64_t h = 0; h < shape_.layers[layer].kv_heads; ++h) {
      std::byte* first = head(*memory, layer, slot, h);
      std::memmove(first, first + from * bytes, static_cast<std::size_t>((end - to) * bytes));
    }
  start(layer, slot) = to;
}

bool Cache::holds(std::int64_t slot, std::int64_t length) const {
  for (std::size_t i = 0; i < shape_.layers.size(); ++i)
    if (start(i, slot) > std::max<std::int64_t>(length + 1 - shape_.layers[i].window, 0))
      return false;
  return true;
}

void Cache::forget(std::int64_t slot) {
  for (std::size_t i = 0; i < shape_.layers.size(); ++i) start(i, slot) = 0;
}

std::vector<std::int64_t> Cache::starts(std::int64_t slot) const {
  std::vector<std::int64_t> all;
  for (std::size_t i = 0; i < shape_.layers.size(); ++i) all.push_back(start(i, slot));
  return all;
}

void Cache::set_starts(std::int64_t slot, std::span<const std::int64_t> starts,
                       std::int64_t length) {
  bool fits = starts.size() == shape_.layers.size();
  for (std::size_t i = 0; fits && i < starts.size(); ++i) {
    const CacheShape::Layer& l = shape_.layers[i];
    const std::int64_t latest =
        l.window == 0 ? 0 : std::max<std::int64_t>(length + 1 - l.window, 0);
    fits = starts[i] >= 0 && starts[i] <= latest && length - starts[i] <= shape_.room(l);
  }
  if (!fits) throw Error("these positions do not fit the cache");
  for (std::size_t i = 0; i < starts.size(); ++i) start(i, slot) = starts[i];
}

void Cache::visit(std::int64_t slot, std::int64_t length,
                  const std::function<void(std::size_t layer, std::span<std::byte> bytes)>& see) {
  for (std::size_t i = 0; i < shape_.layers.size(); ++i) {
    const auto kept = static_cast<std::size_t>((length - start(i, slot)) * row_bytes(i));
    for (const LazyMemory* memory : {&k_[i], &v_[i]})
      for (std::int64_t h = 0; h < shape_.layers[i].kv_heads; ++h)
        see(i, {head(*memory, i, slot, h), kept});
  }
}

void Cache::copy(std::int64_t from, std::int64_t to, std::int64_t length) {
  for (std::size_t i = 0; i < shape_.layers.size(); ++i) {
    const auto kept = static_cast<std::size_t>((length - start(i, from)) * row_bytes(i));
    for (const LazyMemory* memory : {&k_[i], &v_[i]})
      for (std::int64_t h = 0; h < shape_.layers[i].kv_heads; ++h)
        std::memcpy(head(*memory, i, to, h), head(*memory, i, from, h), kept);
    start(i, to) = start(i, from);
  }
}

}  // namespace bantam::nn
