#include "judge/answers.h"

#include <algorithm>

#include "infer/answer.h"
#include "infer/decoder.h"

namespace bantam::judge {

std::string cut_at(std::string text, std::span<const std::string> stops) {
  for (const std::string& stop : stops)
    if (!stop.empty()) text.resize(std::min(text.find(stop), text.size()));
  return text;
}

namespace {

// Rows of a prompt that go into a pass beside tokens of answers: nobody waits for those here.
constexpr std::int64_t kRowsBeside = 512;

}  // namespace

struct AnswerEngine::Live {
  Live(std::size_t at, const Sequence& prompt, std::shared_ptr<const Tokenizer> tokenizer, AnswerOptions options)
      : place(at), answer(std::move(tokenizer), std::move(options)), going(prompt.tokens, answer) {}

  std::size_t place;
  Answer answer;
  Going going;
};

// Embeddings may have more rows than the tokenizer has tokens; those stand for nothing.
std::vector<std::int32_t> AnswerEngine::known(std::span<const std::int32_t> ids) const {
  std::vector<std::int32_t> out;
  for (const std::int32_t id : ids)
    if (id < tokenizer_->size()) out.push_back(id);
  return out;
}

// The stops of the field's harness are sought in the text with control tokens spelt out, which is not
// the text that an answer shows; so it is asked here.
bool AnswerEngine::meets(std::span<const std::int32_t> ids, std::span<const std::string> stops) const {
  // A stop that is new reaches into the last token; the longest begins so many tokens before at most.
  std::size_t longest = 0;
  for (const std::string& stop : stops) longest = std::max(longest, stop.size());
  const std::string text = tokenizer_->decode(known(ids.last(std::min(ids.size(), longest + 2))), false);
  return std::ranges::any_of(stops, [&](const std::string& stop) {
    return !stop.empty() && text.find(stop) != std::string::npos;
  });
}

Written AnswerEngine::finish(const Answer& answer, std::span<const std::string> stops) const {
  Written out;
  out.tokens = static_cast<std::int64_t>(answer.ids().size());
  const std::string text = tokenizer_->decode(known(answer.ids()));
  out.text = cut_at(text, stops);
  out.ended = answer.reason() == StopReason::end || out.text.size() < text.size();
  return out;
}

bool AnswerEngine::run(std::span<const Sequence> prompts, std::span<const std::string> stops,
                       std::int64_t most, const Done& done, const Session::GoOn& go_on) {
  DecoderOptions options;
  options.rows_beside = kRowsBeside;
  Decoder decoder(session_, options);
  std::vector<std::unique_ptr<Live>> live;
  std::vector<Going*> goings;
  const auto slots = static_cast<std::size_t>(session_.slots());
  for (std::size_t next = 0; next < prompts.size() || !live.empty();) {
    // One a pass: the next prompt then finds what it shares with this one in its slot.
    if (next < prompts.size() && live.size() < slots) {
      AnswerOptions how;
      how.sampling = sampling_;
      how.most_tokens = most;
      if (!streams_.empty()) how.stream = streams_[next];
      how.constraint = tool_use(tokenizer_, tools_);
      live.push_back(std::make_unique<Live>(next, prompts[next], tokenizer_, std::move(how)));
      decoder.seat(live.back()->going, goings);
      goings.push_back(&live.back()->going);
      ++next;
    }
    if (!decoder.step(goings, go_on)) return false;
    for (const auto& l : live) {
      if (l->going.fault()) std::rethrow_exception(l->going.fault());
      if (!l->answer.stopped() && !l->answer.ids().empty() && meets(l->answer.ids(), stops))
        l->going.stop(StopReason::stop_string);
      if (!l->going.over()) continue;
      const auto prompt = static_cast<std::int64_t>(prompts[l->place].tokens.size());
      const auto passes = static_cast<std::int64_t>(l->answer.ids().size()) - 1;
      work_.asked += prompt + passes;
      work_.computed += prompt - l->going.reused() + passes;
      done(l->place, finish(l->answer, stops));
    }
    std::erase_if(live, [](const auto& l) { return l->going.over(); });
    goings.clear();
    for (const auto& l : live) goings.push_back(&l->going);
  }
  return true;
}

}  // namespace bantam::judge
