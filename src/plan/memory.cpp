#include "plan/memory.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/error.h"
#include "base/machine.h"
#include "base/progress.h"
#include "blocks/format.h"
#include "kernels/memory_size.h"
#include "models/stored.h"
#include "plan/resident.h"
#include "plan/work.h"
#include "tensor/held_form.h"

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

// Memory as the allocator hands it out.
std::int64_t allocated(std::int64_t bytes) {
  return static_cast<std::int64_t>(allocated_size(static_cast<std::size_t>(bytes)));
}

// What products and attention keep beside the activations: once, and for each thread.
std::int64_t worker_bytes(const RunShape& shape, std::int64_t rows) {
  std::int64_t once = 0, each = 0;
  const CacheShape cache = cache_shape_of(shape);
  for (const CacheShape::Layer& layer : cache.layers) {
    const std::int64_t keys =
        layer.window > 0 ? std::min(layer.window, shape.positions) : shape.positions;
    each = std::max(each, 4 * attention_scratch(keys, 0, layer.head_dim));
  }
  const std::unique_ptr<Model> model = family_by_gguf(shape.config.family, "").make(shape.config);
  const Planes planes = shape.arithmetic == Arithmetic::int8 ? Planes::one : Planes::two;
  for (const WeightSpec& weight : model->weights()) {
    if (weight.matrix == nullptr) continue;
    const std::int64_t k = weight.shape.back(), n = weight.shape.rows();
    const std::int64_t m = weight.role == Role::head ? shape.slots : rows;
    switch (held_form(shape.type(weight), shape.arithmetic)) {
      case HeldForm::strips:
        once = std::max(once, rounded_rows_size(m, k, planes));
        each = std::max(each, strip_room_size(m, n, shape.threads));
        break;
      case HeldForm::panels:
        once = std::max(once, 2 * m * k);
        break;
      case HeldForm::rows:
      case HeldForm::wide:
        break;
    }
  }
  return allocated(once) + shape.threads * allocated(each);
}

// Tables double in length, from 64 on.
std::int64_t rope_bytes(const RunShape& shape) {
  if (shape.config.rope_width() == 0) return 0;
  std::int64_t length = 64;
  while (length < shape.positions) length *= 2;
  return length * shape.config.rope_width() * 4 * (shape.config.rope_local_base > 0 ? 2 : 1);
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

RunShape run_shape_of(const Config& config, StoredType type, const SessionOptions& options) {
  const std::unique_ptr<Model> model = family_by_gguf(config.family, "").make(config);
  const bool blocks = std::ranges::any_of(
      model->weights(), [&](const WeightSpec& w) { return format(type(w)).quantised; });
  const Arithmetic usual = blocks ? Arithmetic::int8 : Arithmetic::f32;
  return shape_with(config, std::move(type), options.arithmetic.value_or(usual), options);
}

MemoryParts plan_memory(const RunShape& shape) {
  MemoryParts parts;
  const std::unique_ptr<Model> model = family_by_gguf(shape.config.family, "").make(shape.config);
  const std::vector<WeightSpec> weights = model->weights();
  const std::int64_t room = shape.positions * shape.slots;
  for (const WeightSpec& weight : weights) {
    const Type type = shape.type(weight);
    if (only_looked_up(weight, weights, shape.type, shape.arithmetic))
      parts.weights += looked_up_bytes(weight.shape, type, room, shape.chunk);
    else if (weight.role != Role::embedding)  // else it is the head, too
      parts.weights += held_bytes(weight, type, shape.arithmetic);
  }
  parts.cache = cache_shape_of(shape).bytes();
  const std::int64_t rows = std::min(shape.chunk, std::max<std::int64_t>(shape.positions, 1));
  parts.scratch =
      allocated(activation_bytes(shape, rows)) + worker_bytes(shape, rows) + rope_bytes(shape);
  return parts;
}

std::shared_ptr<const Tokenizer> tokenizer_if_any(const ModelFile& file) {
  try {
    return tokenizer_of(file);
  } catch (const Error&) {
    return nullptr;
  }
}

// Code of the forward pass, stacks and small pieces of the threads: as measured.
constexpr std::int64_t kRunsPages = 3 << 20;

std::int64_t program_bytes() {
  return static_cast<std::int64_t>(resident_memory().now) + kRunsPages;
}

namespace {

// What `bytes` says of a run, and of another beside it over as many positions.
std::int64_t with_beside(const RunShape& shape, const RunShape* beside,
                         std::int64_t (*bytes)(const RunShape&)) {
  if (beside == nullptr) return bytes(shape);
  RunShape other = *beside;
  other.positions = std::min(other.positions, shape.positions);
  return bytes(shape) + bytes(other);
}

std::int64_t total_with(const RunShape& shape, const RunShape* beside) {
  return with_beside(shape, beside, [](const RunShape& run) { return plan_memory(run).total(); });
}

// The most positions, at most those of the shape, of which `taken` is within the limit.
std::int64_t most_positions(RunShape shape, std::int64_t limit,
                            const std::function<std::int64_t(const RunShape&)>& taken) {
  std::int64_t low = 0, high = shape.positions;
  while (low < high) {
    const std::int64_t middle = low + (high - low + 1) / 2;
    shape.positions = middle;
    if (taken(shape) <= limit)
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

// What no plan knows: ends of huge pages, what the system's allocator keeps.
constexpr std::int64_t kUnforeseen = 4 << 20;

}  // namespace

std::int64_t largest_context(RunShape shape, std::int64_t program, std::int64_t limit,
                             const RunShape* beside) {
  return most_positions(std::move(shape), limit, [&](const RunShape& run) {
    return program + total_with(run, beside);
  });
}

std::int64_t positions_cached(RunShape shape, std::int64_t limit, const RunShape* beside) {
  return most_positions(std::move(shape), limit, [&](const RunShape& run) {
    return with_beside(run, beside, [](const RunShape& r) { return cache_shape_of(r).bytes(); });
  });
}

std::int64_t keep_to_memory(const ModelFile& file, SessionOptions& options, std::int64_t limit,
                            const RunShape* beside) {
  const RunShape shape = run_shape(file, options);
  const std::int64_t program = program_bytes() + kUnforeseen;
  const std::int64_t total = program + total_with(shape, beside);
  if (total <= limit) return shape.positions;
  const MemoryParts parts = plan_memory(shape);
  const std::int64_t most = largest_context(shape, program, limit, beside);
  const auto bytes = [](std::int64_t count) { return byte_text(static_cast<double>(count)); };
  const std::string need = "this needs " + bytes(total) + " (" + bytes(parts.weights) +
                           " of weights, " + bytes(parts.cache) + " of cache" +
                           (beside == nullptr ? "" : ", the draft") + "), more than the " +
                           bytes(limit) + " that it may have";
  if (most < std::min<std::int64_t>(shape.positions, 16))
    throw Error(need + "; take a smaller model or fewer bits a weight (bantam plan finds some)");
  if (options.context > 0 || options.positions > 0)
    throw Error(need + "; --ctx " + std::to_string(most) + " would fit");
  options.positions = most;
  return most;
}

}  // namespace bantam::plan
