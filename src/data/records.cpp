#include "data/records.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "chat/answer_mask.h"
#include "chat/content_form.h"
#include "data/conversation.h"

namespace bantam::data {

namespace {

// Calls of tools as Hermes and Qwen write them in a text.
std::string calls_as_text(const Json& calls) {
  std::string all;
  for (const Json& call : calls) {
    const Json& function = call.at("function");
    Json what = {{"name", function.at("name")}, {"arguments", Json::object()}};
    if (function.contains("arguments")) what["arguments"] = function["arguments"];
    if (!all_finite(what)) throw Error("finite numbers were expected in what is called with").field("tool_calls");
    all += (all.empty() ? "" : "\n") + std::string("<tool_call>\n") + to_text(what) +
           "\n</tool_call>";
  }
  return all;
}

void add_messages(const Json& messages, Document& document) {
  for (const Json& m : messages) {
    std::string role = m.at("role").get<std::string>();
    if (role == "developer") role = "system";
    Message message{std::move(role), text_of_content(m.at("content")).value()};
    message.counts = counts_in_training(m);
    if (m["content"].is_array())
      for (const Json& part : m["content"]) message.parts.push_back(part["text"].get<std::string>());
    if (m.contains("tool_calls")) {
      const std::string calls = calls_as_text(m["tool_calls"]);
      message.content += (message.content.empty() ? "" : "\n") + calls;
      if (!message.parts.empty()) message.parts.push_back(calls);
    }
    document.messages.push_back(std::move(message));
  }
}

bool is_source_text(const Json& line) {
  return line.contains("content") && line["content"].is_string() && !line.contains("text") &&
         !line.contains("messages") && !line.contains("prompt");
}

}  // namespace

Document read_document_line(const std::string& line) {
  Json json = parse_json(line, "", {.bytes = line.size(), .depth = 32, .values = 100'000, .python_numbers = true});
  if (!json.is_object()) throw Error("an object was expected on each line");
  Document document;
  if (is_source_text(json)) {
    document.text = json["content"].get<std::string>();
    return document;
  }
  const ChatRecord record = read_record(json);
  switch (record.form) {
    case RecordForm::tokens:
    case RecordForm::token_preference:
    case RecordForm::token_verdict:
      throw Error("tokens of another tokenizer cannot be trained on; text was expected")
          .field("ids");
    case RecordForm::text:
      document.text = record.text;
      break;
    case RecordForm::preference:
    case RecordForm::verdict:
      add_messages(record.messages, document);
      if (record.label) add_messages(record.chosen, document);
      break;
    default:
      add_messages(record.messages, document);
  }
  if (!record.label) document.messages.clear();  // an answer that is called bad
  return document;
}

}  // namespace bantam::data
