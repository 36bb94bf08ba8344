// Chat templates: the Jinja2 program in a model's files that turns a conversation into the prompt
// the model was trained on. The interpreter runs official templates to the byte, as the makers'
// code does (Hugging Face Transformers, utils/chat_template_utils.py): an
// ImmutableSandboxedEnvironment of Jinja2 with trim_blocks and lstrip_blocks, break and continue,
// the tag generation, raise_exception, strftime_now, and tojson as Python's json.dumps.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"

namespace bantam::tokenizer {
class Tokenizer;
}

namespace bantam::chat {

namespace jinja {
struct Template;
}

// The clock that strftime_now reads.
struct LocalTime {
  int year = 1970, month = 1, day = 1;  // month and day from 1
  int hour = 0, minute = 0, second = 0;
};
// "2025-03-14T09:26:53" (a space instead of the T is allowed). Throws Error.
LocalTime parse_local_time(std::string_view text);
LocalTime current_local_time();

struct ChatInput {
  Json messages = Json::array();
  Json tools;  // null: none
  Json extra;  // further variables: an object, or null; they win over the ones here
  bool add_generation_prompt = true;
  std::string bos_token, eos_token;
  std::vector<std::pair<std::string, std::string>> other_tokens;  // such as "pad_token": its text
  std::optional<LocalTime> now;  // none: the machine's
};

// bos_token, eos_token and the others that there are, as the tokenizer spells them.
void set_special_tokens(const Tokenizer& tokenizer, ChatInput& input);

// What a template may use: it comes with a model file and is not trusted.
struct TemplateLimits {
  std::uint64_t steps = 10'000'000;  // expressions and statements, beside one a byte of the input
  int calls = 100;                   // macros and recursive loops inside each other
  std::size_t output = std::size_t{16} << 20;   // bytes, beside those of the input
  std::size_t memory = std::size_t{24} << 20;   // bytes of values, beside three times the input
  std::size_t source = std::size_t{128} << 10;  // bytes of the template
};

// A rendered conversation, and what of it was written while the template stood at each message: by
// the template's own loop over the messages, not by a search.
struct Rendering {
  struct Stretch {
    std::size_t message, begin, end;  // index of the message; bytes of the text
  };
  std::string text;
  std::vector<Stretch> stretches;  // empty where a turn of the loop wrote nothing
};

class ChatTemplate {
 public:
  // Parses; `name` is the file or model that errors name. Throws Error with the line.
  explicit ChatTemplate(std::string source, std::string name);
  ~ChatTemplate();
  ChatTemplate(ChatTemplate&&) noexcept;
  ChatTemplate& operator=(ChatTemplate&&) noexcept;

  // The prompt; contents are given to the template in the form that it wants (content_form.h). Throws
  // Error with the line: what the template raises itself, what it cannot do, a limit. Can be called
  // from several threads at once.
  std::string render(const ChatInput& input, const TemplateLimits& limits = {}) const;
  // The same with every content as it is.
  std::string render_as_given(const ChatInput& input, const TemplateLimits& limits = {}) const;

  // As render, saying which message each part came with.
  Rendering trace(const ChatInput& input, const TemplateLimits& limits = {}) const;

  // Further variables for every prompt, an object; those of an input win over them. Before the first
  // prompt is made.
  void set_variables(Json variables) { variables_ = std::move(variables); }

  const std::string& source() const { return source_; }
  const std::string& name() const { return name_; }

 private:
  struct Forms;  // what it wants, found out once

  Json fitted(const ChatInput& input) const;
  Rendering run(const ChatInput& input, const Json& messages, const TemplateLimits& limits,
                bool traced) const;

  std::string source_, name_;
  Json variables_;
  std::unique_ptr<const jinja::Template> tree_;
  std::unique_ptr<Forms> forms_;
};

// The template that a model brings, nullopt where it has none (of that name: some models bring more
// than one, "tool_use" for conversations with tools; "": the default one); `model` is its file or
// folder, as errors name it. Throws as the constructor does.
std::optional<ChatTemplate> own_template(const Tokenizer& tokenizer, const std::string& model,
                                         std::string_view name = "");

}  // namespace bantam::chat
