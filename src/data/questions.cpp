#include "data/questions.h"

#include <algorithm>
#include <tuple>

#include "base/error.h"
#include "chat/content_form.h"

namespace bantam::data {

namespace {

// The readers of records want an answer: an empty one is put where there is none, and taken away afterwards.
Json with_answer(Json json) {
  if (!json.is_object()) return json;
  const auto given = [&](std::initializer_list<const char*> names) {
    return std::ranges::any_of(names, [&](const char* name) { return json.contains(name) && !json[name].is_null(); });
  };
  if (given({"chosen"})) return json;
  for (const auto& [list, role, content] : {std::tuple("messages", "role", "content"), std::tuple("conversations", "from", "value")})
    if (given({list}) && json[list].is_array()) json[list].push_back({{role, "assistant"}, {content, ""}});
  if (given({"instruction"}) && !given({"output", "response"})) json["output"] = "";
  if (given({"prompt", "question"}) && !given({"completion", "answer", "response", "output"})) json["completion"] = "";
  return json;
}

}  // namespace

ChatRecord question_of(const Json& json) {
  ChatRecord record = read_record(with_answer(json));
  if (!record.messages.is_array())
    throw Error("it asks nothing: a prompt, an instruction or a conversation was expected, not " +
                std::string(form_name(record.form)));
  Json& messages = record.messages;
  // Of preferences and verdicts these are what leads to the answers already.
  if (record.chosen.is_null())
    while (!messages.empty() && messages.back()["role"] == "assistant") messages.erase(messages.size() - 1);
  if (messages.empty() || messages.back()["role"] == "system" || messages.back()["role"] == "assistant")
    throw Error("it asks nothing: a message of the user was expected before the answer");
  const Json& last = messages.back();
  if (const auto text = text_of_content(last.value("content", Json())); last.size() == 2 && text && text->find_first_not_of(" \t\r\n") == std::string::npos)
    throw Error("it asks nothing: there is no word in its question");
  record.form = RecordForm::chat;
  record.chosen = record.rejected = nullptr;
  record.label = true;
  return record;
}

ChatData read_questions(const Path& path) { return read_chat_data(path, question_of); }

}  // namespace bantam::data
