// Documents to tokens with a weight each.
#include "data/tokenise.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace bantam::data {

namespace {

// As it came, for the template to put together as it does when the model is asked.
Json content_of(const Message& message) {
  if (message.parts.empty()) return message.content;
  Json parts = Json::array();
  for (const std::string& text : message.parts) parts.push_back({{"type", "text"}, {"text", text}});
  return parts;
}

}  // namespace

struct Tokeniser::Template {
  ChatTemplate chat;
};

Tokeniser::Tokeniser(const Tokenizer& tokenizer, TokeniseOptions options)
    : tokenizer_(tokenizer), options_(options) {
  if (!tokenizer.chat_template().empty())
    template_ = std::make_unique<Template>(
        Template{ChatTemplate(tokenizer.chat_template(), "chat template")});
}

Tokeniser::~Tokeniser() = default;

// Answers that do not count are not learnt as part of the question either. False: nothing is left to learn.
bool Tokeniser::weigh_nothing(const MaskedPrompt& masked) {
  bool any = false;
  for (const MaskedPrompt::Span& span : masked.answers)
    for (std::size_t i = span.first; !span.counts && i < span.last; ++i) {
      weights_[i] = 0;
      any = true;
    }
  return !any || std::ranges::any_of(weights_, [](float weight) { return weight > 0; });
}

void Tokeniser::add(const Document& document, TokenStore& store) {
  ids_.clear();
  weights_.clear();
  if (document.messages.empty()) {
    // With what a tokenizer that is not our own puts in front: the model will find it there when it is asked.
    tokenizer_.encode(document.text, {.add_special = true, .parse_special = false}, ids_);
    if (tokenizer_.eos() && (ids_.empty() || ids_.back() != *tokenizer_.eos())) ids_.push_back(*tokenizer_.eos());
    weights_.resize(ids_.size(), 1);
  } else {
    if (!template_) throw Error("conversations need a tokenizer with a chat template");
    ChatInput input;
    for (const Message& m : document.messages) {
      input.messages.push_back({{"role", m.role}, {"content", content_of(m)}});
      if (!m.counts) input.messages.back()["weight"] = 0;
    }
    set_special_tokens(tokenizer_, input);
    const MaskedPrompt masked = mask_answers(template_->chat, tokenizer_, std::move(input));
    ids_ = masked.ids;
    for (const std::uint8_t answer : masked.mask)
      weights_.push_back(answer ? options_.answer_weight : options_.question_weight);
    if (!weigh_nothing(masked)) return;
  }
  if (ids_.size() >= 2) store.add(ids_, weights_);
}

}  // namespace bantam::data
