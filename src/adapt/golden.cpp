#include "adapt/golden.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "adapt/attach.h"
#include "base/counting.h"
#include "base/error.h"
#include "base/hash.h"
#include "chat/chat_template.h"
#include "infer/session.h"
#include "tokenizer/same_ids.h"

namespace bantam::adapt {

namespace {

constexpr std::size_t kGoldenTokens = 64;  // of a prompt: a moment's work, also where a template has much to say
constexpr std::size_t kGoldenPlaces = 3, kGoldenLikely = 5;
constexpr LocalTime kGoldenDay{2000, 1, 1};  // templates may print the date

// A turn, a conversation, and a text that tells tokenizers apart.
std::vector<GoldenPrompt> golden_prompts(bool chat) {
  std::vector<GoldenPrompt> out;
  const auto said = [](const char* role, const char* content) { return Json{{"role", role}, {"content", content}}; };
  if (chat) {
    out.push_back({Json::array({said("user", "How many days are in a week?")}), {}, {}, {}, {}, {}});
    out.push_back({Json::array({said("user", "Hello!"), said("assistant", "Hello. What is it?"), said("user", "12 + 30 = ?")}),
                   {}, {}, {}, {}, {}});
  }
  out.push_back({{}, "The sun rises in the east.\n\n\t12 + 30 = 42; na\xc3\xafve, \xe6\x98\x8e\xe5\xa4\xa9, don't", {}, {}, {}, {}});
  return out;
}

std::string weights_sum(const ModelFile& file) {
  Sha256 sum;
  for (const TensorInfo& t : file.tensors().tensors()) {
    sum.add(std::as_bytes(std::span(t.name)));
    sum.add(t.data);
  }
  return sum.hex();
}

// Of the bytes as they lie there, so that it is the same to every later version of this program.
std::string tokenizer_sum(const ModelFile& file) {
  Sha256 sum;
  if (file.gguf()) {
    for (const Metadata::Entry& entry : file.gguf()->metadata().entries()) {
      if (!entry.key.starts_with("tokenizer.") || entry.key == "tokenizer.chat_template") continue;
      sum.add(std::as_bytes(std::span(entry.key)));
      sum.add(entry.value);
    }
  } else {
    for (const char* name : {"tokenizer.json", "tokenizer.model"})
      if (const auto path = file.folder()->file(name)) sum.add(MappedFile(*path).bytes());
  }
  return sum.hex();
}

// A model as a user loads it, with the template that he gets.
struct AsLoaded {
  AsLoaded(const Path& path, const std::optional<Path>& adapter_path, ThreadPool& pool_, const Kernels& kernels_)
      : pool(pool_),
        kernels(kernels_),
        file(std::make_shared<const ModelFile>(path)),
        tokenizer(tokenizer_of(*file)),
        arithmetic(choose_arithmetic(*file, std::nullopt)),
        scratch(pool.size() + 1),
        model(load_model(file, arithmetic, {pool, kernels, scratch})) {
    std::string brought;
    if (adapter_path) {
      const Adapter adapter = read_adapter(*adapter_path, *model);
      attach(*model, adapter, file, {pool, kernels, scratch});
      weights = digest(adapter);
      try {
        check_template(adapter, tokenizer->chat_template());
      } catch (const Error& error) {
        refused = error.message();
      }
      brought = adapter.chat_template;
      words = meaning_sum(*tokenizer);
    } else {
      weights = weights_sum(*file);
      words = tokenizer_sum(*file);
    }
    chat = brought.empty() ? own_template(*tokenizer, path.string())
                           : std::optional(ChatTemplate(brought, adapter_path->string()));
  }

  std::string template_sum() const { return chat ? text_sum(chat->source()) : ""; }

