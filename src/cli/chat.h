// A chat in progress: the conversation, the model, and the commands that a person may type.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/conversation.h"
#include "infer/draft.h"
#include "infer/sampler.h"
#include "infer/session.h"
#include "judge/tools.h"

namespace bantam::cli {

struct Chat {
  std::shared_ptr<const Tokenizer> tokenizer;
  SamplingOptions sampling;
  std::int64_t most_tokens;  // of an answer; negative: no bound
  Session& session;
  Conversation conversation;
  bool speculate = true;        // guess tokens ahead from the text
  DraftModel* draft = nullptr;  // and by this model
  std::vector<const judge::Tool*> tools = {};  // that answers may use
  std::uint64_t answers = 0;
  bool done = false;
  bool failed = false;  // a message had no answer

  // A message or a command.
  void hear(const std::string& message);
  void answer(const std::string& message);
  // Answers the last message once more, otherwise.
  void answer_again();

 private:
  void answer_to(const std::vector<std::int32_t>& prompt);
};

struct ChatCommand {
  std::string_view name, argument, help;
  void (*run)(Chat& chat, const std::string& argument);
  bool needs = true;  // the argument, when it has one
  bool ends = false;  // the conversation, whatever follows
};

// In the order of /help.
std::span<const ChatCommand> chat_commands();
// By its name, or what other programs call it, in any case; null: there is none.
const ChatCommand* find_command(std::string_view name);
// The commands that begin with `start`: what Tab offers.
std::vector<std::string> commands_beginning(std::string_view start);

// Dim on a terminal: what is not part of the conversation.
void remark(const std::string& text);

}  // namespace bantam::cli
