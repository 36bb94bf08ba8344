// Every form of a record: which keys it has, and what conversation it is. Keys after the field's
// trainers: huggingface/trl (docs/source/dataset_formats.md), hiyouga/LLaMA-Factory
// (data/README.md), tatsu-lab/stanford_alpaca (README.md).
#include "data/conversation_forms.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "chat/answer_mask.h"

namespace bantam::data {

namespace {

const Json* find(const Json& json, std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (const auto at = json.find(name); at != json.end() && !at->is_null()) return &*at;
  return nullptr;
}
bool has(const Json& json, std::initializer_list<const char*> names) {
  return find(json, names) != nullptr;
}

std::string text_of(const Json& json, const char* field) {
  if (!json.is_string()) throw Error("a text was expected").field(field);
  return json.get<std::string>();
}

Json message(const char* role, std::string content) {
  return {{"role", role}, {"content", std::move(content)}};
}

// JSON written inside of a text, as tools and calls often are; what is none stays as it is.
Json unpacked(const Json& json) {
  if (!json.is_string()) return json;
  const std::string& text = json.get_ref<const std::string&>();
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos || (text[first] != '{' && text[first] != '[')) return json;
  try {
    JsonLimits limits;
    limits.exact_integers = true;
    return parse_json(text, "", limits);
  } catch (const Error&) {
    return json;
  }
}

Json tools_of(const Json& json) {
  const Json* tools = find(json, {"tools", "functions"});
  if (!tools) return {};
  Json list = unpacked(*tools);
  if (list.is_string() && list.get_ref<const std::string&>().empty()) return {};
  if (!list.is_array()) throw Error("a list of tools was expected").field("tools");
  // Templates expect {"type": "function", "function": {...}}.
  for (Json& tool : list)
    if (tool.is_object() && !tool.contains("function") && tool.contains("name")) {
      Json inner = std::move(tool);
      tool = Json{{"type", "function"}, {"function", std::move(inner)}};
    }
  return list.empty() ? Json() : list;
}

Json call_of(const Json& json) {
  Json call = unpacked(json);
  if (!call.is_object()) throw Error("a call {\"name\", \"arguments\"} was expected").field("tool_calls");
  Json function = call.contains("function") ? Json(call["function"]) : call;
  if (!function.is_object() || !function.contains("name"))
    throw Error("a call without a name").field("tool_calls");
  if (function.contains("arguments")) function["arguments"] = unpacked(function["arguments"]);
  Json out = call.contains("function") ? call : Json{{"type", "function"}};
  out["function"] = std::move(function);
  return out;
}

void add_calls(const Json& calls, Json& to) {
  const Json list = unpacked(calls);
  if (list.is_array())
    for (const Json& call : list) to.push_back(call_of(call));
  else
    to.push_back(call_of(list));
}

// A content of parts: [{"type": "text", "text": ...}, {"type": "reasoning", ...}, ...]. Several texts
// stay parts: how they follow each other is the template's business, as it is when a model is served.
void read_parts(const Json& parts, Json& out) {
  std::string reasoning;
  Json texts = Json::array(), calls = Json::array();
  for (const Json& part : parts) {
    if (!part.is_object() || !part.contains("type"))
      throw Error("a part with its type was expected").field("content");
    const std::string type = text_of(part["type"], "content");
    const Json* value = find(part, {"text", "value", type.c_str()});
    if (!value) throw Error("a part without its text").field("content");
    if (type == "text")
      texts.push_back({{"type", "text"}, {"text", text_of(*value, "content")}});
    else if (type == "reasoning" || type == "thinking")
      reasoning += text_of(*value, "content");
    else if (type == "tool_call" || type == "tool_calls")
      add_calls(*value, calls);
    else if (type == "tools")
      continue;
    else
      throw Error("a part of the type \"" + printable(type, 40) + "\" is not text").field("content");
  }
  out["content"] = texts.empty() ? Json("") : texts.size() == 1 ? Json(texts[0]["text"]) : texts;
  if (!reasoning.empty()) out["reasoning_content"] = reasoning;
  if (!calls.empty()) out["tool_calls"] = calls;
}

constexpr std::pair<std::string_view, const char*> kRoles[] = {
    {"system", "system"},       {"developer", "developer"}, {"user", "user"},
    {"human", "user"},          {"assistant", "assistant"}, {"gpt", "assistant"},
    {"chatgpt", "assistant"},   {"bing", "assistant"},      {"model", "assistant"},
    {"bot", "assistant"},       {"tool", "tool"},           {"observation", "tool"},
    {"function", "tool"},       {"tool_response", "tool"},  {"function_response", "tool"},
    {"function_call", "calls"}, {"tool_call", "calls"},     {"tool_calls", "calls"}};

const char* role_of(const std::string& name) {
  const auto found = std::ranges::find(kRoles, std::string_view(name), [](const auto& r) { return r.first; });
  if (found == std::end(kRoles))
    throw Error("system, user, assistant or tool was expected, not \"" + printable(name, 40) + "\"")
        .field("role");
  return found->second;
}

// A message in either spelling: {"role", "content"} or {"from", "value"}; what else it has (names,
// reasoning_content) is the template's business, but for "weight" (answer_mask.h).
Json read_message(const Json& json) {
  if (!json.is_object()) throw Error("a message with role and content was expected");
  const Json* role = find(json, {"role", "from"});
  if (!role) throw Error("a message without a role").field("role");
  const std::string known = role_of(text_of(*role, "role"));
  counts_in_training(json);  // a weight that is none is a fault of the record
  const Json* content = find(json, {"content", "value"});
  if (content && content->is_array() && content->empty()) content = nullptr;  // no part is no content
  Json out = {{"role", known == "calls" ? "assistant" : known}};
  if (known == "calls") {
    if (!content) throw Error("a call without its text").field("value");
    out["content"] = "";
    out["tool_calls"] = Json::array();
    add_calls(*content, out["tool_calls"]);
    if (!counts_in_training(json)) out["weight"] = 0;
    return out;
  }
  if (content && content->is_array())
    read_parts(*content, out);
  else
    out["content"] = content ? text_of(*content, "content") : std::string();
  Json calls = Json::array();
  if (const Json* given = find(json, {"tool_calls"})) add_calls(*given, calls);
  if (!content && calls.empty()) throw Error("a message without content").field("content");
  if (!calls.empty()) out["tool_calls"] = std::move(calls);
  for (const auto& [key, value] : json.items())
    if (!out.contains(key) && key != "from" && key != "value" && key != "tool_calls" && !value.is_null()) out[key] = value;
  return out;
}

Json read_messages(const Json& json, const char* field) {
  if (!json.is_array() || json.empty()) throw Error("a list of messages was expected").field(field);
  Json out = Json::array();
  for (const Json& each : json) out.push_back(read_message(each));
  return out;
}

// A text, one message, or a list of them, as messages of `role` where it is a text.
Json as_messages(const Json& json, const char* role, const char* field) {
  if (json.is_string()) return Json::array({message(role, json.get<std::string>())});
  if (json.is_object()) return Json::array({read_message(json)});
  return read_messages(json, field);
}

void add_system(const Json& json, Json& messages) {
  const Json* system = find(json, {"system", "system_prompt"});
  if (system && system->is_string() && !system->get_ref<const std::string&>().empty())
    messages.insert(messages.begin(), message("system", system->get<std::string>()));
}

void require_answer(const Json& messages, const char* field) {
  if (std::ranges::none_of(messages, [](const Json& m) { return m["role"] == "assistant"; }))
    throw Error("nobody answers: there is no message of the assistant").field(field);
}

// --- the forms

void read_chat(const Json& json, ChatRecord& record) {
  record.messages = read_messages(json["messages"], "messages");
  record.tools = tools_of(json);
  require_answer(record.messages, "messages");
}

void read_sharegpt(const Json& json, ChatRecord& record) {
  record.messages = read_messages(json["conversations"], "conversations");
  add_system(json, record.messages);
  record.tools = tools_of(json);
  require_answer(record.messages, "conversations");
}

std::string alpaca_question(const Json& json) {
  std::string question = text_of(json["instruction"], "instruction");
  if (const Json* input = find(json, {"input"}); input && *input != "")
    question += (question.empty() ? "" : "\n") + text_of(*input, "input");
  return question;
}

// What was said before: [["question", "answer"], ...].
void add_history(const Json& json, Json& messages) {
  const Json* history = find(json, {"history"});
  if (!history) return;
  if (!history->is_array()) throw Error("a list of pairs was expected").field("history");
  for (const Json& pair : *history) {
    if (!pair.is_array() || pair.size() != 2) throw Error("a pair was expected").field("history");
    messages.push_back(message("user", text_of(pair[0], "history")));
    messages.push_back(message("assistant", text_of(pair[1], "history")));
  }
}

void read_alpaca(const Json& json, ChatRecord& record) {
  record.messages = Json::array();
  add_system(json, record.messages);
  add_history(json, record.messages);
  record.messages.push_back(message("user", alpaca_question(json)));
  record.messages.push_back(
      message("assistant", text_of(*find(json, {"output", "response"}), "output")));
}

void read_question(const Json& json, ChatRecord& record) {
  record.messages = as_messages(*find(json, {"prompt", "question"}), "user", "prompt");
  add_system(json, record.messages);
  const Json answer = as_messages(*find(json, {"completion", "answer", "response", "output"}),
                                  "assistant", "completion");
  record.messages.insert(record.messages.end(), answer.begin(), answer.end());
  record.tools = tools_of(json);
  require_answer(record.messages, "completion");
}

// "\n\nHuman: ...\n\nAssistant: ..." (anthropics/hh-rlhf).
std::optional<Json> dialogue(const std::string& text) {
  constexpr std::string_view kHuman = "\n\nHuman: ", kAssistant = "\n\nAssistant: ";
  if (!text.starts_with(kHuman)) return std::nullopt;
  Json out = Json::array();
  for (std::size_t at = 0; at < text.size();) {
    const bool human = text.compare(at, kHuman.size(), kHuman) == 0;
    const std::size_t begin = at + (human ? kHuman : kAssistant).size();
    at = std::min({text.find(kHuman, begin), text.find(kAssistant, begin), text.size()});
    out.push_back(message(human ? "user" : "assistant", text.substr(begin, at - begin)));
  }
  return out;
}

// Chosen and rejected each hold the whole conversation: what is alike before the last answer leads
// to both.
void split_conversations(Json chosen, Json rejected, ChatRecord& record) {
  std::size_t same = 0;
  while (same + 1 < std::min(chosen.size(), rejected.size()) && chosen[same] == rejected[same]) ++same;
  record.messages = Json::array();
  for (std::size_t i = 0; i < same; ++i) record.messages.push_back(chosen[i]);
  record.chosen = record.rejected = Json::array();
  for (std::size_t i = same; i < chosen.size(); ++i) record.chosen.push_back(chosen[i]);
  for (std::size_t i = same; i < rejected.size(); ++i) record.rejected.push_back(rejected[i]);
}

void read_preference(const Json& json, ChatRecord& record) {
  const Json &chosen = json["chosen"], &rejected = json["rejected"];
  record.tools = tools_of(json);
  if (const Json* prompt = find(json, {"prompt", "conversations", "messages", "question"})) {
    record.messages = as_messages(*prompt, "user", "prompt");
    record.chosen = as_messages(chosen, "assistant", "chosen");
    record.rejected = as_messages(rejected, "assistant", "rejected");
    // Some sets repeat the prompt in the answers.
    if (record.chosen.size() > 1 && record.chosen.front()["role"] != "assistant")
      split_conversations(record.chosen, record.rejected, record);
  } else if (json.contains("instruction")) {
    record.messages = Json::array({message("user", alpaca_question(json))});
    record.chosen = as_messages(chosen, "assistant", "chosen");
    record.rejected = as_messages(rejected, "assistant", "rejected");
  } else if (chosen.is_array() && rejected.is_array()) {
    split_conversations(read_messages(chosen, "chosen"), read_messages(rejected, "rejected"),
                        record);
  } else {
    const auto first = dialogue(text_of(chosen, "chosen")), second = dialogue(text_of(rejected, "rejected"));
    if (!first || !second) throw Error("a prompt was expected beside chosen and rejected").field("prompt");
    split_conversations(*first, *second, record);
  }
  add_system(json, record.messages);
  if (record.messages.empty()) throw Error("nothing was asked").field("prompt");
  require_answer(record.chosen, "chosen");
  require_answer(record.rejected, "rejected");
}

// true and false, as other programs write them too: 1 and 0, "True" and "False". Other labels are somebody's notes.
std::optional<bool> verdict_of(const Json& label) {
  if (label.is_boolean()) return label.get<bool>();
  if (label == 1 || label == "true" || label == "True" || label == "1") return true;
  if (label == 0 || label == "false" || label == "False" || label == "0") return false;
  return std::nullopt;
}

void read_verdict(const Json& json, ChatRecord& record) {
  record.messages = as_messages(json["prompt"], "user", "prompt");
  add_system(json, record.messages);
  record.chosen = as_messages(*find(json, {"completion", "answer"}), "assistant", "completion");
  record.tools = tools_of(json);
  record.label = *verdict_of(json["label"]);
  require_answer(record.chosen, "completion");
}

void read_text(const Json& json, ChatRecord& record) { record.text = text_of(json["text"], "text"); }

std::vector<std::int32_t> ids_of(const Json& json, const char* field) {
  if (!json.is_array()) throw Error("a list of token ids was expected").field(field);
  std::vector<std::int32_t> out;
  out.reserve(json.size());
  for (const Json& id : json) {
    if (!id.is_number_integer() || id.get<std::int64_t>() < 0 || id.get<std::int64_t>() > INT32_MAX)
      throw Error("a token id was expected, not " + printable(as_read(id), 40)).field(field);
    out.push_back(id.get<std::int32_t>());
  }
  return out;
}

void read_tokens(const Json& json, ChatRecord& record) {
  record.first = ids_of(json["ids"], "ids");
  for (const std::int32_t bit : ids_of(json["mask"], "mask")) {
    if (bit > 1) throw Error("0 or 1 was expected for each token").field("mask");
    record.mask.push_back(static_cast<std::uint8_t>(bit));
  }
  if (record.mask.size() != record.first.size())
    throw Error(std::to_string(record.mask.size()) + " numbers for " +
                std::to_string(record.first.size()) + " ids")
        .field("mask");
}

void read_token_preference(const Json& json, ChatRecord& record) {
  record.prompt = ids_of(json["prompt_ids"], "prompt_ids");
  record.first = ids_of(json["chosen_ids"], "chosen_ids");
  record.second = ids_of(json["rejected_ids"], "rejected_ids");
}

void read_token_verdict(const Json& json, ChatRecord& record) {
  record.prompt = ids_of(json["prompt_ids"], "prompt_ids");
  record.first = ids_of(json["completion_ids"], "completion_ids");
  if (!json["label"].is_boolean()) throw Error("true or false was expected").field("label");
  record.label = json["label"].get<bool>();
}

constexpr RecordReader kReaders[] = {
    {RecordForm::tokens, "tokens (ids, mask)",
     [](const Json& j) { return has(j, {"ids"}) && has(j, {"mask"}); }, read_tokens},
    {RecordForm::token_preference, "preferences in tokens (prompt_ids, chosen_ids, rejected_ids)",
     [](const Json& j) { return has(j, {"prompt_ids"}) && has(j, {"chosen_ids"}) && has(j, {"rejected_ids"}); },
     read_token_preference},
    {RecordForm::token_verdict, "verdicts in tokens (prompt_ids, completion_ids, label)",
     [](const Json& j) { return has(j, {"prompt_ids"}) && has(j, {"completion_ids"}) && has(j, {"label"}); },
     read_token_verdict},
    {RecordForm::preference, "preferences (chosen, rejected)",
     [](const Json& j) { return has(j, {"chosen"}) && has(j, {"rejected"}); }, read_preference},
    {RecordForm::verdict, "verdicts (prompt, completion, label)",
     [](const Json& j) {
       const Json* label = find(j, {"label"});
       return label && verdict_of(*label) && has(j, {"prompt"}) && has(j, {"completion", "answer"});
     },
     read_verdict},
    {RecordForm::chat, "chat (messages)", [](const Json& j) { return has(j, {"messages"}); },
     read_chat},
    {RecordForm::sharegpt, "ShareGPT (conversations)",
     [](const Json& j) { return has(j, {"conversations"}); }, read_sharegpt},
    {RecordForm::alpaca, "Alpaca (instruction, input, output)",
     [](const Json& j) { return has(j, {"instruction"}) && has(j, {"output", "response"}); },
     read_alpaca},
    {RecordForm::question, "prompt and completion",
     [](const Json& j) {
       return has(j, {"prompt", "question"}) && has(j, {"completion", "answer", "response", "output"});
     },
     read_question},
    {RecordForm::text, "plain text", [](const Json& j) { return has(j, {"text"}); }, read_text}};

}  // namespace

std::span<const RecordReader> record_readers() { return kReaders; }

}  // namespace bantam::data
