#include "adapt/adapter.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "adapt/adapter_gguf.h"
#include "adapt/adapter_head.h"
#include "adapt/peft.h"
#include "base/error.h"
#include "base/hash.h"
#include "files/gguf.h"
#include "files/model_path.h"

namespace bantam::adapt {

float low_rank_scale(double alpha, std::int64_t rank, bool rank_stabilised) {
  const auto r = static_cast<double>(rank);
  return static_cast<float>(alpha / (rank_stabilised ? std::sqrt(r) : r));
}

std::string text_sum(const std::string& text) {
  Sha256 sum;
  sum.add(std::as_bytes(std::span(text)));
  return sum.hex();
}

void check_template(const Adapter& adapter, const std::string& model_template) {
  if (adapter.template_sum.empty()) return;
  const bool own = !adapter.chat_template.empty();
  if (text_sum(own ? adapter.chat_template : model_template) == adapter.template_sum) return;
  throw Error(own ? "the chat template that lies with this adapter is not the one that it was trained under: put that back, or train "
                    "it again"
                  : "the model's chat template is not the one that this adapter was trained under: use the "
                    "model that it was made for, or train it again")
      .in(adapter.file);
}

std::string template_of(const Path& path) {
  require_adapter(path);
  std::error_code ignored;
  if (files::is_gguf_name(path) && !std::filesystem::is_directory(path, ignored))
    return std::string(GgufFile(path).metadata().find_string("tokenizer.chat_template").value_or(""));
  return folder_template(path);
}

std::string whole_name(const WeightSpec& w) {
  return w.role == Role::head ? "output.weight" : w.own_name();
}

std::string digest(const Adapter& adapter) {
  Sha256 sum;
  const auto add = [&](const std::string& name, const Tensor& t) {
    sum.add(std::as_bytes(std::span(name)));
    if (t) sum.add({t.view().data, static_cast<std::size_t>(t.shape().count()) * 4});
  };
  for (const auto& [name, u] : adapter.updates) {
    add(name, u.a);
    add("", u.b);
    add("", u.magnitude);
    sum.add(std::as_bytes(std::span(&u.scale, 1)));
  }
  for (const auto& [name, whole] : adapter.whole) add(name, whole);
  return sum.hex();
}

Adapter read_adapter(const Path& path, Model& model) {
  require_adapter(path);
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored) ? read_peft(path, model) : read_adapter_gguf(path, model);
}

void write_adapter(const Adapter& adapter, Model& model, const Path& path, bool replace) {
  if (files::is_gguf_name(path))
    write_adapter_gguf(adapter, model, path, replace);
  else
    write_peft(adapter, model, path, replace);
}

namespace {

// "q_proj" of "model.layers.0.self_attn.q_proj.weight".
std::string module_of(const WeightSpec& w) {
  const std::string name = w.hf.substr(0, w.hf.size() - std::string_view(".weight").size());
  return name.substr(name.rfind('.') + 1);
}

}  // namespace

std::vector<std::string> adapted_weights(Model& model, const std::vector<std::string>& targets) {
  std::vector<std::string> out;
  std::set<std::string> met, known;
  for (const WeightSpec& w : model.weights()) {
    if (w.role != Role::linear) continue;
    const std::string module = module_of(w);
    known.insert(module);
    const bool all = targets.empty() || std::ranges::count(targets, "all-linear") > 0;
    if (!all && std::ranges::count(targets, module) == 0) continue;
    met.insert(module);
    out.push_back(w.own_name());
  }
  for (const std::string& target : targets)
    if (target != "all-linear" && !met.contains(target)) {
      std::string names;
      for (const std::string& name : known) names += (names.empty() ? "" : ", ") + name;
      throw Error("the model has no linear layer \"" + printable(target) + "\"; these are: " + names,
                  Error::Kind::usage)
          .field("--targets");
    }
  return out;
}

}  // namespace bantam::adapt
