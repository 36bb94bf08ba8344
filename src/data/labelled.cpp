#include "data/labelled.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "base/error.h"
#include "chat/content_form.h"

namespace bantam::data {

std::int64_t LabelledIds::labels() const {
  return mask.empty() ? 0 : std::accumulate(mask.begin() + 1, mask.end(), std::int64_t{0});
}

Labeller::Labeller(const Tokenizer& tokenizer, const ChatTemplate* chat, LabelOptions options)
    : tokenizer_(tokenizer), chat_(chat), options_(options) {}

namespace {

// The same conversation as if no answer called a tool; nothing: none does.
std::optional<ChatInput> without_calls(const ChatInput& input) {
  ChatInput out = input;
  bool any = false;
  for (Json& m : out.messages) {
    const auto calls = m.find("tool_calls");
    if (calls == m.end() || m["role"] != "assistant") continue;
    any = any || !(calls->is_null() || calls->empty());
    m.erase(calls);
  }
  return any ? std::optional(std::move(out)) : std::nullopt;
}

// Of a template that does not know of calls an answer that is one would leave its stop token alone to learn.
void require_calls(const ChatTemplate& chat, const ChatInput& input, const std::string& text) {
  std::optional<ChatInput> bare = without_calls(input);
  if (!bare) return;
  bare->add_generation_prompt = false;
  try {
    if (chat.render(*bare) != text) return;
  } catch (const Error&) {
    return;  // it misses them: a tool's result without a call
  }
  throw Error("the chat template leaves out tool_calls, so that no call would be learnt: take a template that has them "
              "(--template), or write the calls into the content");
}

}  // namespace

MaskedPrompt Labeller::rendered(const Json& messages, const Json& tools, Labels labels) const {
  ChatInput input;
  input.messages = messages;
  input.tools = tools;
  input.now = options_.now;
  set_special_tokens(tokenizer_, input);
  MaskedPrompt out = mask_answers(*chat_, tokenizer_, input, labels);
  require_calls(*chat_, input, out.text);
  return out;
}

std::optional<RenderedSample> Labeller::sample(const ChatRecord& record) const {
  if (!chat_ || !record.messages.is_array()) return std::nullopt;
  RenderedSample out;
  out.messages = record.messages;
  out.tools = record.tools;
  if (record.chosen.is_array())
    out.messages.insert(out.messages.end(), record.chosen.begin(), record.chosen.end());
  out.masked = rendered(out.messages, out.tools, options_.labels);
  return out;
}

LabelledIds Labeller::conversation(const Json& messages, const Json& tools, bool* stopped) const {
  if (!chat_) return plain(messages);
  MaskedPrompt masked = rendered(messages, tools, options_.labels);
  for (const MaskedPrompt::Span& span : masked.answers) *stopped = *stopped && (span.stopped || !span.counts);
  return {std::move(masked.ids), std::move(masked.mask)};
}

// A question, its answer and the end token.
LabelledIds Labeller::plain(const Json& messages, std::size_t* prompt) const {
  if (messages.size() != 2 || messages[0]["role"] != "user" || messages[1]["role"] != "assistant")
    throw Error(
        "the model has no chat template, and this is more than a prompt with its answer: "
        "--template NAME gives it one");
  LabelledIds out;
  out.ids = tokenizer_.encode(text_of_content(messages[0]["content"]).value(), {true, false});
  // An end token that the model's own encoding puts behind a text does not belong here.
  for (std::size_t i = 0; i < tokenizer_.suffix().size() && !out.ids.empty(); ++i) out.ids.pop_back();
  out.mask.assign(out.ids.size(), 0);
  if (prompt) *prompt = out.ids.size();
  tokenizer_.encode(text_of_content(messages[1]["content"]).value(), {false, false}, out.ids);
  if (tokenizer_.eos()) out.ids.push_back(*tokenizer_.eos());
  out.mask.resize(out.ids.size(), counts_in_training(messages[1]) ? 1 : 0);
  return out;
}

// The prompt and one of its answers, up to the end of the answer. Returns how many tokens the prompt
// has.
std::size_t Labeller::answer_of(const ChatRecord& record, const Json& answer, LabelledIds& out,
                                bool* stopped) const {
  Json messages = record.messages;
  const auto said = [](const Json& m) { return m["role"] == "assistant"; };
  const auto before = static_cast<std::size_t>(std::ranges::count_if(messages, said));
  messages.insert(messages.end(), answer.begin(), answer.end());
  if (!chat_) {
    std::size_t prompt = 0;
    out = plain(messages, &prompt);
    return prompt;
  }
  MaskedPrompt masked = rendered(messages, record.tools, Labels::answers);
  const std::size_t prompt = masked.answers.at(before).first, end = masked.answers.back().last;
  for (std::size_t i = before; i < masked.answers.size(); ++i)
    *stopped = *stopped && (masked.answers[i].stopped || !masked.answers[i].counts);
  masked.ids.resize(end);
  masked.mask.resize(end);
  std::fill_n(masked.mask.begin(), prompt, std::uint8_t{0});
  out = {std::move(masked.ids), std::move(masked.mask)};
  return prompt;
}

void Labeller::check_ids(const LabelledIds& ids) const {
  for (const std::int32_t id : ids.ids)
    if (id < 0 || id >= tokenizer_.size())
      throw Error("there is no token " + std::to_string(id) + "; ids are 0 to " +
                  std::to_string(tokenizer_.size() - 1));
}

namespace {

LabelledIds joined(const std::vector<std::int32_t>& prompt, const std::vector<std::int32_t>& answer) {
  LabelledIds out{prompt, std::vector<std::uint8_t>(prompt.size(), 0)};
  out.ids.insert(out.ids.end(), answer.begin(), answer.end());
  out.mask.resize(out.ids.size(), 1);
  return out;
}

ExampleKind kind_of(RecordForm form) {
  switch (form) {
    case RecordForm::token_preference:
    case RecordForm::preference:
      return ExampleKind::preference;
    case RecordForm::token_verdict:
    case RecordForm::verdict:
      return ExampleKind::verdict;
    default:
      return ExampleKind::supervised;
  }
}

}  // namespace

void Labeller::shorten(LabelledExample& example) const {
  if (options_.most_tokens <= 0) return;
  const auto most = static_cast<std::size_t>(options_.most_tokens);
  for (LabelledIds* ids : {&example.first, &example.second})
    if (ids->ids.size() > most) {
      ids->ids.resize(most);
      ids->mask.resize(most);
      example.cut = true;
    }
}

namespace {

bool blank(const std::string& text) { return text.find_first_not_of(" \t\r\n") == std::string::npos; }

bool says_something(const Json& message) {
  for (const auto& [key, value] : message.items()) {
    if (key == "role" || key == "name" || key == "weight") continue;
    if (const auto text = text_of_content(value); text ? !blank(*text) : !value.is_null() && !value.empty()) return true;
  }
  return false;
}

// A record whose answers, or whose text, have no word would teach to say nothing.
void require_words(const ChatRecord& record, ExampleKind kind) {
  if (record.form == RecordForm::text && blank(record.text)) throw Error("it is empty: there is no word in its text");
  const auto answers = [](const Json& m) { return m["role"] == "assistant" && says_something(m); };
  const bool supervised = kind == ExampleKind::supervised;
  const Json& said = supervised ? record.messages : record.chosen;
  if (said.is_array() && (supervised || record.label) && std::ranges::none_of(said, answers))
    throw Error("it is empty: there is no word in its answer");
  if (kind == ExampleKind::preference && record.chosen == record.rejected && record.first == record.second)
    throw Error("chosen and rejected are the same: there is nothing to prefer");
}

// Of a record in which an answer has the weight 0 something else must be left to learn.
void require_weight(const ChatRecord& record, const LabelledExample& example) {
  const auto left_out = [](const Json& m) { return m["role"] == "assistant" && !counts_in_training(m); };
  const bool given = std::ranges::any_of(std::array{&record.messages, &record.chosen, &record.rejected}, [&](const Json* list) {
    return list->is_array() && std::ranges::any_of(*list, left_out);
  });
  if (!given) return;
  for (const LabelledIds* ids : {&example.first, &example.second})
    if (!ids->ids.empty() && ids->labels() == 0) throw Error("nothing is to be learnt from it: its answer has the weight 0");
}

}  // namespace

bool Labeller::leaves_out_tools(const ChatRecord& record) const {
  if (!chat_ || record.tools.is_null() || !record.messages.is_array()) return false;
  const auto text = [&](const Json& tools) {
    ChatInput input;
    input.messages = record.messages;
    input.tools = tools;
    input.now = options_.now;
    input.add_generation_prompt = false;
    set_special_tokens(tokenizer_, input);
    return chat_->render(input);
  };
  try {
    return text(record.tools) == text(Json());
  } catch (const Error&) {
    return false;  // it cannot do without them
  }
}

bool Labeller::teaches_to_stop(const LabelledExample& example) const {
  const LabelledIds& s = example.first;
  for (std::size_t i = 1; i < s.ids.size(); ++i)
    if (s.mask[i] && tokenizer_.ends(s.ids[i])) return true;
  return false;
}

LabelledExample Labeller::label(const ChatRecord& record) const {
  require_words(record, kind_of(record.form));
  LabelledExample out;
  out.line = record.line;
  out.form = record.form;
  out.kind = kind_of(record.form);
  out.label = record.label;
  switch (record.form) {
    case RecordForm::tokens:
      out.first = {record.first, record.mask};
      break;
    case RecordForm::token_preference:
    case RecordForm::token_verdict:
      out.prompt = record.prompt.size();
      out.first = joined(record.prompt, record.first);
      if (out.kind == ExampleKind::preference) out.second = joined(record.prompt, record.second);
      break;
    case RecordForm::preference: {
      out.prompt = answer_of(record, record.chosen, out.first, &out.stopped);
      const std::size_t other = answer_of(record, record.rejected, out.second, &out.stopped);
      if (other != out.prompt ||
          !std::equal(out.first.ids.begin(), out.first.ids.begin() + static_cast<std::ptrdiff_t>(other),
                      out.second.ids.begin()))
        throw Error("the template renders the prompt differently before the two answers");
      break;
    }
    case RecordForm::verdict:
      out.prompt = answer_of(record, record.chosen, out.first, &out.stopped);
      break;
    case RecordForm::text:
      out.first.ids = tokenizer_.encode(record.text, {true, false});
      if (tokenizer_.eos() && (out.first.ids.empty() || out.first.ids.back() != *tokenizer_.eos()))
        out.first.ids.push_back(*tokenizer_.eos());
      out.first.mask.assign(out.first.ids.size(), 1);
      break;
    default:
      out.first = conversation(record.messages, record.tools, &out.stopped);
  }
  check_ids(out.first);
  check_ids(out.second);
  require_weight(record, out);
  shorten(out);
  return out;
}

}  // namespace bantam::data
