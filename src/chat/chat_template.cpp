// From a conversation in JSON to a rendered prompt; the work is done by the interpreter (jinja_*).
#include "chat/chat_template.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <mutex>

#include "base/error.h"
#include "chat/content_form.h"
#include "chat/jinja_interpreter.h"
#include "chat/jinja_parser.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/tokenizer_spec.h"
#include "words/unicode.h"

namespace bantam::chat {

namespace {

using jinja::Interpreter;
using jinja::Value;

// Bytes of text, and something for each value: what the limits of a render grow with.
std::size_t size_of(const Json& json) {
  std::size_t size = 16;
  if (json.is_string()) size += json.get_ref<const std::string&>().size();
  if (json.is_array())
    for (const Json& item : json) size += size_of(item);
  if (json.is_object())
    for (const auto& [key, value] : json.items()) size += key.size() + size_of(value);
  return size;
}

std::string well_formed(const std::string& text) {
  return is_valid_utf8(text) ? text : repair_utf8(text);
}

Value to_value(Interpreter& with, const Json& json) {
  switch (json.type()) {
    case Json::value_t::boolean:
      return Value::boolean(json.get<bool>());
    case Json::value_t::number_integer:
      return Value::integer(json.get<std::int64_t>());
    case Json::value_t::number_unsigned:
      if (json.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX))
        throw Error("the integer " + json.dump() + " does not fit 64 bits with a sign");
      return Value::integer(json.get<std::int64_t>());
    case Json::value_t::number_float:
      return Value::real(json.get<double>());
    case Json::value_t::string:
      return with.string(well_formed(json.get_ref<const std::string&>()));
    case Json::value_t::array: {
      jinja::Values items;
      items.reserve(json.size());
      for (const Json& item : json) items.push_back(to_value(with, item));
      return with.list(std::move(items));
    }
    case Json::value_t::object: {
      std::vector<std::pair<Value, Value>> entries;
      entries.reserve(json.size());
      for (const auto& [key, value] : json.items())
        entries.emplace_back(with.string(well_formed(key)), to_value(with, value));
      return with.dict(std::move(entries));
    }
    default:
      return Value::none();
  }
}

// For the conversations by which a template is looked at.
constexpr TemplateLimits kProbeLimits{.steps = 500'000};

}  // namespace

struct ChatTemplate::Forms {
  std::once_flag once;
  std::optional<ContentForms> forms;
};

void set_special_tokens(const Tokenizer& tokenizer, ChatInput& input) {
  if (tokenizer.bos()) input.bos_token = tokenizer.piece(*tokenizer.bos());
  if (tokenizer.eos()) input.eos_token = tokenizer.piece(*tokenizer.eos());
  const TokenizerSpec& s = tokenizer.spec();
  const std::pair<const char*, std::optional<std::int32_t>> others[] = {
      {"unk_token", s.unk}, {"pad_token", s.pad},   {"sep_token", s.sep},
      {"cls_token", s.cls}, {"mask_token", s.mask},
  };
  for (const auto& [name, id] : others)
    if (id) input.other_tokens.emplace_back(name, tokenizer.piece(*id));
}

LocalTime parse_local_time(std::string_view text) {
  LocalTime time;
  char separator = 0, behind = 0;
  const std::string copy(text);
  const int read =
      std::sscanf(copy.c_str(), "%4d-%2d-%2d%c%2d:%2d:%2d%c", &time.year, &time.month, &time.day,
                  &separator, &time.hour, &time.minute, &time.second, &behind);
  const std::chrono::year_month_day date{std::chrono::year{time.year},
                                         std::chrono::month{static_cast<unsigned>(time.month)},
                                         std::chrono::day{static_cast<unsigned>(time.day)}};
  const auto within = [](int value, int most) { return value >= 0 && value <= most; };
  if (read != 7 || (separator != 'T' && separator != ' ') || !date.ok() || time.year < 1 ||
      !within(time.hour, 23) || !within(time.minute, 59) || !within(time.second, 59))
    throw Error("a time like 2025-03-14T09:26:53 was expected, not '" + printable(text) + "'");
  return time;
}

LocalTime current_local_time() {
  const std::time_t now = std::time(nullptr);
  std::tm time{};
  localtime_r(&now, &time);
  return {time.tm_year + 1900, time.tm_mon + 1, time.tm_mday,
          time.tm_hour,        time.tm_min,     time.tm_sec};
}

ChatTemplate::ChatTemplate(std::string source, std::string name)
    : source_(std::move(source)), name_(std::move(name)), forms_(std::make_unique<Forms>()) {
  try {
    const std::size_t most = TemplateLimits{}.source;
    if (source_.size() > most)
      throw Error("the template has " + std::to_string(source_.size()) + " bytes; at most " +
                  std::to_string(most) + " are read");
    const std::size_t valid = valid_utf8_prefix(source_);
    if (valid != source_.size())
      throw Error("the template is not UTF-8")
          .line(1 +
                static_cast<std::uint64_t>(std::count(
                    source_.begin(), source_.begin() + static_cast<std::ptrdiff_t>(valid), '\n')));
    tree_ = jinja::parse(source_);
  } catch (Error& error) {
    throw error.in(name_);
  }
}

std::optional<ChatTemplate> own_template(const Tokenizer& tokenizer, const std::string& model,
                                         std::string_view name) {
  const std::string shown =
      model + " (chat template" + (name.empty() ? "" : " ") + printable(name) + ")";
  if (name.empty()) {
    if (tokenizer.chat_template().empty()) return std::nullopt;
    return ChatTemplate(tokenizer.chat_template(), shown);
  }
  for (const auto& [title, source] : tokenizer.spec().named_templates)
    if (title == name) return ChatTemplate(source, shown);
  return std::nullopt;
}

ChatTemplate::~ChatTemplate() = default;
ChatTemplate::ChatTemplate(ChatTemplate&&) noexcept = default;
ChatTemplate& ChatTemplate::operator=(ChatTemplate&&) noexcept = default;

std::string ChatTemplate::render(const ChatInput& input, const TemplateLimits& limits) const {
  return run(input, fitted(input), limits, false).text;
}

std::string ChatTemplate::render_as_given(const ChatInput& input,
                                          const TemplateLimits& limits) const {
  return run(input, input.messages, limits, false).text;
}

Rendering ChatTemplate::trace(const ChatInput& input, const TemplateLimits& limits) const {
  return run(input, fitted(input), limits, true);
}

Json ChatTemplate::fitted(const ChatInput& input) const {
  std::call_once(forms_->once, [&] {
    ChatInput probe = input;
    probe.tools = nullptr;
    probe.extra = nullptr;  // what one conversation brings must not decide for all
    forms_->forms.emplace([&](const Json& messages) {
      return run(probe, messages, kProbeLimits, false).text;
    });
  });
  return forms_->forms->fit(input.messages);
}

Rendering ChatTemplate::run(const ChatInput& input, const Json& given, const TemplateLimits& limits,
                            bool traced) const {
  const std::size_t bytes = size_of(given) + size_of(input.tools) + size_of(input.extra);
  try {
    Interpreter with(*tree_, limits, bytes, input.now);
    std::vector<std::pair<std::string, Value>> variables;
    const auto add = [&](const char* name, Value value) {
      variables.emplace_back(name, std::move(value));
    };
    const Value messages = to_value(with, given);
    add("messages", messages);
    add("tools", to_value(with, input.tools));
    add("documents", Value::none());
    add("add_generation_prompt", Value::boolean(input.add_generation_prompt));
    add("bos_token", with.string(well_formed(input.bos_token)));
    add("eos_token", with.string(well_formed(input.eos_token)));
    for (const auto& [name, text] : input.other_tokens)
      add(name.c_str(), with.string(well_formed(text)));
    if (!input.extra.is_null() && !input.extra.is_object())
      throw Error("the further variables of a template must be a JSON object");
    for (const Json* further : {&variables_, &input.extra})
      if (further->is_object())
        for (const auto& [key, value] : further->items())
          variables.emplace_back(key, to_value(with, value));
    Rendering out;
    jinja::Trace trace;
    if (traced && messages.is_sequence()) {
      for (const Value& message : messages.items()) trace.messages.push_back(message.identity());
      with.trace = &trace;
    }
    out.text = with.run(variables);
    for (const auto& [message, begin, end] : trace.stretches)
      out.stretches.push_back({message, begin, end});
    return out;
  } catch (Error& error) {
    throw error.in(name_);
  }
}

}  // namespace bantam::chat
