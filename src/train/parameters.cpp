#include "train/parameters.h"

#include <cmath>
#include <map>

#include "base/random.h"
#include "blocks/format.h"

namespace bantam::train {

namespace {

// Near enough to a normal number, and the same on every machine: the sum of twelve uniform ones
// less six (Irwin-Hall), from sixteen bits each.
float normal(const Random& random, std::uint64_t index) {
  std::int64_t sum = 0;
  for (std::uint64_t i = 0; i < 3; ++i) {
    const std::uint64_t bits = random.bits(3 * index + i);
    for (int part = 0; part < 4; ++part)
      sum += static_cast<std::int64_t>(bits >> (16 * part) & 0xffff);
  }
  return static_cast<float>(static_cast<double>(sum - 6 * 65535) / 65536.0);
}

float deviation(const WeightSpec& w, const Config& config) {
  if (w.role != Role::linear) return 0.02f;
  double variance = 1.0 / (3.0 * static_cast<double>(w.shape.back()));
  if (w.residual) variance /= 2.0 * static_cast<double>(config.layers);
  return static_cast<float>(std::sqrt(variance));
}

void fill(const Tensor& t, const WeightSpec& w, const Config& config, const Random& random) {
  const std::int64_t count = t.shape().count();
  if (w.role == Role::gain || w.role == Role::bias) {
    std::fill_n(t.f32(), count, w.role == Role::gain ? 1.0f : 0.0f);
    return;
  }
  const float scale = deviation(w, config);
  for (std::int64_t i = 0; i < count; ++i)
    t.f32()[i] = scale * normal(random, static_cast<std::uint64_t>(i));
}

}  // namespace

std::vector<Parameter> make_parameters(Model& model, Tape& tape, std::uint64_t seed, bool muon,
                                       Arena* counting) {
  std::vector<Parameter> parameters;
  std::map<std::string, std::size_t> known;
  const auto make = [&](const Shape& shape) {
    if (!counting) return Tensor::zeros(shape);
    return Tensor(
        View(counting->allocate(static_cast<std::size_t>(shape.count()) * 4), Type::f32, shape),
        nullptr);
  };
  for (const WeightSpec& w : model.weights()) {
    const auto [at, fresh] = known.emplace(w.own_name(), parameters.size());
    if (fresh) {
      Parameter p;
      p.name = w.own_name();
      p.shape = w.shape;
      p.matrix = muon && w.role == Role::linear;
      p.value = make(w.shape);
      p.first = make(w.shape);
      if (!p.matrix) p.second = make(w.shape);
      // Streams of one seed: 3 for the weights, further ones for each of them.
      if (!counting)
        fill(p.value, w, model.config(), Random(seed, (std::uint64_t{3} << 32) + at->second));
      parameters.push_back(std::move(p));
    }
    Parameter& p = parameters[at->second];
    p.gradients.push_back(make(w.shape));
    w.set(tape.watch(p.value, p.gradients.back()));
    if (w.matrix) p.weights.push_back(w.matrix);
  }
  return parameters;
}

std::vector<Parameter> adopt_parameters(Model& model, Tape& tape,
                                        const std::function<Tensor(const WeightSpec&)>& rows) {
  std::vector<Parameter> parameters;
  std::map<std::string, std::size_t> known;
  for (const WeightSpec& w : model.weights()) {
    const Tensor stored = known.contains(w.own_name()) ? Tensor() : rows(w);
    if (!stored && !known.contains(w.own_name())) continue;
    const auto [at, fresh] = known.emplace(w.own_name(), parameters.size());
    if (fresh) {
      Parameter p;
      p.name = w.own_name();
      p.shape = w.shape;
      p.value = Tensor::zeros(w.shape);
      p.first = Tensor::zeros(w.shape);
      p.second = Tensor::zeros(w.shape);
      require_shape("a weight's rows", stored, w.shape);
      format(stored.type()).decode(stored.view().data, p.value.f32(), w.shape.count());
      parameters.push_back(std::move(p));
    }
    Parameter& p = parameters[at->second];
    p.gradients.push_back(Tensor::zeros(w.shape));
    w.set(tape.watch(p.value, p.gradients.back()));
    if (w.matrix) p.weights.push_back(w.matrix);
  }
  return parameters;
}

}  // namespace bantam::train
