#include "cli/conversation.h"

#include <nlohmann/json.hpp>

#include "adapt/adapter.h"
#include "base/error.h"
#include "chat/named_templates.h"
#include "chat/prompt.h"
#include "cli/output.h"
#include "cli/template_variables.h"

namespace bantam::cli {

namespace {

constexpr std::string_view kFormat = "bantam chat 1";

// A message of a saved conversation. Throws Error naming `file`.
Json checked(const Json& message, const Tokenizer& tokenizer, bool keep_ids,
             const std::string& file) {
  const auto text_at = [&](const char* key) {
    const auto at = message.find(key);
    if (at == message.end() || !at->is_string())
      throw Error("a message with role and content was expected").in(file).field("messages");
    return at->get<std::string>();
  };
  if (!message.is_object())
    throw Error("a message with role and content was expected").in(file).field("messages");
  const std::string role = text_at("role"), content = text_at("content");
  if (role != "user" && role != "assistant")
    throw Error("a message of user or assistant was expected, not of \"" + printable(role, 40) +
                "\"")
        .in(file)
        .field("messages");
  Json kept = {{"role", role}, {"content", content}};
  if (!keep_ids || role == "user") return kept;
  // The very tokens of the answer when they are this vocabulary's; else those of its text.
  std::vector<std::int32_t> ids;
  const auto at = message.find("ids");
  bool known = at != message.end() && at->is_array();
  for (const Json& id : known ? *at : Json::array()) {
    known = known && id.is_number_integer() && id.get<std::int64_t>() >= 0 &&
            id.get<std::int64_t>() < tokenizer.size();
    if (known) ids.push_back(id.get<std::int32_t>());
  }
  if (!known) ids = tokenizer.encode(content, {false, false});
  kept["ids"] = ids;
  return kept;
}

}  // namespace

std::optional<ChatTemplate> choose_template(const std::optional<std::string>& name,
                                            const Tokenizer& tokenizer, const std::string& model,
                                            const std::optional<std::string>& adapter) {
  // What an adapter has learnt to answer is what its own template writes.
  if (adapter && !name)
    if (std::string brought = adapt::template_of(Path(*adapter)); !brought.empty())
      return ChatTemplate(std::move(brought), *adapter + " (chat template)");
  if (auto own = own_template(tokenizer, model, name.value_or(""))) return own;
  if (name) return ChatTemplate(std::string(named_template(*name)), *name);
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
                           std::optional<ChatTemplate> chat_template, std::string system,
                           const Json& variables)
    : tokenizer_(std::move(tokenizer)),
      template_(std::move(chat_template)),
      system_(std::move(system)),
      variables_(std::make_unique<Json>(variables)) {
  if (template_) warn_of_unread(*template_, variables);
  reset();
}

Conversation::~Conversation() = default;

void Conversation::reset() { messages_ = std::make_unique<Json>(Json::array()); }

std::size_t Conversation::messages() const { return messages_->size(); }

void Conversation::set_system(std::string text) { system_ = std::move(text); }

std::vector<std::int32_t> Conversation::prompt() {
  if (!template_) {
    std::vector<std::int32_t> ids;
    if (!system_.empty()) ids = tokenizer_->encode(system_);
    for (const Json& message : *messages_) {
      if (message["role"] == "user")
        tokenizer_->encode(message["content"].get<std::string>(), {ids.empty(), true}, ids);
      else
        for (const Json& id : message["ids"]) ids.push_back(id.get<std::int32_t>());
    }
    return ids;
  }
  Json messages = Json::array();
  if (!system_.empty()) messages.push_back({{"role", "system"}, {"content", system_}});
  for (const Json& message : *messages_) messages.push_back(message);
  ChatPrompt prompt = make_prompt(*tokenizer_, *template_, std::move(messages), *variables_);
  thinking_ = prompt.thinking;
  return std::move(prompt.ids);
}

std::vector<std::int32_t> Conversation::say(const std::string& text) {
  messages_->push_back({{"role", "user"}, {"content", text}});
  try {
    return prompt();
  } catch (const Error&) {
    take_back();
    throw;
  }
}

void Conversation::take_back() {
  if (!messages_->empty() && messages_->back()["role"] == "user")
    messages_->erase(messages_->size() - 1);
}

void Conversation::answered(const std::string& text, std::span<const std::int32_t> ids) {
  messages_->push_back({{"role", "assistant"}, {"content", text}});
  if (!template_) messages_->back()["ids"] = std::vector<std::int32_t>(ids.begin(), ids.end());
}

bool Conversation::undo() {
  if (messages_->empty()) return false;
  if (messages_->back()["role"] == "assistant") messages_->erase(messages_->size() - 1);
  take_back();
  return true;
}

std::optional<std::vector<std::int32_t>> Conversation::again() {
  if (messages_->empty()) return std::nullopt;
  if (messages_->back()["role"] == "assistant") messages_->erase(messages_->size() - 1);
  if (messages_->empty()) return std::nullopt;
  return prompt();
}

Json Conversation::saved() const {
  return {{"format", kFormat}, {"system", system_}, {"messages", *messages_}};
}

void Conversation::load(const Json& saved, const std::string& file) {
  const auto is = [&](const char* key, bool (Json::*kind)() const noexcept) {
    const auto at = saved.find(key);
    return at != saved.end() && ((*at).*kind)();
  };
  if (!saved.is_object() || !is("format", &Json::is_string) || saved["format"] != kFormat ||
      !is("system", &Json::is_string) || !is("messages", &Json::is_array))
    throw Error("this is not a conversation that /save wrote").in(file);
  auto messages = std::make_unique<Json>(Json::array());
  for (const Json& message : saved["messages"])
    messages->push_back(checked(message, *tokenizer_, !template_, file));
  messages_ = std::move(messages);
  system_ = saved["system"].get<std::string>();
}

}  // namespace bantam::cli
