#include "adapt/learning_model.h"

#include <algorithm>

#include "adapt/look_first.h"
#include "adapt/widen.h"
#include "base/error.h"
#include "base/machine.h"
#include "blocks/format.h"

namespace bantam::adapt {

std::int64_t LearningModel::trained() const {
  std::int64_t count = 0;
  for (const Parameter& p : parameters) count += p.shape.count();
  return count;
}

std::int64_t LearningModel::trained_bytes() const {
  std::int64_t bytes = 0;
  for (const Parameter& p : parameters)
    bytes += p.shape.count() * 4 * static_cast<std::int64_t>(2 + p.gradients.size() + (p.second ? 1 : 0));
  return bytes;
}

std::int64_t weight_bytes(const ModelFile& file) {
  std::int64_t bytes = 0;
  for (const TensorInfo& t : file.tensors().tensors()) bytes += static_cast<std::int64_t>(t.data.size());
  return bytes;
}

bool in_blocks(const ModelFile& file) {
  return std::ranges::any_of(file.tensors().tensors(), [](const TensorInfo& t) { return t.format && t.format->quantised; });
}

namespace {

NewAdapter fresh_adapter(Model& model, const TuneRequest& request, const Choice& choice) {
  NewAdapter fresh;
  fresh.weights = adapted_weights(model, request.targets);
  fresh.rank = choice.rank;
  fresh.alpha = choice.alpha;
  fresh.rank_stabilised = choice.method == Method::rslora;
  fresh.magnitudes = choice.method == Method::dora;
  fresh.seed = request.seed;
  return fresh;
}

Adapter adapter_to_go_on_from(Model& model, const ModelFile& file, const TuneRequest& request, Choice& choice) {
  Adapter adapter = read_adapter(*request.start, model);
  choice.rank = adapter.rank;
  choice.alpha = adapter.alpha;
  require_start(request, adapter, choice.method, adapter.template_sum.empty() ? "" : tokenizer_of(file)->chat_template());
  return adapter;
}

}  // namespace

void load_with_adapter(LearningModel& out, const TuneRequest& request, Choice& choice,
                       const std::shared_ptr<const ModelFile>& file, Tape& tape, const Exec& exec) {
  out.model = load_model(file, choice.settings.arithmetic, exec);
  Model& model = *out.model;
  // Half of what is free: the other half is for what a step keeps.
  if (choice.settings.arithmetic == Arithmetic::f32)
    out.widened = widen_matrices(model, available_memory() / 2, exec);
  out.adapter = request.start ? adapter_to_go_on_from(model, *file, request, choice)
                              : make_adapter(model, file, fresh_adapter(model, request, choice), exec);
  // The model's name: where it lies is its owner's business.
  if (out.adapter.base.empty())
    out.adapter.base = (request.model.has_filename() ? request.model : request.model.parent_path()).filename().string();
  attach(model, out.adapter, file, exec);
  out.parameters = adapter_parameters(model, out.adapter, tape);
  if (out.adapter.magnitudes()) out.lengths.emplace(model, out.adapter, file);
}

}  // namespace bantam::adapt
