#include "plan/memory.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/machine.h"
#include "base/progress.h"
#include "blocks/format.h"
#include "models/stored.h"
#include "models/writer.h"
#include "plan/resident.h"
#include "plan/work.h"

namespace bantam::plan {

namespace {

// The model without memory behind its weights, and what a pass of `rows` takes between the ops.
std::int64_t activation_bytes(const RunShape& shape, std::int64_t rows) {
  Config config = shape.config;
  config.run_context = rows;
  // Layers of one kind take the same memory one after the other: a pass through few is as large.
  if (config.by_layer.empty()) config.layers = std::min<std::int64_t>(config.layers, 2);
  const std::unique_ptr<Model> model = family_by_gguf(config.family, "").make(config);
  Arena weights(0, true), activations(0, true);
  for (const WeightSpec& weight : model->weights()) {
    const auto bytes = static_cast<std::size_t>(byte_size(Type::f32, weight.shape));
    weight.set(Tensor(View(weights.allocate(bytes), Type::f32, weight.shape), nullptr));
  }
  const Kernels nothing = empty_kernels();
  ThreadPool alone(1);
  Context ctx(alone, nothing, activations);
  CacheShape cache_shape = model->cache_shape(shape.slots, rows, Type::f16);
  cache_shape.chunk = rows;
  Cache cache(std::move(cache_shape));
  Batch batch;
  for (std::int64_t i = 0; i < rows; ++i)
    batch.add(0, static_cast<std::int32_t>(i), 0, i + 1 > rows - shape.slots);
  model->forward(ctx, batch, &cache);
  return static_cast<std::int64_t>(activations.peak());
}

std::int64_t widest_input(const RunShape& shape) {
  const std::unique_ptr<Model> model = family_by_gguf(shape.config.family, "").make(shape.config);
  std::int64_t widest = 0;
  for (const WeightSpec& weight : model->weights())
    if (weight.role == Role::linear) widest = std::max(widest, weight.shape.back());
  return widest;
}

// What products and attention keep beside the activations.
std::int64_t worker_bytes(const RunShape& shape, std::int64_t rows) {
  std::int64_t heads_width = 0, keys = 0;
  const CacheShape cache = cache_shape_of(shape);
  for (const CacheShape::Layer& layer : cache.layers) {
    heads_width = std::max(heads_width, layer.head_dim);
    keys = std::max(keys,
                    layer.window > 0 ? std::min(layer.window, shape.positions) : shape.positions);
  }
  const std::int64_t attention = 4 * attention_scratch(keys, 0, heads_width) * shape.threads;
  const double packed = shape.arithmetic == Arithmetic::bf16  ? 2
                        : shape.arithmetic == Arithmetic::f32 ? 0
                                                              : 1 + 8.0 / 32;
  return attention + std::llround(packed * static_cast<double>(rows * widest_input(shape)));
}

// Tables double in length, from 64 on.
std::int64_t rope_bytes(const RunShape& shape) {
  if (shape.config.rope_width() == 0) return 0;
  std::int64_t length = 64;
  while (length < shape.positions) length *= 2;
  return length * shape.config.rope_width() * 4 * (shape.config.rope_local_base > 0 ? 2 : 1);
}

// Looking a row up maps the pages around it too, as far as the system has them (fault-around).
std::int64_t looked_up_bytes(const RunShape& shape, std::int64_t embedding) {
  constexpr std::int64_t kAround = 64 << 10;
  return std::min(embedding, shape.positions * shape.slots * kAround);
}

}  // namespace

StoredType types_of(const ModelFile& file) {
  return [&file](const WeightSpec& weight) { return stored_type(file, weight); };
}

CacheShape cache_shape_of(const RunShape& shape) {
  const std::unique_ptr<Model> model = family_by_gguf(shape.config.family, "").make(shape.config);
  CacheShape cache = model->cache_shape(shape.slots, shape.positions, shape.cache);
  cache.chunk = shape.chunk;
  return cache;
}

namespace {

RunShape shape_with(const Config& config, StoredType type, Arithmetic arithmetic,
                    const SessionOptions& options) {
  RunShape shape;
  shape.config = config;
  shape.config.run_context = options.context;
  shape.type = std::move(type);
  shape.arithmetic = arithmetic;
  shape.cache = choose_cache_type(options, arithmetic);
  const std::int64_t context = options.context > 0 ? options.context : config.context;
  shape.positions = options.positions > 0 ? std::min(options.positions, context) : context;
  shape.slots = options.slots;
  shape.chunk = options.chunk;
  shape.threads = options.threads > 0 ? options.threads : default_threads();
  return shape;
}

}  // namespace

RunShape run_shape(const ModelFile& file, const SessionOptions& options) {
  return shape_with(file.config(), types_of(file), choose_arithmetic(file, options.arithmetic),
                    options);
}

RunShape run_shape_of(const Config& config, Type type, const SessionOptions& options) {
  const Arithmetic usual = format(type).quantised ? Arithmetic::int8 : Arithmetic::f32;
  return shape_with(
      config, [type](const WeightSpec& weight) { return gguf_weight_type(weight, type); },
      options.arithmetic.value_or(usual), options);
}

MemoryParts plan_memory(const RunShape& shape) {
  MemoryParts parts;
  const std::unique_ptr<Model> model = family_by_gguf(shape.config.family, "").make(shape.config);
  for (const WeightSpec& weight : model->weights()) {
    const Type type = shape.type(weight);
    if (weight.role == Role::embedding || weight.role == Role::positions)
      parts.weights += looked_up_bytes(shape, byte_size(type, weight.shape));
    else
      parts.weights += held_bytes(weight, type, shape.arithmetic);
  }
  parts.cache = cache_shape_of(shape).bytes();
  const std::int64_t rows = std::min(shape.chunk, std::max<std::int64_t>(shape.positions, 1));
  parts.scratch = activation_bytes(shape, rows) + worker_bytes(shape, rows) + rope_bytes(shape);
  return parts;
}

std::int64_t program_bytes() { return static_cast<std::int64_t>(resident_memory().now); }

std::int64_t largest_context(RunShape shape, std::int64_t program, std::int64_t limit) {
  std::int64_t low = 0, high = shape.positions;
  while (low < high) {
    const std::int64_t middle = low + (high - low + 1) / 2;
    shape.positions = middle;
    if (program + plan_memory(shape).total() <= limit)
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

std::int64_t keep_to_memory(const ModelFile& file, SessionOptions& options, std::int64_t limit) {
  const RunShape shape = run_shape(file, options);
  const std::int64_t program = program_bytes();
  const MemoryParts parts = plan_memory(shape);
  if (program + parts.total() <= limit) return shape.positions;
  const std::int64_t most = largest_context(shape, program, limit);
  const auto bytes = [](std::int64_t count) { return byte_text(static_cast<double>(count)); };
  const std::string need = "this needs " + bytes(program + parts.total()) + " (" +
                           bytes(parts.weights) + " of weights, " + bytes(parts.cache) +
                           " of cache), more than the " + bytes(limit) + " that it may have";
  if (most < std::min<std::int64_t>(shape.positions, 16))
    throw Error(need + "; take a smaller model or fewer bits a weight (bantam plan finds some)");
  if (options.context > 0 || options.positions > 0)
    throw Error(need + "; --ctx " + std::to_string(most) + " would fit");
  options.positions = most;
  return most;
}

}  // namespace bantam::plan
