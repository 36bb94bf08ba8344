#include "adapt/gate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "adapt/attach.h"
#include "base/counting.h"
#include "base/error.h"
#include "blocks/format.h"
#include "chat/answer_mask.h"
#include "infer/session.h"

namespace bantam::adapt {

std::vector<float> logits_of(const Model& model, std::span<const std::int32_t> ids,
                             Arithmetic arithmetic, ThreadPool& pool, const Kernels& kernels) {
  Arena arena;
  Context ctx(pool, kernels, arena);
  ctx.arithmetic = arithmetic;
  Batch batch;
  for (std::size_t i = 0; i < ids.size(); ++i)
    batch.add(ids[i], static_cast<std::int32_t>(i), 0, true);
  const Tensor logits = model.forward(ctx, batch, nullptr);
  return {logits.f32(), logits.f32() + logits.shape().count()};
}

double mean_divergence(std::span<const float> a, std::span<const float> b,
                       std::int64_t vocabulary) {
  const auto width = static_cast<std::size_t>(vocabulary);
  const std::size_t rows = a.size() / width;
  const auto log_sum = [&](std::span<const float> row) {
    double most = -1e300, sum = 0;
    for (const float x : row) most = std::max(most, static_cast<double>(x));
    for (const float x : row) sum += std::exp(static_cast<double>(x) - most);
    return most + std::log(sum);
  };
  double total = 0;
  for (std::size_t r = 0; r < rows; ++r) {
    const auto p = a.subspan(r * width, width), q = b.subspan(r * width, width);
    const double zp = log_sum(p), zq = log_sum(q);
    for (std::size_t i = 0; i < width; ++i) {
      const double lp = static_cast<double>(p[i]) - zp, lq = static_cast<double>(q[i]) - zq;
      total += std::exp(lp) * (lp - lq);
    }
  }
  return rows ? total / static_cast<double>(rows) : 0;
}

namespace {

// A few characters around the place where two texts part.
std::string around(const std::string& text, std::size_t at) {
  return printable(std::string_view(text).substr(at - std::min<std::size_t>(at, 12), 40));
}

}  // namespace

void check_prompts(std::span<const GatePrompt> prompts, const Tokenizer& tokenizer,
                   const ChatTemplate* chat, const LocalTime& now, const std::string& file) {
  for (const GatePrompt& p : prompts) {
    if (!p.messages.is_array()) continue;
    const auto fail = [&](const std::string& what) {
      throw Error("the identity gate: " + what + "; the export is refused").in(file);
    };
    if (!chat) fail("the model that a user loads has no chat template");
    ChatInput input;
    input.messages = p.messages;
    input.tools = p.tools;
    input.extra = p.variables;
    input.now = now;
    set_special_tokens(tokenizer, input);
    input.add_generation_prompt = false;
    const std::string text = chat->render(input);
    if (text != p.text) {
      const auto at =
          static_cast<std::size_t>(std::ranges::mismatch(text, p.text).in1 - text.begin());
      fail("the chat template renders a conversation differently than in training, at byte " +
           std::to_string(at) + ": \"" + around(text, at) + "\", not \"" + around(p.text, at) + "\"");
    }
    const MaskedPrompt again = mask_answers(*chat, tokenizer, std::move(input));
    if (!std::equal(p.ids.begin(), p.ids.end(), again.ids.begin(),
                    again.ids.begin() + static_cast<std::ptrdiff_t>(std::min(again.ids.size(), p.ids.size()))))
      fail("the tokenizer gives other tokens than in training");
  }
}

std::string GateResult::line() const {
  if (same_bytes)
    return fmt::format("identity gate: {}, {}: the same prompts, tokens and bytes of every logit",
                       number_of(prompts, "prompt"), number_of(tokens, "token"));
  return fmt::format("identity gate: {}, {}: the same prompts and tokens; logits differ by {:.2e} nats",
                     number_of(prompts, "prompt"), number_of(tokens, "token"), divergence);
}

namespace {

GateResult compare(std::span<const GatePrompt> prompts, std::int64_t vocabulary,
                   const std::function<std::vector<float>(std::span<const std::int32_t>, bool)>& run) {
  GateResult result;
  result.same_bytes = true;
  for (const GatePrompt& p : prompts) {
    const std::vector<float> a = run(p.ids, false), b = run(p.ids, true);
    ++result.prompts;
    result.tokens += p.ids.size();
    if (std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0) continue;
    result.same_bytes = false;
    result.divergence = std::max(result.divergence, mean_divergence(a, b, vocabulary));
  }
  return result;
}

}  // namespace

GateResult check_adapter(const Path& model, const Path& exported, const Adapter& trained,
                         std::span<const GatePrompt> prompts, const LocalTime& now, ThreadPool& pool,
                         const Kernels& kernels) {
  const auto file = std::make_shared<const ModelFile>(model);
  const auto tokenizer = tokenizer_of(*file);
  const Arithmetic arithmetic = choose_arithmetic(*file, std::nullopt);
  std::vector<Scratch> scratch(pool.size() + 1);
  const Exec exec{pool, kernels, scratch};
  const auto load = [&](const Adapter& adapter) {
    std::unique_ptr<Model> m = load_model(file, arithmetic, exec);
    attach(*m, adapter, file, exec);
    return m;
  };
  const std::unique_ptr<Model> here = load(trained);
  const Adapter loaded = read_adapter(exported, *here);
  check_template(loaded, tokenizer->chat_template());
  const auto chat = loaded.chat_template.empty()
                        ? own_template(*tokenizer, model.string())
                        : std::optional(ChatTemplate(loaded.chat_template, exported.string()));
  check_prompts(prompts, *tokenizer, chat ? &*chat : nullptr, now, model.string());
  const std::unique_ptr<Model> there = load(loaded);
  const GateResult result =
      compare(prompts, file->config().vocabulary, [&](std::span<const std::int32_t> ids, bool again) {
        return logits_of(again ? *there : *here, ids, arithmetic, pool, kernels);
      });
  if (!result.same_bytes)
    throw Error(fmt::format("the identity gate: loaded again the adapter gives other logits ({:.2e} nats); "
                            "the export is refused",
                            result.divergence))
        .in(exported.string());
  return result;
}

GateResult check_model(const Path& exported, const Model& trained,
                       std::span<const GatePrompt> prompts, const LocalTime& now, double most,
                       ThreadPool& pool, const Kernels& kernels) {
  const auto file = std::make_shared<const ModelFile>(exported);
  const auto tokenizer = tokenizer_of(*file);
  const auto chat = own_template(*tokenizer, exported.string());
  check_prompts(prompts, *tokenizer, chat ? &*chat : nullptr, now, exported.string());
  const Arithmetic arithmetic = choose_arithmetic(*file, std::nullopt);
  std::vector<Scratch> scratch(pool.size() + 1);
  const Exec exec{pool, kernels, scratch};
  const std::unique_ptr<Model> there = load_model(file, arithmetic, exec);
  const GateResult result =
      compare(prompts, file->config().vocabulary, [&](std::span<const std::int32_t> ids, bool again) {
        return again ? logits_of(*there, ids, arithmetic, pool, kernels)
                     : logits_of(trained, ids, Arithmetic::f32, pool, kernels);
      });
  bool exact = true;
  for (const TensorInfo& t : file->tensors().tensors())
    exact = exact && t.format && t.format->type == Type::f32;
  if (!result.same_bytes && (exact || !(result.divergence <= most)))
    throw Error(fmt::format("the identity gate: loaded again the model gives other logits ({:.2e} nats{}); "
                            "the export is refused",
                            result.divergence, exact ? "" : fmt::format(", at most {:.0e} is let through", most)))
        .in(exported.string());
  return result;
}

}  // namespace bantam::adapt
