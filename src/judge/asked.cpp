#include "judge/asked.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "chat/chat_template.h"
#include "judge/python_text.h"

namespace bantam::judge {

std::string Asked::where(const char* field) const {
  return task_.file + ": prompt." + std::string(field);
}

Asked::Asked(const TaskSpec& task, const Chat& chat)
    : task_(task),
      chat_(chat),
      description_(task.description, where("description")),
      question_(task.question, where("question")),
      target_(task.target, where("target")),
      gold_(task.gold, where("gold")),
      prefix_(task.prefix, where("prefix")),
      example_(task.example, where("example")) {
  for (const std::string& source : task.contexts) contexts_.emplace_back(source, where("contexts"));
  for (const std::string& source : task.choices) choices_.emplace_back(source, where("choices"));
}

std::vector<std::string> Asked::choices_of(const Json& record) const {
  if (!task_.choices_from.empty())
    return texts_along(record, task_.choices_from, where("choices_from"));
  std::vector<std::string> out;
  for (const Template& choice : choices_) out.push_back(choice.render(record));
  return out;
}

// A label of the labels, else an index, else the text of a choice.
std::int64_t Asked::gold_of(const Json& record, const std::vector<std::string>& choices) const {
  const std::string gold = gold_.render(record);
  const std::vector<std::string> labels =
      task_.labels_from.empty() ? task_.labels
                                : texts_along(record, task_.labels_from, where("labels_from"));
  const std::vector<std::string>& names = labels.empty() ? choices : labels;
  std::int64_t index = -1;
  const auto [end, failed] = std::from_chars(gold.data(), gold.data() + gold.size(), index);
  if (!labels.empty() || failed != std::errc() || end != gold.data() + gold.size())
    index = std::find(names.begin(), names.end(), gold) - names.begin();
  const std::size_t count = contexts_.empty() ? choices.size() : contexts_.size();
  if (index < 0 || static_cast<std::size_t>(index) >= count)
    throw Error("\"" + printable(gold, 60) + "\" is none of the " + std::to_string(count) +
                " choices of a record")
        .in(where("gold"));
  return index;
}

Exchange Asked::exchange(std::string question, std::string answer) const {
  std::string text = question + task_.delimiter + answer;
  return {std::move(question), std::move(answer), std::move(text)};
}

Exchange Asked::example_of(const Json& record) const {
  std::string answer, question;
  std::int64_t gold = -1;
  if (task_.kind == Kind::choice) {
    const std::vector<std::string> choices = choices_of(record);
    gold = task_.gold.empty() ? 0 : gold_of(record, choices);
    answer = choices[contexts_.empty() ? static_cast<std::size_t>(gold) : 0];
  } else {
    answer = target_.render(record);
  }
  question = contexts_.empty() ? question_.render(record)
                               : contexts_[static_cast<std::size_t>(gold)].render(record);
  const std::string begun = prefix_.render(record);
  Exchange out = exchange(question + begun, answer);
  if (!task_.example.empty()) out.text = example_.render(record);
  out.question = std::move(question);  // as a turn: what the answer begins with is the answer's
  out.answer = begun + answer;
  return out;
}

Json messages_of(const Chat& chat, const std::string& description,
                 const std::vector<Exchange>& examples, const std::string& question,
                 const std::string& prefix) {
  Json messages = Json::array();
  std::string system = chat.system;
  if (!system.empty() && !description.empty()) system += "\n\n";
  system += description;
  if (!system.empty()) messages.push_back({{"role", "system"}, {"content", system}});
  std::string user;
  for (const Exchange& e : examples) {
    if (!chat.turns) {
      user += e.text + "\n\n";
      continue;
    }
    messages.push_back({{"role", "user"}, {"content", e.question}});
    messages.push_back({{"role", "assistant"}, {"content", e.answer}});
  }
  messages.push_back({{"role", "user"}, {"content", user + question}});
  if (!prefix.empty()) messages.push_back({{"role", "assistant"}, {"content", prefix}});
  return messages;
}

std::string Asked::chat_context(const std::string& description,
                                const std::vector<Exchange>& examples, const std::string& question,
                                const std::string& prefix) const {
  ChatInput input;
  set_special_tokens(*chat_.tokenizer, input);
  // A prefix of the answer: the template is rendered as for a new answer, and the prefix follows,
  // without the white space at its end (as transformers leaves a last message open).
  input.messages = messages_of(chat_, description, examples, question, "");
  std::string text;
  try {
    text = chat_.form->render(input);
  } catch (const Error&) {
    if (input.messages.front()["role"] != "system") throw;
    input.messages.erase(0);  // a template without system messages (Gemma)
    text = chat_.form->render(input);
  }
  return text + prefix.substr(0, right_edge(prefix));
}

std::string Asked::context(const std::string& description, const std::vector<Exchange>& examples,
                           const std::string& question, const std::string& prefix) const {
  if (chat_.form) return chat_context(description, examples, question, prefix);
  std::string text = description;
  for (const Exchange& e : examples) text += e.text + "\n\n";
  return text + question + prefix;
}

Item Asked::item(const Json& record, const std::vector<Exchange>& examples) const {
  Item item;
  item.record = record;
  const std::string description = description_.render(record);
  item.prefix = prefix_.render(record);
  const auto add = [&](const Template& question) {
    item.contexts.push_back(context(description, examples, question.render(record), item.prefix));
  };
  item.question = question_.render(record);
  if (contexts_.empty()) add(question_);
  for (const Template& question : contexts_) add(question);
  // In a chat the answer begins a message: nothing stands between, unless a prefix was begun.
  const bool open = !item.prefix.empty() && right_edge(item.prefix) == item.prefix.size();
  const std::string delimiter = chat_.form && !open ? "" : task_.delimiter;
  if (task_.kind == Kind::choice) {
    item.choices = choices_of(record);
    if (contexts_.size() > 1) item.choices.resize(1);
    if (!task_.gold.empty()) item.gold = gold_of(record, item.choices);
    if (!contexts_.empty())
      item.question = contexts_[static_cast<std::size_t>(std::max<std::int64_t>(item.gold, 0))].render(record) +
                      " " + item.choices.front();
    const std::size_t count = contexts_.empty() ? item.choices.size() : contexts_.size();
    for (std::size_t i = 0; i < count; ++i)
      item.continuations.push_back(delimiter + item.choices[contexts_.empty() ? i : 0]);
  } else if (task_.kind != Kind::rolling) {
    item.target = target_.render(record);
    if (task_.kind == Kind::likelihood) item.continuations = {delimiter + item.target};
  }
  return item;
}

}  // namespace bantam::judge