  ThreadPool& pool;
  const Kernels& kernels;
  std::shared_ptr<const ModelFile> file;
  std::shared_ptr<const Tokenizer> tokenizer;
  Arithmetic arithmetic;
  std::vector<Scratch> scratch;
  std::unique_ptr<Model> model;
  std::optional<ChatTemplate> chat;
  std::string weights, words;  // as in GoldenVectors
  std::string refused;         // why the adapter may not be used on this model; empty: it may
};

std::string_view golden_arithmetic(Arithmetic arithmetic) {
  return arithmetic == Arithmetic::int8 ? "int8" : "f32";  // the two that choose_arithmetic knows
}

// What the model is asked, and the first tokens of it. Throws Error as the template does.
std::string rendered_golden(const GoldenPrompt& p, const AsLoaded& loaded, std::vector<std::int32_t>& ids) {
  std::string text = p.text;
  const bool talk = p.messages.is_array();
  if (talk) {
    ChatInput input;
    input.messages = p.messages;
    input.now = kGoldenDay;
    set_special_tokens(*loaded.tokenizer, input);
    text = loaded.chat->render(input);
  }
  ids = loaded.tokenizer->encode(text, {!talk, true});
  const auto most = std::min(kGoldenTokens, static_cast<std::size_t>(loaded.file->config().context));
  if (ids.size() > most) ids.resize(most);
  return text;
}

bool in_vocabulary(std::span<const std::int32_t> ids, const AsLoaded& loaded) {
  return std::ranges::all_of(ids, [&](std::int32_t id) { return id >= 0 && id < loaded.file->config().vocabulary; });
}

std::vector<GoldenPrompt::Likely> likeliest_of(std::span<const float> logits) {
  std::vector<std::int32_t> ids(logits.size());
  std::iota(ids.begin(), ids.end(), 0);
  const auto at = [&](std::int32_t id) { return logits[static_cast<std::size_t>(id)]; };
  const auto kept = static_cast<std::ptrdiff_t>(std::min(kGoldenLikely, ids.size()));
  std::partial_sort(ids.begin(), ids.begin() + kept, ids.end(),
                    [&](std::int32_t a, std::int32_t b) { return at(a) != at(b) ? at(a) > at(b) : a < b; });
  std::vector<GoldenPrompt::Likely> out;
  for (std::ptrdiff_t i = 0; i < kept; ++i) out.push_back({ids[static_cast<std::size_t>(i)], at(ids[static_cast<std::size_t>(i)])});
  return out;
}

// The logits [T,V] of each prompt, in one pass over the weights, however large they are.
std::vector<std::vector<float>> golden_logits(const AsLoaded& loaded, std::span<const GoldenPrompt> prompts) {
  Arena arena;
  Context ctx(loaded.pool, loaded.kernels, arena);
  ctx.arithmetic = loaded.arithmetic;
  Batch batch;
  for (std::size_t p = 0; p < prompts.size(); ++p)
    for (std::size_t i = 0; i < prompts[p].ids.size(); ++i)
      batch.add(prompts[p].ids[i], static_cast<std::int32_t>(i), static_cast<std::int32_t>(p), true);
  if (batch.rows() == 0) return std::vector<std::vector<float>>(prompts.size());
  const Tensor logits = loaded.model->forward(ctx, batch, nullptr);
  const float* from = logits.f32();
  std::vector<std::vector<float>> out;
  for (const GoldenPrompt& p : prompts) {
    const std::int64_t count = static_cast<std::int64_t>(p.ids.size()) * logits.dim(1);
    out.emplace_back(from, from + count);
    from += count;
  }
  return out;
}

std::string sum_of(std::span<const float> logits) {
  Sha256 sum;
  sum.add(std::as_bytes(logits));
  return sum.hex();
}

// Of the last tokens, the last one last.
std::vector<std::vector<GoldenPrompt::Likely>> last_of(const GoldenPrompt& p, std::span<const float> logits) {
  std::vector<std::vector<GoldenPrompt::Likely>> out;
  const std::size_t tokens = p.ids.size(), width = tokens ? logits.size() / tokens : 0;
  for (std::size_t t = tokens - std::min(kGoldenPlaces, tokens); t < tokens; ++t)
    out.push_back(likeliest_of(logits.subspan(t * width, width)));
  return out;
}

}  // namespace

GoldenVectors make_golden(const Path& model, const std::optional<Path>& adapter, ThreadPool& pool,
                   const Kernels& kernels) {
  const AsLoaded loaded(model, adapter, pool, kernels);
  GoldenVectors out;
  out.arithmetic = golden_arithmetic(loaded.arithmetic);
  out.chat_template = loaded.template_sum();
  out.weights = loaded.weights;
  out.tokenizer = loaded.words;
  for (GoldenPrompt& p : golden_prompts(loaded.chat.has_value())) {
    try {
      p.rendered = text_sum(rendered_golden(p, loaded, p.ids));
    } catch (const Error&) {
      continue;  // a conversation that this template is not made for
    }
    if (!p.ids.empty() && in_vocabulary(p.ids, loaded)) out.prompts.push_back(std::move(p));
  }
  const auto logits = golden_logits(loaded, out.prompts);
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (!std::ranges::all_of(logits[i], [](float x) { return std::isfinite(x); }))
      throw Error("the model's logits are no numbers; bantam info --verify says whether its weights are").in(model.string());
    out.prompts[i].logits = sum_of(logits[i]);
    out.prompts[i].last = last_of(out.prompts[i], logits[i]);
  }
  return out;
}

