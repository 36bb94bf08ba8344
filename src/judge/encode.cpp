#include "judge/encode.h"

#include <algorithm>

#include "base/error.h"
#include "judge/python_text.h"

namespace bantam::judge {

Encoder::Encoder(std::shared_ptr<const Tokenizer> tokenizer, std::size_t most)
    : tokenizer_(std::move(tokenizer)), most_(most) {
  if (const auto id = tokenizer_->bos() ? tokenizer_->bos() : tokenizer_->eos()) {
    prefix_ = *id;
    prefix_text_ = tokenizer_->decode({&prefix_, 1}, false);
  }
}

std::vector<std::int32_t> Encoder::encode(std::string_view text) const {
  const bool begun = !prefix_text_.empty() && text.starts_with(prefix_text_);
  return tokenizer_->encode(text, {!begun, true});
}

Sequence Encoder::pair(std::string_view context, std::string_view continuation) const {
  Sequence out;
  if (context.empty()) {
    if (prefix_ < 0) throw Error("the model has no token to stand for an empty context");
    out.tokens = tokenizer_->encode(continuation, {false, true});
    if (out.tokens.empty() || out.tokens.front() != prefix_)
      out.tokens.insert(out.tokens.begin(), prefix_);
    out.first = 1;
  } else {
    const std::size_t edge = right_edge(context);
    const std::string whole =
        std::string(context.substr(0, edge)) + std::string(context.substr(edge)) +
        std::string(continuation);
    out.tokens = encode(whole);
    out.first = encode(context.substr(0, edge)).size();
  }
  if (out.first >= out.tokens.size())
    throw Error("nothing of \"" + printable(continuation, 60) +
                "\" is left to score: its tokens are part of the context's");
  if (out.first == 0) {  // all of the context is white space, and no token is put in front
    if (prefix_ < 0) throw Error("the model has no token to stand for an empty context");
    out.tokens.insert(out.tokens.begin(), prefix_);
    out.first = 1;
  }
  if (out.scored() > most_)
    throw Error("a continuation of " + std::to_string(out.scored()) +
                " tokens does not fit the context of " + std::to_string(most_));
  if (out.tokens.size() > most_ + 1) {
    out.cut = out.tokens.size() - (most_ + 1);
    out.tokens.erase(out.tokens.begin(), out.tokens.begin() + static_cast<std::ptrdiff_t>(out.cut));
    out.first -= out.cut;
  }
  return out;
}

std::vector<Sequence> rolling_windows(const std::vector<std::int32_t>& tokens, std::int32_t prefix,
                                      std::size_t most) {
  std::vector<Sequence> out;
  const std::size_t n = tokens.size();
  for (std::size_t at = 0; at < n;) {
    const std::size_t count = std::min(most, n - at);
    const std::size_t end = at + count;
    // One token before a whole block; before the last, cut one as many as make it whole.
    const std::size_t before = at == 0 ? 0 : most - count + 1;
    Sequence window;
    if (at == 0) window.tokens.push_back(prefix);
    window.tokens.insert(window.tokens.end(),
                         tokens.begin() + static_cast<std::ptrdiff_t>(at - before),
                         tokens.begin() + static_cast<std::ptrdiff_t>(end));
    window.first = at == 0 ? 1 : before;
    out.push_back(std::move(window));
    at = end;
  }
  return out;
}

std::vector<Sequence> Encoder::rolling(std::string_view text) const {
  if (prefix_ < 0) throw Error("the model has no token for the beginning of a text");
  return rolling_windows(encode(text), prefix_, most_);
}

Sequence Encoder::prompt(std::string_view context, std::size_t room) const {
  if (room >= most_)
    throw Error("an answer of " + std::to_string(room) + " tokens does not fit the context of " +
                std::to_string(most_));
  Sequence out;
  out.tokens = encode(context);
  if (out.tokens.empty() && prefix_ >= 0) out.tokens = {prefix_};
  if (out.tokens.empty()) throw Error("a prompt without tokens");
  const std::size_t most = most_ - room;
  if (out.tokens.size() > most) {
    out.cut = out.tokens.size() - most;
    out.tokens.erase(out.tokens.begin(), out.tokens.begin() + static_cast<std::ptrdiff_t>(out.cut));
  }
  out.first = out.tokens.size();
  return out;
}

std::string Encoder::beginning() const {
  const bool added = !tokenizer_->prefix().empty();
  if (!added) return "not put in front: the model's tokenizer does not";
  return "put in front once, by the model's tokenizer; not where a text begins with it already";
}

}  // namespace bantam::judge
