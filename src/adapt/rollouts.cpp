#include "adapt/rollouts.h"

#include <algorithm>

#include "base/machine.h"
#include "infer/answer.h"
#include "infer/decoder.h"

namespace bantam::adapt {

namespace {

// As many answers at once as a quarter of the free memory has room for: the bytes of an answer are the
// same however many there are.
SessionOptions options_for(const Model& model, Arithmetic arithmetic, std::int64_t positions,
                           std::int64_t& bytes) {
  constexpr std::int64_t kMostSlots = 32;
  SessionOptions options;
  options.arithmetic = arithmetic;
  options.positions = positions;
  const auto taken = [&](std::int64_t slots) {
    return model.cache_shape(slots, positions, choose_cache_type(options, arithmetic)).bytes();
  };
  options.slots = kMostSlots;
  while (options.slots > 1 && taken(options.slots) > available_memory() / 4) options.slots /= 2;
  bytes = taken(options.slots);
  return options;
}

// Streams of one seed: 8 for answers, further ones for each.
std::uint64_t stream_of(std::uint64_t round, std::uint64_t number) {
  return mix64((std::uint64_t{8} << 32) + round) + number;
}

}  // namespace

RollOuts::RollOuts(const Model& model, Runtime runtime, Arithmetic arithmetic,
                   std::shared_ptr<const Tokenizer> tokenizer, const GroupSettings& settings,
                   std::int64_t longest, std::uint64_t seed)
    : tokenizer_(std::move(tokenizer)),
      settings_(settings),
      seed_(seed),
      session_(model, runtime,
               options_for(model, arithmetic, longest + settings.answer_tokens, cache_bytes_)) {}

namespace {

struct Live {
  Live(std::size_t number, std::span<const std::int32_t> prompt,
       std::shared_ptr<const Tokenizer> tokenizer, AnswerOptions options)
      : place(number), answer(std::move(tokenizer), std::move(options)), going(prompt, answer) {}
  std::size_t place;
  Answer answer;
  Going going;
};

}  // namespace

std::vector<RollOut> RollOuts::sample(std::span<const std::span<const std::int32_t>> prompts,
                                      std::uint64_t round, const std::function<bool()>& go_on) {
  session_.weights_changed();
  AnswerOptions how;
  how.most_tokens = settings_.answer_tokens;
  // What is sampled must be what the model says: no stage but the temperature has a part.
  how.sampling.top_k = 0;
  how.sampling.top_p = 1;
  how.sampling.min_p = 0;
  how.sampling.temperature = settings_.temperature;
  how.sampling.seed = seed_;
  DecoderOptions options;
  options.rows_beside = 512;  // nobody waits for the next token of an answer
  Decoder decoder(session_, options);
  const auto group = static_cast<std::size_t>(settings_.group);
  std::vector<RollOut> out(prompts.size() * group);
  std::vector<std::unique_ptr<Live>> live;
  std::vector<Going*> goings;
  for (std::size_t next = 0; next < out.size() || !live.empty();) {
    // One a pass: the others of its group find the prompt in its slot.
    if (next < out.size() && live.size() < static_cast<std::size_t>(session_.slots())) {
      how.stream = stream_of(round, next);
      live.push_back(std::make_unique<Live>(next, prompts[next / group], tokenizer_, how));
      decoder.seat(live.back()->going, goings);
      goings.push_back(&live.back()->going);
      ++next;
    }
    if (!decoder.step(goings, go_on)) return {};
    for (const auto& l : live) {
      if (l->going.fault()) std::rethrow_exception(l->going.fault());
      if (l->going.over())
        out[l->place] = {{l->answer.ids().begin(), l->answer.ids().end()},
                         l->answer.text(),
                         l->answer.reason() == StopReason::length || l->answer.reason() == StopReason::context};
    }
    std::erase_if(live, [](const auto& l) { return l->going.over(); });
    goings.clear();
    for (const auto& l : live) goings.push_back(&l->going);
  }
  return out;
}

}  // namespace bantam::adapt
