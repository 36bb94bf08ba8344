#include "cli/conversation.h"

#include <nlohmann/json.hpp>

#include "cli/output.h"
#include "text/named_templates.h"

namespace bantam::cli {

std::optional<ChatTemplate> choose_template(const std::optional<std::string>& name,
                                            const Tokenizer& tokenizer, const std::string& model) {
  if (name) return ChatTemplate(std::string(named_template(*name)), *name);
  if (!tokenizer.chat_template().empty()) return ChatTemplate(tokenizer.chat_template(), model);
  note("the model has no chat template: it continues the text (--template NAME gives it one)");
  return std::nullopt;
}

std::string template_names() {
  std::string names;
  for (const NamedTemplate& t : named_templates())
    names += (names.empty() ? "" : ", ") + std::string(t.name);
  return names;
}

std::vector<std::string> template_words() {
  std::vector<std::string> words;
  for (const NamedTemplate& t : named_templates()) words.emplace_back(t.name);
  return words;
}

Conversation::Conversation(std::shared_ptr<const Tokenizer> tokenizer,
                           std::optional<ChatTemplate> chat_template, std::string system)
    : tokenizer_(std::move(tokenizer)),
      template_(std::move(chat_template)),
      system_(std::move(system)) {
  reset();
}

Conversation::~Conversation() = default;

void Conversation::reset() {
  messages_ = std::make_unique<Json>(Json::array());
  if (template_ && !system_.empty())
    messages_->push_back({{"role", "system"}, {"content", system_}});
  ids_.clear();
  if (!template_ && !system_.empty()) ids_ = tokenizer_->encode(system_);
  before_ = ids_.size();
}

std::vector<std::int32_t> Conversation::say(const std::string& text) {
  if (!template_) {
    before_ = ids_.size();
    tokenizer_->encode(text, {ids_.empty(), true}, ids_);
    return ids_;
  }
  messages_->push_back({{"role", "user"}, {"content", text}});
  ChatInput input;
  input.messages = *messages_;
  set_special_tokens(*tokenizer_, input);
  // The template writes the beginning of the text itself: it must not stand there twice.
  return tokenizer_->encode(template_->render(input), {false, true});
}

void Conversation::take_back() {
  if (!template_)
    ids_.resize(before_);
  else if (!messages_->empty() && messages_->back()["role"] == "user")
    messages_->erase(messages_->size() - 1);
}

void Conversation::answered(const std::string& text, std::span<const std::int32_t> ids) {
  if (template_)
    messages_->push_back({{"role", "assistant"}, {"content", text}});
  else
    ids_.insert(ids_.end(), ids.begin(), ids.end());
}

}  // namespace bantam::cli
