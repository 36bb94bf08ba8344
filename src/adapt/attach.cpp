#include "adapt/attach.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <set>

#include "base/error.h"
#include "base/random.h"
#include "blocks/format.h"
#include "kernels/gemm/gemm.h"
#include "models/stored.h"

namespace bantam::adapt {

namespace {

Tensor widened(const Tensor& rows) {
  Tensor out = Tensor::zeros(rows.shape());
  format(rows.type()).decode(rows.view().data, out.f32(), rows.shape().count());
  return out;
}

// to += scale * b a, by the kernels' order of summation.
void add_product(const Exec& exec, const LowRankUpdate& u, const Tensor& to) {
  Tensor delta = Tensor::zeros(to.shape());
  gemm_chain(exec, u.b.dim(0), u.rank(), {u.b.f32(), u.rank(), 1}, u.a.view(), {delta.view(), false});
  run_range(exec, exec.kernels.axpby, AxpbyArgs{delta.f32(), to.f32(), u.scale, 1},
            to.shape().count(), 16384);
}

}  // namespace

Tensor row_lengths(const Exec& exec, const Tensor& rows) {
  constexpr std::int64_t kBlock = 4096;  // of the sums of squares, see SquareSumArgs
  const std::int64_t n = rows.dim(0), k = rows.dim(1), blocks = (k + kBlock - 1) / kBlock;
  Tensor out = Tensor::zeros({n});
  exec.pool.parallel_ranges(n, 16, [&](std::int64_t begin, std::int64_t end, unsigned) {
    std::vector<float> sums(static_cast<std::size_t>(blocks));
    for (std::int64_t r = begin; r < end; ++r) {
      exec.kernels.square_sum({rows.f32() + r * k, k, sums.data()}, 0, blocks);
      double total = 0;
      for (const float s : sums) total += static_cast<double>(s);
      out.f32()[r] = static_cast<float>(std::sqrt(total));
    }
  });
  return out;
}

Tensor merged_rows(const Exec& exec, const Tensor& rows, const LowRankUpdate& update) {
  Tensor out = widened(rows);
  add_product(exec, update, out);
  if (!update.magnitude) return out;
  const Tensor lengths = row_lengths(exec, out);
  const std::int64_t k = out.dim(1);
  for (std::int64_t r = 0; r < out.dim(0); ++r) {
    const float times = update.magnitude.f32()[r] * (1 / lengths.f32()[r]);
    for (std::int64_t i = 0; i < k; ++i) out.f32()[r * k + i] *= times;
  }
  return out;
}

namespace {

// What a pass reads of an adapter lies side by side in `memory`: it is little of each layer, and
// scattered over small pages most of its time would go into finding it.
std::shared_ptr<nn::LowRank> slot_of(const LowRankUpdate& u, MemoryBlocks& memory) {
  auto slot = std::make_shared<nn::LowRank>();
  const auto bytes = static_cast<std::size_t>(u.a.shape().count()) * sizeof(float);
  const auto place = memory.take(bytes);
  std::memcpy(place.get(), u.a.f32(), bytes);
  slot->a = Weight(Tensor(View(place.get(), Type::f32, u.a.shape()), place));
  slot->b = Weight(u.b);
  slot->b.prepare_low_rank(memory);
  slot->magnitude = u.magnitude;
  slot->scale = u.scale;
  if (u.magnitude) slot->inverse = Tensor::zeros({u.b.dim(0)});
  return slot;
}

void require_none_left(const std::set<std::string>& left, const Adapter& adapter) {
  if (!left.empty())
    throw Error("the model has no weight that the adapter changes").in(adapter.file).field(*left.begin());
}

}  // namespace

void attach(Model& model, const Adapter& adapter, const std::shared_ptr<const ModelFile>& file,
            const Exec& exec) {
  std::set<std::string> left;
  for (const auto& [name, update] : adapter.updates) left.insert(name);
  for (const auto& [name, whole] : adapter.whole) left.insert(name);
  MemoryBlocks memory;
  for (const WeightSpec& w : model.weights()) {
    if (const auto whole = adapter.whole.find(whole_name(w)); whole != adapter.whole.end()) {
      require_shape("the adapter's weight", whole->second, w.shape);
      w.set(whole->second);
      left.erase(whole->first);
    }
    const auto at = adapter.updates.find(w.own_name());
    if (at == adapter.updates.end() || !w.linear) continue;
    left.erase(w.own_name());
    w.linear->adapter = slot_of(at->second, memory);
  }
  require_none_left(left, adapter);
  if (adapter.magnitudes()) RowLengths(model, adapter, file).update(exec);
}

void add_choice(Model& model, const Adapter& adapter, const std::shared_ptr<const ModelFile>& file,
                const Exec& exec) {
  if (!adapter.whole.empty())
    throw Error("it brings whole weights, which stand in place of the model's: serve it alone, or merge "
                "it into a model of its own")
        .in(adapter.file)
        .field(adapter.whole.begin()->first);
  std::set<std::string> left;
  for (const auto& [name, update] : adapter.updates) left.insert(name);
  std::size_t number = 0;
  MemoryBlocks memory;
  for (const WeightSpec& w : model.weights()) {
    if (!w.linear) continue;
    if (w.linear->adapter)
      throw Error("an adapter that holds for all rows is on the model already").in(adapter.file);
    const auto at = adapter.updates.find(w.own_name());
    number = w.linear->choices.size();
    w.linear->choices.push_back(at == adapter.updates.end() ? nullptr : slot_of(at->second, memory));
    left.erase(w.own_name());
  }
  require_none_left(left, adapter);
  if (adapter.magnitudes()) RowLengths(model, adapter, file, number).update(exec);
}

void detach(Model& model) {
  for (const WeightSpec& w : model.weights())
    if (w.linear) {
      w.linear->adapter = nullptr;
      w.linear->choices.clear();
    }
}

Adapter make_adapter(Model& model, const std::shared_ptr<const ModelFile>& file,
                     const NewAdapter& settings, const Exec& exec) {
  if (settings.rank < 1) throw Error("a rank of at least 1 was expected", Error::Kind::usage).field("--rank");
  Adapter out;
  out.rank = settings.rank;
  out.alpha = settings.alpha;
  out.rank_stabilised = settings.rank_stabilised;
  std::map<std::string, Tensor> shared;  // a, of weights that folders keep as one
  std::uint64_t number = 0;
  for (const WeightSpec& w : model.weights()) {
    if (w.role != Role::linear || std::ranges::count(settings.weights, w.own_name()) == 0) continue;
    LowRankUpdate u;
    Tensor& a = shared[w.hf_part.whole.rank() ? w.hf : w.own_name()];
    if (!a) {
      a = Tensor::zeros({settings.rank, w.shape[1]});
      // Streams of one seed: 7 for adapters, further ones for each weight.
      const Random random(settings.seed, (std::uint64_t{7} << 32) + number++);
      const double bound = 1 / std::sqrt(static_cast<double>(w.shape[1]));
      for (std::int64_t i = 0; i < a.shape().count(); ++i)
        a.f32()[i] = static_cast<float>(bound * (2 * random.uniform(static_cast<std::uint64_t>(i)) - 1));
    }
    u.a = a;
    u.b = Tensor::zeros({w.shape[0], settings.rank});
    u.scale = low_rank_scale(settings.alpha, settings.rank, settings.rank_stabilised);
    if (settings.magnitudes) u.magnitude = row_lengths(exec, widened(stored_rows(file, w)));
    out.updates[w.own_name()] = std::move(u);
  }
  return out;
}

std::vector<Parameter> adapter_parameters(Model& model, Adapter& adapter, Tape& tape) {
  std::vector<Parameter> out;
  std::map<const float*, std::size_t> known;  // by the memory of the numbers
  const auto watch = [&](const std::string& name, const Tensor& value) {
    const auto [at, fresh] = known.emplace(value.f32(), out.size());
    if (fresh) {
      Parameter p;
      p.name = name;
      p.shape = value.shape();
      p.value = value;
      p.first = Tensor::zeros(p.shape);
      p.second = Tensor::zeros(p.shape);
      out.push_back(std::move(p));
    }
    Parameter& p = out[at->second];
    p.gradients.push_back(Tensor::zeros(p.shape));
    return std::pair(tape.watch(p.value, p.gradients.back()), at->second);
  };
  for (const WeightSpec& w : model.weights()) {
    const auto at = adapter.updates.find(w.own_name());
    if (at == adapter.updates.end() || !w.linear || !w.linear->adapter) continue;
    LowRankUpdate& u = at->second;
    nn::LowRank& slot = *w.linear->adapter;
    const auto put = [&](const char* end, const Tensor& value, Weight& to) {
      const auto [watched, index] = watch(w.own_name() + end, value);
      to = Weight(watched);
      out[index].weights.push_back(&to);
    };
    put(".lora_a", u.a, slot.a);
    put(".lora_b", u.b, slot.b);
    if (u.magnitude) slot.magnitude = watch(w.own_name() + ".magnitude", u.magnitude).first;
  }
  return out;
}

RowLengths::RowLengths(Model& model, const Adapter& adapter,
                       const std::shared_ptr<const ModelFile>& file,
                       std::optional<std::size_t> choice) {
  for (const WeightSpec& w : model.weights()) {
    const auto at = adapter.updates.find(w.own_name());
    if (at == adapter.updates.end() || !w.linear || !at->second.magnitude) continue;
    const nn::LowRank& slot = choice ? *w.linear->choices[*choice] : *w.linear->adapter;
    parts_.push_back({stored_rows(file, w), at->second, slot.inverse});
  }
}

void RowLengths::update(const Exec& exec) const {
  for (const Part& part : parts_) {
    Tensor rows = widened(part.rows);
    add_product(exec, part.update, rows);
    const Tensor lengths = row_lengths(exec, rows);
    for (std::int64_t r = 0; r < lengths.dim(0); ++r)
      part.inverse.f32()[r] = 1 / lengths.f32()[r];
  }
}

}  // namespace bantam::adapt
