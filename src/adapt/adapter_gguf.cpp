#include "adapt/adapter_gguf.h"

#include <algorithm>
#include <set>

#include "adapt/adapter_tensors.h"
#include "base/error.h"
#include "files/gguf.h"
#include "files/gguf_writer.h"
#include "models/stored.h"

namespace bantam::adapt {

namespace {

constexpr const char* kTemplateSum = "bantam.chat_template.sha256";

// Rotary rows between the model's half layout and GGUF's.
Tensor turned(const Tensor& rows, std::int64_t heads, bool to_half) {
  if (heads == 0) return rows;
  Tensor out = Tensor::zeros(rows.shape());
  copy_rotary_rows(rows.view().data, out.view().data, rows.dim(0), rows.dim(1) * 4, heads, to_half);
  return out;
}

std::int64_t rows_in_gguf(const WeightSpec& w) {
  return w.gguf_part.whole.rank() ? w.gguf_part.whole[0] : w.shape[0];
}

}  // namespace

Adapter read_adapter_gguf(const Path& path, Model& model) {
  const GgufFile file(path);
  const Metadata& keys = file.metadata();
  const std::string name = path.string();
  const auto expect = [&](const char* key, std::string_view wanted) {
    if (const std::string_view is = keys.need_string(key); is != wanted)
      throw Error("\"" + std::string(wanted) + "\" was expected, not \"" + printable(is, 40) + "\"")
          .in(name)
          .field(key);
  };
  expect("general.type", "adapter");
  expect("adapter.type", "lora");
  expect("general.architecture", model.config().family);
  Adapter out;
  out.file = name;
  out.alpha = keys.need_float("adapter.lora.alpha");
  out.base = std::string(keys.find_string("general.base_model.0.name").value_or(""));
  out.template_sum = std::string(keys.find_string(kTemplateSum).value_or(""));
  out.chat_template = std::string(keys.find_string("tokenizer.chat_template").value_or(""));
  std::set<std::string_view> left;
  for (const TensorInfo& info : file.tensors()) left.insert(info.name);
  std::map<std::string, Tensor> shared;
  for (const WeightSpec& w : model.weights()) {
    if (w.role != Role::linear) continue;
    const TensorInfo* a = file.find(w.gguf + ".lora_a");
    const TensorInfo* b = file.find(w.gguf + ".lora_b");
    if (!a && !b) continue;
    const TensorInfo& one = a ? *a : *b;
    if (!a || !b) throw Error("its other half is missing").in(name).field(one.name);
    left.erase(a->name);
    left.erase(b->name);
    LowRankUpdate update;
    Tensor& first = shared[w.gguf];
    if (!first) first = read_numbers(*a, 2);
    update.a = first;
    update.b = read_numbers(*b, 2);
    if (update.a.dim(1) != w.shape[1] || update.b.dim(0) != rows_in_gguf(w) ||
        update.b.dim(1) != update.a.dim(0))
      throw Error("shapes of " + update.a.shape().text() + " and " + update.b.shape().text() +
                  " do not fit a weight of " + w.shape.text())
          .in(name)
          .field(b->name)
          .at(b->offset);
    if (rows_in_gguf(w) != w.shape[0])
      update.b = adapt::rows_of(update.b, w.gguf_part.first, w.shape[0]);
    update.b = turned(update.b, w.rotary_heads, true);
    out.rank = std::max(out.rank, update.rank());
    // An alpha of 0 stands for the rank (llama-adapter.h, get_scale).
    update.scale = out.alpha != 0 ? low_rank_scale(out.alpha, update.rank(), false) : 1.0f;
    out.updates[w.own_name()] = std::move(update);
  }
  if (!left.empty())
    throw Error("belongs to no weight of this model that an adapter can change: is it for another?")
        .in(name)
        .field(std::string(*left.begin()));
  if (out.updates.empty()) throw Error("the adapter is empty").in(name);
  return out;
}

namespace {

// One alpha for all, divided by the rank of each.
double alpha_in_gguf(const Adapter& adapter) {
  float scale = -1;
  std::int64_t rank = 0;
  for (const auto& [name, u] : adapter.updates) {
    rank = std::max(rank, u.rank());
    scale = std::max(scale, u.scale);
  }
  return static_cast<double>(scale) * static_cast<double>(rank);
}

// What has another scale is multiplied into b.
float times_in_gguf(const LowRankUpdate& u, double alpha) { return u.scale / low_rank_scale(alpha, u.rank(), false); }

}  // namespace

bool gguf_keeps(const Adapter& adapter) {
  const double alpha = alpha_in_gguf(adapter);
  return std::ranges::all_of(adapter.updates, [&](const auto& named) {
    const LowRankUpdate& u = named.second;
    int exponent = 0;
    const float times = times_in_gguf(u, alpha);
    const float back = low_rank_scale(static_cast<double>(static_cast<float>(alpha)), u.rank(), false);
    return std::frexp(times, &exponent) == 0.5f && back * times == u.scale;  // a power of two rounds nothing
  });
}

void write_adapter_gguf(const Adapter& adapter, Model& model, const Path& path, bool replace) {
  if (adapter.magnitudes())
    throw Error("an adapter as GGUF cannot hold the magnitudes of DoRA: merge it into the model, or "
                "write a folder")
        .in(path.string());
  if (!adapter.whole.empty())
    throw Error("an adapter as GGUF cannot hold whole weights: merge it into the model, or write a "
                "folder")
        .in(path.string());
  std::error_code ignored;
  if (!replace && std::filesystem::exists(path, ignored))
    throw Error("exists; choose another name, or say --force").in(path.string());
  GgufWriter writer(path);
  writer.set("general.architecture", model.config().family);
  writer.set("general.type", "adapter");
  writer.set("adapter.type", "lora");
  if (!adapter.base.empty()) writer.set("general.base_model.0.name", adapter.base);
  if (!adapter.template_sum.empty()) writer.set(kTemplateSum, adapter.template_sum);
  if (!adapter.chat_template.empty()) writer.set("tokenizer.chat_template", adapter.chat_template);
  struct Entry {
    std::string name;
    Shape a, b;
    std::vector<WeightSpec> parts;
  };
  std::vector<Entry> entries;
  for (const WeightSpec& w : model.weights()) {
    const auto at = adapter.updates.find(w.own_name());
    if (at == adapter.updates.end() || w.role != Role::linear) continue;
    const LowRankUpdate& u = at->second;
    const auto known = std::ranges::find(entries, w.gguf, &Entry::name);
    if (known != entries.end()) {
      known->parts.push_back(w);
      continue;
    }
    entries.push_back({w.gguf, u.a.shape(), {rows_in_gguf(w), u.rank()}, {w}});
  }
  const double alpha = alpha_in_gguf(adapter);
  writer.set("adapter.lora.alpha", static_cast<float>(alpha));
  for (const Entry& e : entries) {
    writer.add_tensor(e.name + ".lora_a", Type::f32, e.a);
    writer.add_tensor(e.name + ".lora_b", Type::f32, e.b);
  }
  writer.finish([&](std::size_t index, const PutBytes& put) {
    const Entry& e = entries[index / 2];
    const auto put_tensor = [&](const Tensor& t) {
      put({t.view().data, static_cast<std::size_t>(t.shape().count()) * 4});
    };
    if (index % 2 == 0) return put_tensor(adapter.updates.at(e.parts[0].own_name()).a);
    Tensor b = Tensor::zeros(e.b);
    for (const WeightSpec& w : e.parts) {
      const LowRankUpdate& u = adapter.updates.at(w.own_name());
      const Tensor rows = turned(u.b, w.rotary_heads, false);
      const float times = times_in_gguf(u, alpha);
      float* to = b.f32() + w.gguf_part.first * u.rank();
      for (std::int64_t i = 0; i < rows.shape().count(); ++i) to[i] = times * rows.f32()[i];
    }
    put_tensor(b);
  });
}

}  // namespace bantam::adapt
