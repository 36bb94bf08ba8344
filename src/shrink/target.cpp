#include "shrink/target.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "blocks/format.h"
#include "models/stored.h"
#include "shrink/digest.h"

namespace bantam::shrink {

namespace {

// Every type that a choice may take. Ternary types are for ternary weights.
std::vector<Type> candidate_types(std::int64_t width) {
  std::vector<Type> types;
  for (const Format& f : formats())
    if (f.quantised && f.encode != nullptr && f.packing.bits > 0 && width % f.block == 0 &&
        f.type != Type::tq1_0 && f.type != Type::tq2_0 && f.type != Type::mxfp4)
      types.push_back(f.type);
  types.push_back(Type::f16);
  return types;
}

// A matrix of a model that computes in float32, which can be exchanged for a rounded one.
class Exchange {
 public:
  // All the model's weights that the tensor `name` holds: its parts, or the embedding and a head
  // that is tied to it.
  Exchange(const std::shared_ptr<const ModelFile>& file, std::span<const WeightSpec> weights,
           const std::string& name) {
    for (const WeightSpec& w : weights) {
      if (w.gguf != name) continue;
      places_.push_back({w, w.tensor ? *w.tensor : Tensor(), w.matrix ? *w.matrix : Weight(),
                         plain(stored_rows(file, w))});
    }
  }
  ~Exchange() { restore(); }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  std::int64_t width() const { return places_.front().rows.shape().back(); }
  std::int64_t elements() const {
    std::int64_t count = 0;
    for (const Place& p : places_)
      if (!is_copy(p)) count += p.rows.shape().count();
    return count;
  }

  // The squared error of `type`, weighted; of every `each`th row, scaled to all.
  double error(Type type, std::span<const float> importance, std::int64_t each,
               ThreadPool& pool) const {
    double sum = 0;
    for (const Place& p : places_)
      if (!is_copy(p)) sum += rounded(p, type, importance, each, pool, nullptr);
    return sum;
  }
  // Puts the rounded weights into the model. Returns their error.
  double put(Type type, std::span<const float> importance, ThreadPool& pool) {
    double sum = 0;
    for (Place& p : places_) {
      Tensor changed = Tensor::zeros(p.rows.shape());
      const double error = rounded(p, type, importance, 1, pool, &changed);
      if (!is_copy(p)) sum += error;
      p.spec.set(changed);
    }
    return sum;
  }
  void restore() {
    for (Place& p : places_) {
      if (p.spec.matrix) *p.spec.matrix = p.matrix;
      if (p.spec.tensor) *p.spec.tensor = p.tensor;
    }
  }

 private:
  struct Place {
    WeightSpec spec;
    Tensor tensor;  // as the model has it, or
    Weight matrix;
    Tensor rows;  // in float32
  };

  static Tensor plain(const Tensor& t) {
    if (t.type() == Type::f32) return t;
    Tensor wide = Tensor::zeros(t.shape());
    format(t.type()).decode(t.view().data, wide.f32(), t.shape().count());
    return wide;
  }
  // A tied head has the rows of the embedding.
  bool is_copy(const Place& p) const {
    return &p != &places_.front() && p.spec.role == Role::head &&
           places_.front().spec.role == Role::embedding;
  }

