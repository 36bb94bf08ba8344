// A conversation with a model: what was said, and the prompt that it makes. By the model's chat
// template where there is one; else the text simply goes on.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "chat/chat_template.h"
#include "tokenizer/tokenizer.h"

namespace bantam::cli {

class Conversation {
 public:
  // Without a template the conversation is one text. `variables`: the template's, an object.
  Conversation(std::shared_ptr<const Tokenizer> tokenizer,
               std::optional<ChatTemplate> chat_template, std::string system,
               const Json& variables = nullptr);
  ~Conversation();

  // What the person says; the prompt, as all tokens of the sequence. Throws Error when the template
  // does; what was said is then forgotten. Until answered() the message can be taken back.
  std::vector<std::int32_t> say(const std::string& text);
  void take_back();
  // What the model said: its text and, of a text that goes on, its tokens (without the end token).
  void answered(const std::string& text, std::span<const std::int32_t> ids);

  // Forgets everything but the system message.
  void reset();
  // Forgets the last thing said and its answer; false when there is none.
  bool undo();
  // The prompt for another answer to the last thing said, the one it had forgotten; none when
  // nothing was said.
  std::optional<std::vector<std::int32_t>> again();

  const std::string& system() const { return system_; }
  // What the model is told before the conversation, from the next thing said on; empty: nothing.
  void set_system(std::string text);

  // The messages as one JSON object, and such an object again. Throws Error naming `file` when it
  // is none; the conversation is then what it was.
  Json saved() const;
  void load(const Json& saved, const std::string& file);
  std::size_t messages() const;  // without the system message

  bool has_template() const { return template_.has_value(); }
  // Whether the last prompt ended inside a thought ("<think>"), so that the answer begins there.
  bool thinking() const { return thinking_; }

 private:
  std::vector<std::int32_t> prompt();

  std::shared_ptr<const Tokenizer> tokenizer_;
  std::optional<ChatTemplate> template_;
  std::string system_;
  std::unique_ptr<Json> messages_;  // {role, content}; without a template an answer's ids too
  std::unique_ptr<Json> variables_;  // of the template
  bool thinking_ = false;
};

// The template of this name, or the one that the adapter (if any) was trained under, or the model's
// own; none, and a note, when it has none. Throws Error when there is no such name, or the template
// cannot be read.
std::optional<ChatTemplate> choose_template(const std::optional<std::string>& name,
                                            const Tokenizer& tokenizer, const std::string& model,
                                            const std::optional<std::string>& adapter = std::nullopt);
// "chatml, llama3, ...": for help. The same one by one.
std::string template_names();
std::vector<std::string> template_words();

}  // namespace bantam::cli
