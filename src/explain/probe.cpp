#include "explain/probe.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "explain/stored.h"
#include "infer/log_probabilities.h"

namespace bantam::explain {

namespace {

// Rows of a pass: variants are put together up to so many.
constexpr std::int64_t kRows = 512;

void add_sequence(Batch& batch, std::span<const std::int32_t> prompt,
                  std::span<const std::int32_t> answer, std::int32_t sequence) {
  std::int32_t position = 0;
  for (std::size_t i = 0; i < prompt.size(); ++i)
    batch.add(prompt[i], position++, sequence, i + 1 == prompt.size());
  for (std::size_t i = 0; i + 1 < answer.size(); ++i)
    batch.add(answer[i], position++, sequence, true);
}

// Takes away what each variant says, in its own rows alone.
class Remover : public nn::Observer {
 public:
  Remover(std::span<const Variant> variants, std::span<const std::int64_t> starts, Fill fill)
      : variants_(variants), starts_(starts), fill_(fill) {}

  Tensor see(Context& ctx, nn::Point point, int layer, const Tensor& value) override {
    Tensor changed;
    for (std::size_t v = 0; v < variants_.size(); ++v)
      for (const Removal& removal : variants_[v].removals) {
        if (removal.point != point || removal.layer != layer) continue;
        if (!changed) changed = copied(ctx, value);
        remove(changed, removal, starts_[v], starts_[v + 1]);
      }
    return changed ? changed : value;
  }

 private:
  static Tensor copied(Context& ctx, const Tensor& value) {
    Tensor copy = ctx.make(value.shape(), value.type());
    std::memcpy(copy.view().data, value.view().data,
                static_cast<std::size_t>(value.shape().count()) * sizeof(float));
    return copy;
  }

  void remove(const Tensor& from, const Removal& removal, std::int64_t begin,
              std::int64_t end) const {
    for (std::int64_t c = removal.first; c < removal.first + removal.count; ++c) {
      double sum = 0;
      for (std::int64_t r = begin; fill_ == Fill::mean && r < end; ++r)
        sum += static_cast<double>(from.f32()[r * from.columns() + c]);
      const auto put = static_cast<float>(sum / static_cast<double>(end - begin));
      for (std::int64_t r = begin; r < end; ++r) from.f32()[r * from.columns() + c] = put;
    }
  }

  std::span<const Variant> variants_;
  std::span<const std::int64_t> starts_;  // their first rows, and the end
  Fill fill_;
};

}  // namespace

Probe::Probe(const Model& model, Runtime runtime, Arithmetic arithmetic,
             std::function<bool()> go_on, Type cache)
    : model_(model),
      ctx_(runtime.pool, runtime.kernels, arena_),
      go_on_(std::move(go_on)),
      cache_(cache) {
  ctx_.arithmetic = arithmetic;
  const Cache possible(model.cache_shape(1, 1, cache));  // says what is wrong where it is not
}

void Probe::check(const Question& question) const {
  if (question.prompt.empty() || question.answer.empty())
    throw Error("a prompt and an answer of one token or more were expected");
  for (const std::vector<std::int32_t>* ids : {&question.prompt, &question.answer})
    for (const std::int32_t id : *ids)
      if (id < 0 || id >= config().vocabulary)
        throw Error("there is no token " + std::to_string(id) + "; the vocabulary has 0 to " +
                    std::to_string(config().vocabulary - 1));
  const std::size_t length = question.prompt.size() + question.answer.size();
  if (static_cast<std::int64_t>(length) > config().context)
    throw Error("prompt and answer are " + std::to_string(length) +
                " tokens long, the model was trained with " + std::to_string(config().context) +
                "; shorten the prompt");
}

Batch Probe::batch(const Question& question) const {
  Batch batch;
  add_sequence(batch, question.prompt, question.answer, 0);
  return batch;
}

Tensor Probe::forward(const Batch& batch, nn::Observer* observer, Tape* tape) {
  if (go_on_ && !go_on_()) throw Error("interrupted");
  arena_.reset();
  Stored stored(cache_, observer);
  ctx_.observer = cache_ == Type::f32 ? observer : &stored;
  ctx_.tape = tape;
  const Tensor logits = model_.forward(ctx_, batch, nullptr);
  ctx_.observer = nullptr;
  ctx_.tape = nullptr;
  return logits;
}

std::vector<double> Probe::answers(std::span<const Variant> variants,
                                   std::span<const std::int32_t> answer, Fill fill) {
  std::vector<double> all;
  const auto rows = [&](const Variant& v) {
    return static_cast<std::int64_t>(v.prompt.size() + answer.size()) - 1;
  };
  for (std::size_t first = 0, end; first < variants.size(); first = end) {
    std::int64_t together = rows(variants[first]);
    for (end = first + 1; end < variants.size(); ++end) {
      together += rows(variants[end]);
      if (together > kRows) break;
    }
    run(variants.subspan(first, end - first), answer, fill, all);
  }
  return all;
}

void Probe::run(std::span<const Variant> variants, std::span<const std::int32_t> answer, Fill fill,
                std::vector<double>& to) {
  Batch batch;
  std::vector<std::int64_t> starts;
  for (const Variant& variant : variants) {
    starts.push_back(batch.rows());
    add_sequence(batch, variant.prompt, answer, static_cast<std::int32_t>(starts.size()));
  }
  starts.push_back(batch.rows());
  Remover remover(variants, starts, fill);
  const Tensor logits = forward(batch, &remover);
  for (std::size_t v = 0; v < variants.size(); ++v)
    to.push_back(log_probability(logits, static_cast<std::int64_t>(v * answer.size()), answer));
}

double Probe::answer(const Question& question) {
  const Variant whole{question.prompt};
  return answers({&whole, 1}, question.answer).front();
}

double log_probability(const Tensor& logits, std::int64_t first,
                       std::span<const std::int32_t> answer) {
  double sum = 0;
  for (std::size_t i = 0; i < answer.size(); ++i) {
    const float* row = logits.f32() + (first + static_cast<std::int64_t>(i)) * logits.columns();
    sum += log_probabilities({row, static_cast<std::size_t>(logits.columns())}, answer[i], 0)
               .chosen.log_probability;
  }
  return sum;
}

}  // namespace bantam::explain
