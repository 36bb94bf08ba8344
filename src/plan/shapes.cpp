#include "plan/shapes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <set>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "blocks/format.h"

namespace bantam::plan {

namespace {

// As the makers' config.json have them.
constexpr std::array<NamedShape, 7> kShapes{{
    {"135m", "SmolLM2-135M", 30, 576, 9, 3, 64, 1536, 49152, 8192, true, 100000},
    {"360m", "SmolLM2-360M", 32, 960, 15, 5, 64, 2560, 49152, 8192, true, 100000},
    {"0.6b", "Qwen3-0.6B", 28, 1024, 16, 8, 128, 3072, 151936, 40960, true, 1000000},
    {"1.2b", "Llama-3.2-1B", 16, 2048, 32, 8, 64, 8192, 128256, 131072, true, 500000},
    {"1.7b", "SmolLM2-1.7B", 24, 2048, 32, 32, 64, 8192, 49152, 8192, true, 130000},
    {"3.2b", "Llama-3.2-3B", 28, 3072, 24, 8, 128, 8192, 128256, 131072, true, 500000},
    {"8b", "Llama-3.1-8B", 32, 4096, 32, 8, 128, 14336, 128256, 131072, false, 500000},
}};

std::int64_t layer_parameters(const Config& c) {
  const std::int64_t attention = 2 * c.heads * c.head_dim + 2 * c.kv_heads * c.head_dim;
  return c.width * (attention + 3 * c.feed_forward + 2);
}

// 16 rows of their own, then the same again.
Tensor random_matrix(const Shape& shape, Type type) {
  constexpr std::int64_t kDistinct = 16;
  const Format& f = format(type);
  Tensor t = Tensor::zeros(shape, type);
  const std::int64_t columns = shape.back(), bytes = f.bytes(columns);
  const Random random(1, 7);
  std::vector<float> row(static_cast<std::size_t>(columns));
  // Sums over a row keep about the size of what goes in.
  const float unit = 3.4f / std::sqrt(static_cast<float>(columns));
  for (std::int64_t r = 0; r < shape.rows(); ++r) {
    std::byte* to = t.view().data + r * bytes;
    if (r >= kDistinct) {
      std::memcpy(to, t.view().data + r % kDistinct * bytes, static_cast<std::size_t>(bytes));
      continue;
    }
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::uint64_t index = static_cast<std::uint64_t>(r) * row.size() + i;
      row[i] = unit * static_cast<float>(random.uniform(index) - 0.5);
    }
    f.encode(row.data(), to, columns);
  }
  return t;
}

}  // namespace

std::span<const NamedShape> named_shapes() { return kShapes; }

const NamedShape* find_shape(std::string_view name) {
  const auto found = std::ranges::find(kShapes, name, &NamedShape::name);
  return found == kShapes.end() ? nullptr : &*found;
}

Config config_of(const NamedShape& shape) {
  Config c;
  c.family = "llama";
  c.name = std::string(shape.like) + "'s shape, random weights";
  c.layers = shape.layers;
  c.width = shape.width;
  c.heads = shape.heads;
  c.kv_heads = shape.kv_heads;
  c.head_dim = shape.head_dim;
  c.feed_forward = shape.feed_forward;
  c.vocabulary = shape.vocabulary;
  c.context = shape.context;
  c.tied = shape.tied;
  c.rope_base = shape.rope_base;
  c.eps = 1e-5;
  return c;
}

std::int64_t parameters_of(const Config& c) {
  return c.layers * layer_parameters(c) + c.width * (c.vocabulary * (c.tied ? 1 : 2) + 1);
}

Config config_of_size(std::int64_t parameters) {
  if (parameters < 1) throw Error("a number of parameters from 1 was expected");
  const auto distance = [&](const NamedShape& shape) {
    return std::abs(std::log(static_cast<double>(parameters)) -
                    std::log(static_cast<double>(parameters_of(config_of(shape)))));
  };
  const NamedShape& nearest = *std::ranges::min_element(kShapes, {}, distance);
  Config c = config_of(nearest);
  if (distance(nearest) < 0.05) return c;  // "1.2b" is the shape of 1.236 billion
  const std::int64_t outside = parameters_of(c) - c.layers * layer_parameters(c);
  const double layers =
      static_cast<double>(parameters - outside) / static_cast<double>(layer_parameters(c));
  c.layers = std::clamp<std::int64_t>(std::llround(layers), 1, Config::kMostLayers);
  return c;
}

// Every token but the bytes is one before it and a letter: three to each, so that 49,152 tokens are 5.1
// bytes long on average, 128,256 are 5.9.
std::shared_ptr<const Tokenizer> typical_tokenizer(std::int64_t vocabulary) {
  constexpr std::int64_t kBytes = 256, kEach = 3;
  TrainedTokenizer t;
  for (std::int64_t id = 0; id < vocabulary - 1; ++id) {
    if (id < kBytes) {
      t.tokens.emplace_back(1, static_cast<char>(id));
      continue;
    }
    const std::int64_t before = (id - kBytes) / kEach, letter = 'a' + (id - kBytes) % kEach;
    t.tokens.push_back(t.tokens[static_cast<std::size_t>(before)] + static_cast<char>(letter));
    t.merges.emplace_back(static_cast<std::int32_t>(before), static_cast<std::int32_t>(letter));
  }
  t.tokens.emplace_back("<|end|>");
  t.special = {static_cast<std::int32_t>(t.tokens.size()) - 1};
  t.eos = t.special.front();
  t.pre_tokenizer = "qwen2";
  return make_tokenizer(std::move(t));
}

WeightType all_of(Type type) {
  if (!format(type).encode)
    throw Error("type " + std::string(format(type).name) + " cannot be written");
  return [type](const WeightSpec& weight) { return gguf_weight_type(weight, type); };
}

void write_random_model(const Config& config, const WeightType& type, const Path& path) {
  const Family& family = family_by_gguf(config.family, path.string());
  const std::unique_ptr<Model> model = family.make(config);
  GgufWriter writer(path);
  writer.set("tokenizer.ggml.model", "no_vocab");  // how GGUF says that there is none
  write_gguf(
      *model, family, writer,
      [&](const auto& w) {
        if (w.role != Role::gain) return random_matrix(w.shape, type(w));
        Tensor ones = Tensor::zeros(w.shape);
        std::fill_n(ones.f32(), w.shape.count(), 1.0f);
        return ones;
      },
      type);
}

}  // namespace bantam::plan
