// From a record to the text that a model sees: question, choices, examples, and the chat around them
// (EleutherAI/lm-evaluation-harness, lm_eval/api/task.py, fewshot_context, says in what order).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/rooms.h"
#include "judge/item.h"
#include "judge/template.h"

namespace bantam::judge {

// An example: what is asked and what is answered; `text` is both as running text, without the blank
// line that follows.
struct Exchange {
  std::string question, answer, text;
};

class Asked {
 public:
  // Throws Error for a template that cannot be read.
  Asked(const TaskSpec& task, const Chat& chat);

  Exchange exchange(std::string question, std::string answer) const;
  Exchange example_of(const Json& record) const;
  Item item(const Json& record, const std::vector<Exchange>& examples) const;

 private:
  std::vector<std::string> choices_of(const Json& record) const;
  std::int64_t gold_of(const Json& record, const std::vector<std::string>& choices) const;
  std::string context(const std::string& description, const std::vector<Exchange>& examples,
                      const std::string& question, const std::string& prefix) const;
  std::string chat_context(const std::string& description, const std::vector<Exchange>& examples,
                           const std::string& question, const std::string& prefix) const;
  std::string where(const char* field) const;

  const TaskSpec& task_;
  const Chat& chat_;
  Template description_, question_, target_, gold_, prefix_, example_;
  std::vector<Template> contexts_, choices_;
};

// The conversation of a chat request, before its template: {role, content} each.
Json messages_of(const Chat& chat, const std::string& description,
                 const std::vector<Exchange>& examples, const std::string& question,
                 const std::string& prefix);

}  // namespace bantam::judge
