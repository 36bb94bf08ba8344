#include "judge/answers.h"

#include <algorithm>

#include "infer/sampler.h"

namespace bantam::judge {

std::string cut_at(std::string text, std::span<const std::string> stops) {
  for (const std::string& stop : stops)
    if (!stop.empty()) text.resize(std::min(text.find(stop), text.size()));
  return text;
}

struct AnswerEngine::Live {
  std::int64_t slot;
  std::size_t place = 0;
  bool busy = false, over = false;
  std::vector<std::int32_t> ids;
  std::vector<float> first;  // the logits after the prompt
};

void AnswerEngine::choose(Live& live, std::span<const float> logits,
                          std::span<const std::string> stops, std::int64_t most) {
  const std::int32_t id = greedy(logits);
  live.ids.push_back(id);
  if (tokenizer_->ends(id) || static_cast<std::int64_t>(live.ids.size()) == most) {
    live.over = true;
    return;
  }
  // A stop that is new reaches into the last token; the longest begins so many tokens before at most.
  std::size_t longest = 0;
  for (const std::string& stop : stops) longest = std::max(longest, stop.size());
  const std::size_t tail = std::min(live.ids.size(), longest + 2);
  const std::string text =
      tokenizer_->decode(std::span(live.ids).last(tail), false);
  for (const std::string& stop : stops)
    if (!stop.empty() && text.find(stop) != std::string::npos) live.over = true;
}

Written AnswerEngine::finish(const Live& live, std::span<const std::string> stops) const {
  Written out;
  out.tokens = static_cast<std::int64_t>(live.ids.size());
  std::vector<std::int32_t> ids;
  for (const std::int32_t id : live.ids)
    if (id < tokenizer_->size()) ids.push_back(id);
  const std::string text = tokenizer_->decode(ids);
  out.text = cut_at(text, stops);
  out.ended = tokenizer_->ends(live.ids.back()) || out.text.size() < text.size();
  return out;
}

bool AnswerEngine::start(Live& live, std::size_t place, const Sequence& prompt,
                         const Session::GoOn& go_on) {
  live = {live.slot, place, true, false, {}, {}};
  // Where another slot holds more of the beginning than this one, it is copied.
  const auto shared = [&](std::int64_t slot) {
    const auto held = session_.tokens(slot);
    const std::size_t most = std::min(held.size(), prompt.tokens.size() - 1);
    std::size_t n = 0;
    while (n < most && held[n] == prompt.tokens[n]) ++n;
    return n;
  };
  std::int64_t best = live.slot;
  for (std::int64_t slot = 0; slot < session_.slots(); ++slot)
    if (shared(slot) > shared(best)) best = slot;
  if (best != live.slot)
    session_.copy(best, live.slot, static_cast<std::int64_t>(shared(best)));
  const auto held = static_cast<std::size_t>(session_.reuse(live.slot, prompt.tokens));
  work_.asked += static_cast<std::int64_t>(prompt.tokens.size());
  work_.computed += static_cast<std::int64_t>(prompt.tokens.size() - held);
  const Session::Part part{live.slot, std::span(prompt.tokens).subspan(held),
                           Session::Want::last};
  return session_.evaluate(
      {&part, 1},
      [&](std::size_t, std::size_t, std::span<const float> logits) {
        live.first.assign(logits.begin(), logits.end());
      },
      go_on);
}

bool AnswerEngine::run(std::span<const Sequence> prompts, std::span<const std::string> stops,
                       std::int64_t most, const Done& done, const Session::GoOn& go_on) {
  std::vector<Live> live;
  for (std::int64_t slot = 0; slot < session_.slots(); ++slot) live.push_back({slot, 0, false, false, {}, {}});
  std::size_t next = 0;
  for (;;) {
    for (Live& l : live) {
      if (l.busy || next == prompts.size()) continue;
      if (!start(l, next, prompts[next], go_on)) return false;
      ++next;
      choose(l, l.first, stops, most);
    }
    std::vector<Session::Part> parts;
    std::vector<Live*> whose;
    for (Live& l : live) {
      if (!l.busy || l.over) continue;
      parts.push_back({l.slot, std::span(l.ids).last(1), Session::Want::last});
      whose.push_back(&l);
    }
    if (!parts.empty()) {
      work_.asked += static_cast<std::int64_t>(parts.size());
      work_.computed += static_cast<std::int64_t>(parts.size());

      const bool whole = session_.evaluate(
          parts,
          [&](std::size_t part, std::size_t, std::span<const float> logits) {
            whose[part]->first.assign(logits.begin(), logits.end());
          },
          go_on);
      if (!whole) return false;
      for (Live* l : whose) choose(*l, l->first, stops, most);
    }
    bool any = false;
    for (Live& l : live) {
      if (l.busy && l.over) {
        done(l.place, finish(l, stops));
        l.busy = false;
      }
      any = any || l.busy;
    }
    if (!any && next == prompts.size()) return true;
  }
}

}  // namespace bantam::judge
