// A question as it is put to a model: the requests of one document, in the order of its choices.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "judge/spec.h"

namespace bantam::chat {
class ChatTemplate;
}
namespace bantam::tokenizer {
class Tokenizer;
}

namespace bantam::judge {

struct Item {
  std::string doc;      // its place: "12"; where a task has subjects, "anatomy 12"
  std::string subject;  // or empty
  std::vector<std::string> contexts;       // one for all continuations, or one for each
  std::vector<std::string> continuations;  // none: rolling, or an answer is to be written
  std::vector<std::string> choices;        // as the set has them, without the delimiter
  std::int64_t gold = -1;
  std::string target;
  std::string question;  // as it is asked, without examples and description: what training may have held
  std::string prefix;  // what the answer begins with, said for it
  Json record;         // after preparation

  std::size_t requests() const { return continuations.empty() ? 1 : continuations.size(); }
  const std::string& context(std::size_t i) const {
    return contexts[contexts.size() == 1 ? 0 : i];
  }
  std::string_view continuation(std::size_t i) const {
    return continuations.empty() ? std::string_view() : std::string_view(continuations[i]);
  }
};

// How a chat model is asked: by its own template.
struct Chat {
  const ChatTemplate* form = nullptr;  // null: as plain text
  const Tokenizer* tokenizer = nullptr;
  std::string system;
  bool turns = false;  // each example is a turn
};

struct Asking {
  std::optional<std::int64_t> shots;  // none: the task's own number
  double limit = 0;                   // 0: all; below 1 a share, rounded up; else so many documents
  std::uint64_t seed = 1234;          // of the examples
  std::string subject;                // of a task with subjects: this one alone
  Chat chat;
};

// How many examples a task is put with.
std::int64_t shots_of(const TaskSpec& task, const Asking& asking);

// The requests of a task, as the field's harness makes them. Throws Error: a file or a field is
// missing, a subject that there is not (with the nearest).
std::vector<Item> make_items(const TaskSpec& task, DataFolder& data, const Asking& asking);

// The subjects of a task, in order.
std::vector<std::string> subjects_of(const TaskSpec& task, DataFolder& data);

// One line a document, "DOC DIGEST": the first 16 hex digits of SHA-256 over, for each request, the
// context, 0x1E, the continuation, 0x1F.
std::string digest_line(const Item& item);

}  // namespace bantam::judge