  static double rounded(const Place& p, Type type, std::span<const float> importance,
                        std::int64_t each, ThreadPool& pool, Tensor* to) {
    const Format& f = format(type);
    const std::int64_t columns = p.rows.shape().back(), count = p.rows.shape().rows();
    const std::int64_t taken = (count + each - 1) / each;
    std::vector<double> sums(static_cast<std::size_t>(taken));
    const auto width = static_cast<std::size_t>(columns);
    std::vector<std::vector<std::byte>> bytes(pool.size());
    std::vector<std::vector<float>> values(pool.size());
    pool.parallel_for(taken, [&](std::int64_t row, unsigned worker) {
      std::vector<std::byte>& block = bytes[worker];
      std::vector<float>& back = values[worker];
      block.resize(static_cast<std::size_t>(f.bytes(columns)));
      back.resize(width);
      const float* x = p.rows.f32() + row * each * columns;
      if (!importance.empty() && f.encode_weighted != nullptr)
        f.encode_weighted(x, importance.data(), block.data(), columns);
      else
        f.encode(x, block.data(), columns);
      f.decode(block.data(), back.data(), columns);
      double sum = 0;
      for (std::size_t i = 0; i < width; ++i) {
        const double e = static_cast<double>(back[i]) - static_cast<double>(x[i]);
        sum += e * e * (importance.empty() ? 1.0 : static_cast<double>(importance[i]));
      }
      sums[static_cast<std::size_t>(row)] = sum;
      if (to != nullptr) std::copy(back.begin(), back.end(), to->f32() + row * each * columns);
    });
    double all = 0;
    for (const double sum : sums) all += sum;
    return all * static_cast<double>(count) / static_cast<double>(taken);
  }

  std::vector<Place> places_;
};

// The tensors that can be rounded, in the order of the model.
std::vector<std::string> matrix_names(std::span<const WeightSpec> weights) {
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (const WeightSpec& w : weights)
    if (w.shape.rank() == 2 && w.role != Role::positions && seen.insert(w.gguf).second)
      names.push_back(w.gguf);
  return names;
}

// By rising bytes, each cheaper than all before.
std::vector<TypeOption> worthwhile(std::vector<TypeOption> options) {
  std::ranges::stable_sort(options, {},
                           [](const TypeOption& o) { return std::pair(o.bytes, o.cost); });
  std::vector<TypeOption> kept;
  for (const TypeOption& o : options)
    if (kept.empty() || (o.cost < kept.back().cost && o.bytes > kept.back().bytes))
      kept.push_back(o);
  return kept;
}

}  // namespace

std::vector<TensorOptions> measure_options(Session& model,
                                           const std::shared_ptr<const ModelFile>& file,
                                           const Passages& passages, const Importance& importance,
                                           ThreadPool& pool, const Tick& tick) {
  if (model.arithmetic() != Arithmetic::f32)
    throw Error("sensitivity is measured with the f32 arithmetic");
  const std::vector<WeightSpec> weights = model.weights();
  const std::vector<std::string> names = matrix_names(weights);
  const Digest before = digest_of(model, passages, pool);
  std::vector<TensorOptions> out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (tick) tick(static_cast<std::int64_t>(i), std::ssize(names));
    Exchange tensor(file, weights, names[i]);
    const std::vector<float> matters = importance.weights(names[i], tensor.width());
    // Rounded enough to be seen, not so much that errors no longer add up.
    const Type probe = fitting_type(Type::q4_0, tensor.width());
    const double error = tensor.put(probe, matters, pool);
    const double cost = divergence_from(before, model, passages, pool);
    tensor.restore();
    const std::int64_t rows = tensor.elements() / tensor.width();
    TensorOptions options{names[i], {}};
    for (const Type type : candidate_types(tensor.width())) {
      const double e = tensor.error(type, matters, std::max<std::int64_t>(1, rows / 64), pool);
      options.options.push_back(
          {type, format(type).bytes(tensor.elements()), error > 0 ? cost * e / error : 0});
    }
    options.options = worthwhile(std::move(options.options));
    out.push_back(std::move(options));
  }
  return out;
}

double measure_choice(Session& model, const std::shared_ptr<const ModelFile>& file,
                      const TypeChoice& choice, const Passages& passages,
                      const Importance& importance, ThreadPool& pool) {
  const std::vector<WeightSpec> weights = model.weights();
  const Digest before = digest_of(model, passages, pool);
  std::vector<std::unique_ptr<Exchange>> changed;
  for (const auto& [name, type] : choice.types) {
    changed.push_back(std::make_unique<Exchange>(file, weights, name));
    const std::vector<float> matters = importance.weights(name, changed.back()->width());
    changed.back()->put(type, matters, pool);
  }
  return divergence_from(before, model, passages, pool);
}

}  // namespace bantam::shrink
