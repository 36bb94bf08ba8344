#include "adapt/peft.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "adapt/adapter_tensors.h"
#include "adapt/own_file.h"
#include "base/error.h"
#include "base/json.h"
#include "chat/chat_template.h"
#include "files/safetensors.h"
#include "files/safetensors_writer.h"
#include "models/tensor_names.h"

namespace bantam::adapt {

namespace {

constexpr std::string_view kPrefix = "base_model.model.";

// A weight's module; a tied head has one of its own there.
std::string module_name(const WeightSpec& w, bool tied) {
  return tied && w.role == Role::head ? "lm_head" : w.hf.substr(0, w.hf.rfind('.'));
}

// adapter_config.json, as far as it changes what is computed.
struct PeftConfig {
  std::int64_t rank = 0;
  double alpha = 0;
  bool rank_stabilised = false, magnitudes = false;
  bool keeps_tied = false;  // ensure_weight_tying: a whole embedding is the head's, too
  std::string base;
  std::map<std::string, double> alphas, ranks;  // alpha_pattern, rank_pattern

  double alpha_of(const std::string& module) const { return of(alphas, module, alpha); }
  double rank_of(const std::string& module) const { return of(ranks, module, static_cast<double>(rank)); }

 private:
  // What one module has: a key of a pattern is the module's name or its end, from a dot on.
  static double of(const std::map<std::string, double>& pattern, const std::string& module, double usual) {
    for (const auto& [key, value] : pattern)
      if (module == key || module.ends_with("." + key)) return value;
    return usual;
  }
};

// PEFT takes its keys for regular expressions (huggingface/peft, utils/other.py, get_pattern_key); what it writes
// itself, and nearly everybody, are names.
std::map<std::string, double> read_pattern(const Json& json, const char* field, const std::string& file) {
  std::map<std::string, double> out;
  const auto at = json.find(field);
  if (at == json.end() || !at->is_object()) return out;
  for (const auto& [key, value] : at->items()) {
    if (!value.is_number()) throw Error("a number was expected").in(file).field(field);
    if (key.find_first_of("*+?^$[]{}()|\\") != std::string::npos)
      throw Error("\"" + printable(key, 80) + "\" is a regular expression: write the modules' names, or how they end")
          .in(file)
          .field(field);
    out[key] = value.get<double>();
  }
  return out;
}

PeftConfig read_config(const Path& file) {
  const std::string name = file.string();
  const Json json = parse_json(read_file(file, 16 << 20), name);
  if (!json.is_object()) throw Error("an object was expected").in(name);
  const auto text = [&](const char* key) {
    const auto at = json.find(key);
    return at != json.end() && at->is_string() ? at->get<std::string>() : std::string();
  };
  const auto flag = [&](const char* key) {
    const auto at = json.find(key);
    return at != json.end() && at->is_boolean() && at->get<bool>();
  };
  const auto number = [&](const char* key) {
    const auto at = json.find(key);
    if (at == json.end() || !at->is_number())
      throw Error("a number was expected").in(name).field(key);
    return at->get<double>();
  };
  if (const std::string type = text("peft_type"); type != "LORA")
    throw Error("an adapter of the kind LORA was expected, not \"" + printable(type, 40) + "\"")
        .in(name)
        .field("peft_type");
  // What would change the arithmetic in ways that are not computed here.
  for (const char* key : {"use_qalora", "use_bdlora", "lora_bias"})
    if (flag(key)) throw Error("is not supported").in(name).field(key);
  for (const char* key : {"layer_replication", "trainable_token_indices", "alora_invocation_tokens"})
    if (const auto at = json.find(key); at != json.end() && !at->is_null() && !at->empty())
      throw Error("is not supported").in(name).field(key);
  // Of these PEFT changes the model's own weights whenever it loads the adapter (huggingface/peft,
  // src/peft/tuners/lora/layer.py, update_layer): on the model as it is they say something else.
  for (const std::string_view kind : {"pissa", "olora", "loftq", "corda", "lora_ga"})
    if (text("init_lora_weights").starts_with(kind))
      throw Error("\"" + printable(text("init_lora_weights"), 40) + "\": such an adapter changes the model's own weights when PEFT loads it. Save it "
                  "for the model as it is (PEFT: save_pretrained with path_initial_model_for_weight_conversion)")
          .in(name)
          .field("init_lora_weights");
  PeftConfig config;
  const double rank = number("r");
  if (!(rank >= 1 && rank <= 65536)) throw Error("a rank of 1 to 65536 was expected").in(name).field("r");
  config.rank = static_cast<std::int64_t>(rank);
  config.alpha = number("lora_alpha");
  config.rank_stabilised = flag("use_rslora");
  config.magnitudes = flag("use_dora");
  config.keeps_tied = flag("ensure_weight_tying");
  config.base = text("base_model_name_or_path");
  config.alphas = read_pattern(json, "alpha_pattern", name);
  config.ranks = read_pattern(json, "rank_pattern", name);
  return config;
}

// The tensors of an adapter, by the names of the model's modules.
class PeftTensors {
 public:
  explicit PeftTensors(const SafetensorsFile& file) : file_(file) {
    for (const TensorInfo& info : file.tensors()) left_.insert(info.name);
  }

