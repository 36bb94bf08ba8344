// Documents to tokens with a weight each.
#include "data/tokenise.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "chat/chat_template.h"

namespace bantam {

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

void Tokeniser::add(const Document& document, TokenStore& store) {
  ids_.clear();
  weights_.clear();
  const auto append = [&](std::string_view text, float weight, bool parse_special) {
    tokenizer_.encode(text, {.add_special = false, .parse_special = parse_special}, ids_);
    weights_.resize(ids_.size(), weight);
  };
  if (document.messages.empty()) {
    append(document.text, 1, false);
    if (tokenizer_.eos()) {
      ids_.push_back(*tokenizer_.eos());
      weights_.push_back(1);
    }
  } else {
    if (!template_) throw Error("conversations need a tokenizer with a chat template");
    ChatInput input;
    input.messages = Json::array();
    std::string before;
    for (const Message& m : document.messages) {
      const bool answer = m.role == "assistant";
      if (answer) {
        input.add_generation_prompt = true;
        const std::string opened = template_->chat.render(input);
        if (!opened.starts_with(before))
          throw Error("the chat template rewrites what it rendered before");
        append(std::string_view(opened).substr(before.size()), options_.question_weight, true);
        before = opened;
      }
      input.add_generation_prompt = false;
      input.messages.push_back({{"role", m.role}, {"content", m.content}});
      const std::string rendered = template_->chat.render(input);
      if (!rendered.starts_with(before))
        throw Error("the chat template rewrites what it rendered before");
      append(std::string_view(rendered).substr(before.size()),
             answer ? options_.answer_weight : options_.question_weight, true);
      before = rendered;
    }
  }
  if (ids_.size() >= 2) store.add(ids_, weights_);
}

}  // namespace bantam
