// Records to fine-tune on, as people have them: conversations, instructions, questions with
// answers, preferences, plain text, or tokens already. The form of each record is told by its keys.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/json.h"

namespace bantam::data {

enum class RecordForm : std::uint8_t {
  tokens,             // {"ids", "mask"}
  token_preference,   // {"prompt_ids", "chosen_ids", "rejected_ids"}
  token_verdict,      // {"prompt_ids", "completion_ids", "label"}
  preference,         // chosen and rejected, behind a prompt
  verdict,            // {"prompt", "completion", "label": true or false}
  chat,               // {"messages", "tools"}
  sharegpt,           // {"conversations": [{"from", "value"}]}
  alpaca,             // {"instruction", "input", "output"}
  question,           // {"prompt", "completion"}, {"question", "answer"}
  text,               // {"text"}
};
// "chat (messages)": for people.
std::string_view form_name(RecordForm form);

struct ChatRecord {
  std::int64_t line = 0;  // of the file, from 1
  RecordForm form = RecordForm::text;
  // What the conversation forms become: messages with role and content (tool_calls, ...), and the
  // tools. A content is a text, or several parts that are text. Of a preference or verdict: the messages that lead to the answers.
  Json messages, tools;
  Json chosen, rejected;  // messages that follow; of a verdict the one answer is `chosen`
  std::string text;
  bool label = true;  // of a verdict: the answer is a good one
  // The token forms: `prompt`, then `first` (chosen, completion; or all of "ids" with its mask) and
  // `second` (rejected).
  std::vector<std::int32_t> prompt, first, second;
  std::vector<std::uint8_t> mask;
};

struct BrokenRecord {
  std::int64_t line;
  std::string reason;
};

struct ChatData {
  std::vector<ChatRecord> records;
  std::vector<BrokenRecord> broken;  // left out
};

// One record. Throws Error that says what is wrong with it.
ChatRecord read_record(const Json& json);

// Reads .jsonl, .json (an array of records), .csv (the first row names the columns), .txt and .md
// (paragraphs, one document a file), encoded as text_encoding.h says, each record by `read`. What is no record of any form is listed as
// broken. Throws Error when the file cannot be read, is of another kind, or has no record at all.
ChatData read_chat_data(const Path& path, const std::function<ChatRecord(const Json&)>& read = read_record);

}  // namespace bantam::data
