#include "adapt/export.h"

#include <nlohmann/json.hpp>

#include "adapt/gate.h"
#include "adapt/golden_file.h"
#include "adapt/model_writer.h"
#include "base/error.h"
#include "files/model_path.h"

namespace bantam::adapt {

namespace {

// The first conversations of the data, short enough to run in a moment.
std::vector<GatePrompt> gate_prompts(const Trained& t) {
  constexpr std::size_t kMost = 4, kTokens = 128;
  std::vector<GatePrompt> out;
  const auto add = [&](GatePrompt p) {
    if (p.ids.size() > kTokens) p.ids.resize(kTokens);
    if (!p.ids.empty()) out.push_back(std::move(p));
  };
  for (const RenderedSample& s : t.data.report.samples)
    add({s.messages, s.tools, s.masked.text, s.masked.ids, t.request.variables});
  for (std::size_t i = 0; out.size() < kMost && i < t.data.examples.size(); ++i)
    add({{}, {}, {}, t.data.examples[i].first.ids, {}});
  return out;
}

// Under another name first: what the gate refuses must not lie where it is looked for.
Path trial_name(const Trained& t) {
  return t.folder / (files::is_gguf_name(t.request.out) ? "export.gguf" : "export");
}

// What the gate has seen, golden vectors and all, is what lies there.
std::string let_through(const Trained& t, const std::function<std::string(const Path& trial)>& gate) {
  const Path trial = trial_name(t);
  std::error_code problem;
  std::string said;
  try {
    said = gate(trial);
  } catch (...) {
    std::filesystem::remove_all(trial, problem);
    throw;
  }
  if (t.replace) std::filesystem::remove_all(t.request.out, problem);
  std::filesystem::rename(trial, t.request.out, problem);
  if (problem) throw Error("cannot be written: " + problem.message()).in(t.request.out.string());
  return said;
}

}  // namespace

std::string export_adapter(const Trained& t, Adapter& adapter) {
  const std::vector<GatePrompt> asked = gate_prompts(t);
  const std::string& own = t.data.tokenizer->chat_template();
  if (t.data.chat) {
    adapter.template_sum = text_sum(t.data.chat->source());
    adapter.chat_template = t.data.chat->source() == own ? "" : t.data.chat->source();
  }
  write_adapter(adapter, t.model, trial_name(t), true);
  return let_through(t, [&](const Path& trial) {
    const std::string golden = keep_golden(t.request.model, trial, t.pool, t.kernels);
    return check_adapter(t.request.model, trial, adapter, asked, t.day, t.pool, t.kernels).line() + "; " + golden;
  });
}

std::string export_model(const Trained& t) {
  const std::vector<GatePrompt> asked = gate_prompts(t);
  const WeightRows rows = [](const WeightSpec& w) { return w.rows(); };
  const bool own = !t.data.chat || t.data.chat->source() == t.data.tokenizer->chat_template();
  write_model(*t.file, t.model, rows, float_types(t.file), trial_name(t), true,
              own ? "" : t.data.chat->source());
  constexpr double kMost = 0.05;  // nats, of what float16 and bfloat16 round
  return let_through(t, [&](const Path& trial) {
    const std::string golden = keep_golden(trial, std::nullopt, t.pool, t.kernels);
    return check_model(trial, t.model, asked, t.day, kMost, t.pool, t.kernels).line() + "; " + golden;
  });
}

}  // namespace bantam::adapt