namespace {

// What a prompt becomes now, beside then: a line where it differs.
std::optional<std::string> changed_prompt(const GoldenPrompt& p, const AsLoaded& loaded, std::size_t number) {
  if (p.messages.is_array() && !loaded.chat) return "the chat template is gone";
  std::vector<std::int32_t> ids;
  try {
    if (text_sum(rendered_golden(p, loaded, ids)) != p.rendered)
      return fmt::format("the chat template renders prompt {} differently", number);
  } catch (const Error& error) {
    return fmt::format("the chat template fails on prompt {}: {}", number, error.message());
  }
  if (ids != p.ids) return fmt::format("the tokenizer gives other tokens for prompt {}", number);
  return std::nullopt;
}

// The largest difference of the logits that were kept.
double farthest(const GoldenPrompt& p, std::span<const float> logits) {
  const std::size_t width = logits.size() / p.ids.size();
  double most = 0;
  for (std::size_t back = 1; back <= std::min(p.last.size(), p.ids.size()); ++back)
    for (const GoldenPrompt::Likely& l : p.last[p.last.size() - back])
      if (l.id >= 0 && static_cast<std::size_t>(l.id) < width)
        most = std::max(most, std::fabs(static_cast<double>(logits[logits.size() - back * width + static_cast<std::size_t>(l.id)]) -
                                        static_cast<double>(l.logit)));
  return most;
}

// The logits now, beside then; of the very tokens that were kept, whatever the tokenizer gives now.
std::optional<std::string> changed_logits(const GoldenVectors& golden, const AsLoaded& loaded) {
  if (golden_arithmetic(loaded.arithmetic) != golden.arithmetic)
    return fmt::format("they are of a model that computes in {}, this one computes in {}: it is another file",
                       golden.arithmetic, golden_arithmetic(loaded.arithmetic));
  for (const GoldenPrompt& p : golden.prompts)
    if (!in_vocabulary(p.ids, loaded)) return "a token of theirs is none of the model's: it is another file";
  const auto logits = golden_logits(loaded, golden.prompts);
  std::size_t others = 0;
  double most = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (sum_of(logits[i]) == golden.prompts[i].logits) continue;
    ++others;
    most = std::max(most, farthest(golden.prompts[i], logits[i]));
  }
  if (others > 0)
    return fmt::format("the logits of {} of {} differ, those of the likeliest tokens by up to {:.3g}: the "
                       "weights are not those that were written",
                       others, number_of(golden.prompts.size(), "prompt"), most);
  if (loaded.weights != golden.weights)
    return "the weights are not those that were written, though the logits of the prompts are";
  return std::nullopt;
}

}  // namespace

std::vector<std::string> differences(const GoldenVectors& golden, const Path& model,
                                     const std::optional<Path>& adapter, ThreadPool& pool,
                                     const Kernels& kernels) {
  const AsLoaded loaded(model, adapter, pool, kernels);
  std::vector<std::string> out;
  if (loaded.template_sum() != golden.chat_template)
    out.emplace_back("the chat template is not the one that was written");
  else if (!loaded.refused.empty())
    out.push_back(loaded.refused);
  for (std::size_t i = 0; i < golden.prompts.size(); ++i)
    if (auto line = changed_prompt(golden.prompts[i], loaded, i + 1)) out.push_back(std::move(*line));
  if (adapter && !golden.tokenizer.empty() && loaded.words != golden.tokenizer)
    out.emplace_back("the model's tokenizer is not that of the model which the adapter was trained on");
  if (!adapter && loaded.words != golden.tokenizer) out.emplace_back("the tokenizer is not the one that was written");
  if (auto line = changed_logits(golden, loaded)) out.push_back(std::move(*line));
  return out;
}

}  // namespace bantam::adapt
