// The identity gate: what was trained against what a user will load, before an export is let go.
#pragma once

#include <string>
#include <vector>

#include "base/rooms.h"
#include "adapt/adapter.h"
#include "chat/chat_template.h"
#include "models/loader.h"
#include "tokenizer/tokenizer.h"

namespace bantam::adapt {

// A prompt as training saw it.
struct GatePrompt {
  Json messages, tools;  // null: tokens alone
  std::string text;
  std::vector<std::int32_t> ids;
  Json variables;  // of the template: an object, or null
};

// The logits [T,V] of every token of the prompt, one after another, in this arithmetic.
std::vector<float> logits_of(const Model& model, std::span<const std::int32_t> ids,
                             Arithmetic arithmetic, ThreadPool& pool, const Kernels& kernels);
// The mean over tokens of KL(a || b) in nats, of two such lists with `vocabulary` numbers a token.
double mean_divergence(std::span<const float> a, std::span<const float> b, std::int64_t vocabulary);

// Throws Error when the tokenizer and template of the file render or encode a prompt differently
// than training did: it names the prompt and where the texts part.
void check_prompts(std::span<const GatePrompt> prompts, const Tokenizer& tokenizer,
                   const ChatTemplate* chat, const LocalTime& now, const std::string& file);

struct GateResult {
  std::size_t prompts = 0, tokens = 0;
  bool same_bytes = false;
  double divergence = 0;  // in nats, where the bytes differ
  std::string line() const;
};

// Loads the model and the exported adapter again and compares with the trained one on the same
// weights. Throws Error on any difference.
GateResult check_adapter(const Path& model, const Path& exported, const Adapter& trained,
                         std::span<const GatePrompt> prompts, const LocalTime& now, ThreadPool& pool,
                         const Kernels& kernels);

// Loads the exported model and compares with the trained one in memory, whose weights are float32:
// the same bytes where the export is float32, else a divergence of at most `most`. Throws Error.
GateResult check_model(const Path& exported, const Model& trained,
                       std::span<const GatePrompt> prompts, const LocalTime& now, double most,
                       ThreadPool& pool, const Kernels& kernels);

}  // namespace bantam::adapt