  // MODULE + end, under any of the prefixes that makers use; null when there is none.
  const TensorInfo* find(const std::string& module, const char* end) {
    for (const std::string& name : names_elsewhere(module))
      for (const std::string_view prefix : {kPrefix, std::string_view()})
        if (const TensorInfo* info = file_.find(std::string(prefix) + name + end)) {
          left_.erase(info->name);
          return info;
        }
    return nullptr;
  }
  // Throws Error when something was not asked for.
  void require_all_used() const {
    if (left_.empty()) return;
    const TensorInfo& info = *file_.find(*left_.begin());
    const bool ends = info.name.find("lm_head") != std::string::npos ||
                      info.name.find("embed") != std::string::npos;
    throw Error(ends ? "low-rank updates of the embedding and the head are not supported: change the layers "
                       "between them, or bring the whole of it (modules_to_save)"
                     : "belongs to no weight of this model that an adapter can change: is it for another?")
        .in(info.file)
        .field(info.name)
        .at(info.offset);
  }

 private:
  const SafetensorsFile& file_;
  std::set<std::string> left_;
};

// Of a tensor that holds several weights: the rows of this one.
Tensor own_rows(const Tensor& whole, const WeightSpec& w, const TensorInfo& info) {
  const std::int64_t rows = w.hf_part.whole.rank() ? w.hf_part.whole[0] : w.shape[0];
  if (whole.dim(0) != rows)
    throw Error(std::to_string(rows) + " rows were expected, not " + std::to_string(whole.dim(0)) +
                (w.role == Role::embedding || w.role == Role::head ? ": new tokens are put into the model itself first" : ""))
        .in(info.file)
        .field(info.name)
        .at(info.offset);
  return rows == w.shape[0] ? whole : rows_of(whole, w.hf_part.first, w.shape[0]);
}

}  // namespace

std::string folder_template(const Path& folder) {
  std::error_code ignored;
  const Path file = folder / "chat_template.jinja";
  return std::filesystem::exists(file, ignored) ? read_file(file, TemplateLimits().source) : std::string();
}

Adapter read_peft(const Path& folder, Model& model) {
  const PeftConfig config = read_config(folder / "adapter_config.json");
  const SafetensorsFile file(folder / "adapter_model.safetensors");
  PeftTensors tensors(file);
  Adapter out;
  out.file = folder.string();
  out.rank = config.rank;
  out.alpha = config.alpha;
  out.rank_stabilised = config.rank_stabilised;
  out.base = config.base;
  if (const Json own = read_own(folder); own.contains("chat_template_sha256") && own["chat_template_sha256"].is_string())
    out.template_sum = own["chat_template_sha256"].get<std::string>();
  out.chat_template = folder_template(folder);
  std::map<std::string, Tensor> shared;  // A of modules that are several weights here
  const bool tied = model.config().tied;
  for (const WeightSpec& w : model.weights()) {
    const std::string module = module_name(w, tied);
    const bool bias = w.role == Role::bias;
    if (const TensorInfo* info = tensors.find(module, bias ? ".bias" : ".weight")) {
      Tensor whole = read_numbers(*info, w.shape.rank());
      if (w.less_one)
        for (std::int64_t i = 0; i < whole.shape().count(); ++i) whole.f32()[i] += 1;
      whole = own_rows(whole, w, *info);
      if (whole.shape() != w.shape)
        throw Error("a shape of " + w.shape.text() + " was expected, not " + whole.shape().text() +
                    ": new tokens are put into the model itself first")
            .in(info->file)
            .field(info->name);
      out.whole[whole_name(w)] = std::move(whole);
    }
    if (w.role != Role::linear) continue;
    const TensorInfo* a = tensors.find(module, ".lora_A.weight");
    const TensorInfo* b = tensors.find(module, ".lora_B.weight");
    if (!a && !b) continue;
    const TensorInfo& one = a ? *a : *b;
    if (!a || !b) throw Error("its other half is missing").in(one.file).field(one.name);
    LowRankUpdate update;
    Tensor& first = shared[module];
    if (!first) first = read_numbers(*a, 2);
    update.a = first;
    if (update.a.dim(1) != w.shape[1])
      throw Error("an input of " + std::to_string(w.shape[1]) + " was expected, not " +
                  std::to_string(update.a.dim(1)))
          .in(a->file)
          .field(a->name);
    if (const double rank = config.rank_of(module); static_cast<double>(update.rank()) != rank)
      throw Error(fmt::format("a rank of {} was expected, as adapter_config.json says (r, rank_pattern), not {}", rank, update.rank()))
          .in(a->file)
          .field(a->name);
    update.b = own_rows(read_numbers(*b, 2), w, *b);
    if (update.b.dim(1) != update.rank())
      throw Error("a rank of " + std::to_string(update.rank()) + " was expected, not " +
                  std::to_string(update.b.dim(1)))
          .in(b->file)
          .field(b->name);
    const TensorInfo* m = tensors.find(module, ".lora_magnitude_vector");
    if (!m) m = tensors.find(module, ".lora_magnitude_vector.weight");
    if (config.magnitudes != (m != nullptr))
      throw Error(m ? "is there, but the configuration says use_dora false"
                    : "the magnitudes of DoRA are missing")
          .in(one.file)
          .field(m ? m->name : module);
    if (m) update.magnitude = own_rows(read_numbers(*m, 1), w, *m);
    update.scale = low_rank_scale(config.alpha_of(module), update.rank(), config.rank_stabilised);
    out.updates[w.own_name()] = std::move(update);
  }
  if (const auto table = out.whole.find("token_embd.weight"); tied && config.keeps_tied && table != out.whole.end())
    out.whole.try_emplace("output.weight", table->second);
  tensors.require_all_used();
  if (out.updates.empty() && out.whole.empty()) throw Error("the adapter is empty").in(folder.string());
  return out;
}

namespace {

// The modules of a folder's world: a fused one is several weights of the model.
struct Module {
  std::string name;
  std::vector<const WeightSpec*> parts;  // in the order of their rows
};

std::vector<Module> modules_of(const std::vector<WeightSpec>& weights, const Adapter& adapter) {
  std::vector<Module> out;
  for (const WeightSpec& w : weights) {
    if (!adapter.updates.contains(w.own_name()) || w.role != Role::linear) continue;
    const std::string name = module_name(w, false);
    const auto at = std::ranges::find(out, name, &Module::name);
    if (at == out.end())
      out.push_back({name, {&w}});
    else
      at->parts.push_back(&w);
  }
  for (Module& m : out)
    std::ranges::sort(m.parts, {}, [](const WeightSpec* w) { return w->hf_part.first; });
  return out;
}

Tensor stacked(const std::vector<Tensor>& parts) {
  if (parts.size() == 1) return parts[0];
  std::int64_t rows = 0;
  for (const Tensor& p : parts) rows += p.dim(0);
  const bool vector = parts[0].shape().rank() == 1;
  Tensor out = Tensor::zeros(vector ? Shape{rows} : Shape{rows, parts[0].dim(1)});
  float* to = out.f32();
  for (const Tensor& p : parts) to = std::copy_n(p.f32(), p.shape().count(), to);
  return out;
}

Json config_json(const Adapter& adapter, const std::vector<Module>& modules, bool transposed,
                 const std::vector<std::string>& whole) {
  std::set<std::string> targets;
  Json ranks = Json::object(), alphas = Json::object();
  for (const Module& m : modules) {
    targets.insert(m.name.substr(m.name.rfind('.') + 1));
    const LowRankUpdate& u = adapter.updates.at(m.parts[0]->own_name());
    if (u.rank() != adapter.rank) ranks[m.name] = u.rank();
    // Exact where the scale is what the whole adapter's alpha gives.
    if (u.scale != low_rank_scale(adapter.alpha, u.rank(), adapter.rank_stabilised))
      alphas[m.name] = static_cast<double>(u.scale) *
                       (adapter.rank_stabilised ? std::sqrt(static_cast<double>(u.rank()))
                                                : static_cast<double>(u.rank()));
  }
  Json json = {{"peft_type", "LORA"},
               {"task_type", "CAUSAL_LM"},
               {"base_model_name_or_path", adapter.base},
               {"r", adapter.rank},
               {"lora_alpha", adapter.alpha},
               {"lora_dropout", 0.0},
               {"use_rslora", adapter.rank_stabilised},
               {"use_dora", adapter.magnitudes()},
               {"bias", "none"},
               {"fan_in_fan_out", transposed},
               {"inference_mode", true},
               {"init_lora_weights", true},
               {"target_modules", Json(targets)},
               {"rank_pattern", ranks},
               {"alpha_pattern", alphas},
               {"modules_to_save", whole.empty() ? Json(nullptr) : Json(whole)}};
  return json;
}

}  // namespace

void write_peft(const Adapter& adapter, Model& model, const Path& folder, bool replace) {
  const std::vector<WeightSpec> weights = model.weights();
  const std::vector<Module> modules = modules_of(weights, adapter);
  std::vector<std::pair<std::string, Tensor>> tensors;
  bool transposed = false;
  for (const Module& m : modules) {
    std::vector<Tensor> b, magnitude;
    for (const WeightSpec* w : m.parts) {
      const LowRankUpdate& u = adapter.updates.at(w->own_name());
      b.push_back(u.b);
      if (u.magnitude) magnitude.push_back(u.magnitude);
      transposed |= w->transposed;
    }
    const std::string name = std::string(kPrefix) + m.name;
    tensors.emplace_back(name + ".lora_A.weight", adapter.updates.at(m.parts[0]->own_name()).a);
    tensors.emplace_back(name + ".lora_B.weight", stacked(b));
    if (!magnitude.empty()) tensors.emplace_back(name + ".lora_magnitude_vector", stacked(magnitude));
  }
  std::vector<std::string> whole;
  for (const WeightSpec& w : weights) {
    const auto at = adapter.whole.find(whole_name(w));
    if (at == adapter.whole.end()) continue;
    const std::string module = module_name(w, model.config().tied);
    const std::string name = std::string(kPrefix) + module + w.hf.substr(w.hf.rfind('.'));
    if (w.hf_part.whole.rank() || w.less_one || w.transposed)
      throw Error("a whole weight of this kind cannot be put into an adapter; merge it instead").field(w.hf);
    tensors.emplace_back(name, at->second);
    whole.push_back(module.substr(module.rfind('.') + 1));
  }
  std::ranges::sort(whole);
  whole.erase(std::unique(whole.begin(), whole.end()), whole.end());
  AtomicFolder out(folder, replace);
  if (!adapter.template_sum.empty())
    write_own(out.path(), {{"chat_template_sha256", adapter.template_sum}});
  if (!adapter.chat_template.empty())
    write_file(out.path() / "chat_template.jinja", adapter.chat_template);
  write_file(out.path() / "adapter_config.json",
             config_json(adapter, modules, transposed, whole).dump(2) + "\n");
  SafetensorsWriter writer(out.path() / "adapter_model.safetensors");
  for (const auto& [name, t] : tensors) writer.add_tensor(name, Type::f32, t.shape());
  writer.finish([&](std::size_t index, const PutBytes& put) {
    const Tensor& t = tensors[index].second;
    put({t.view().data, static_cast<std::size_t>(t.shape().count()) * 4});
  });
  out.commit();
}

}  // namespace bantam::adapt
