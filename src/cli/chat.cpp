// `bantam chat`: a conversation with a model.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "base/error.h"
#include "base/nearest.h"
#include "cli/chat.h"
#include "cli/interrupt.h"
#include "cli/line_editor.h"
#include "cli/model_options.h"
#include "cli/output.h"
#include "cli/several_flags.h"
#include "cli/speculating.h"
#include "cli/thinking.h"
#include "cli/verbs.h"
#include "infer/answer.h"

namespace bantam::cli {

namespace {

struct ChatVerb {
  ModelOptions model;
  SamplingFlags sampling;
  TalkOptions talk{"what the model is told before the conversation",
                   "a chat template in place of the model's own",
                   {},
                   {},
                   {}};
  std::optional<std::int64_t> count;
  std::vector<std::string> tools;
  SpeculationFlags speculation;

  void run() const;
};

// An answer on the screen, thoughts dim.
class Screen {
 public:
  explicit Screen(bool thinking) : splitter_(thinking) {}
  void show(std::string_view piece) { put(splitter_.feed(piece)); }
  void end() { put(splitter_.finish()); }

 private:
  static void put(const std::vector<ThinkingSplitter::Piece>& pieces) {
    for (const ThinkingSplitter::Piece& piece : pieces) {
      const bool dim = piece.thought && colour();
      if (dim) print("\033[2m");
      print_answer(piece.text);
      if (dim) print("\033[0m");
    }
    flush();
  }
  ThinkingSplitter splitter_;
};

// "/save notes.json" as a command with its name as it was typed, and its argument; null when it is none.
const ChatCommand* command_of(const std::string& message, std::string& name, std::string& argument) {
  const std::size_t gap = message.find_first_of(" \t\n");
  name = message.substr(0, gap);
  const ChatCommand* found = find_command(name);
  if (found == nullptr) return nullptr;
  const std::size_t from = message.find_first_not_of(" \t\n", gap);
  argument = gap == std::string::npos || from == std::string::npos ? "" : message.substr(from);
  argument.resize(argument.find_last_not_of(" \t\n") + 1);
  return found;
}

// A message of several lines: between """ and """, or where each line but the last ends with a
// backslash. Nullopt at the end of the input.
std::optional<std::string> read_message(LineEditor& editor) {
  constexpr std::string_view kQuotes = "\"\"\"";
  std::optional<std::string> line = editor.read("> ");
  if (!line) return std::nullopt;
  std::string message;
  if (line->starts_with(kQuotes)) {
    std::string rest = line->substr(kQuotes.size());
    while (true) {
      if (const std::size_t end = rest.find(kQuotes); end != std::string::npos)
        return message + rest.substr(0, end);
      if (!rest.empty() || !message.empty()) message += rest + "\n";
      line = editor.read("... ");
      if (!line || editor.dropped()) return editor.dropped() ? "" : message;
      rest = *line;
    }
  }
  while (line->ends_with('\\')) {
    message += line->substr(0, line->size() - 1) + "\n";
    line = editor.read("... ");
    if (!line || editor.dropped()) return editor.dropped() ? "" : message;
  }
  return message + *line;
}

}  // namespace

void remark(const std::string& text) {
  std::fprintf(stderr, colour() ? "\033[2m(%s)\033[0m\n" : "(%s)\n", text.c_str());
}

void Chat::hear(const std::string& message) {
  if (message.find_first_not_of(" \t\n") == std::string::npos) return;
  if (!message.starts_with('/')) return answer(message);
  std::string name, argument;
  const ChatCommand* command = command_of(message, name, argument);
  if (command == nullptr) {
    if (message.find_first_of(" /\n", 1) != std::string::npos) return answer(message);
    std::vector<std::string> names;
    for (const ChatCommand& c : chat_commands()) names.emplace_back(c.name);
    const std::string near = nearest(message, names);
    return note(
        "there is no command " + printable(message, 40) +
        (near.empty() ? "; /help lists those that there are" : "; did you mean " + near + "?"));
  }
  if (command->ends && !argument.empty())
    note(name + " ends the conversation; \"" + printable(argument, 40) + "\" was not read");
  else if (command->argument.empty() && !argument.empty())
    return note(name + " stands alone on its line");
  if (!command->argument.empty() && command->needs && argument.empty())
    return note(name + " " + std::string(command->argument) + " was expected");
  try {
    command->run(*this, argument);
  } catch (const OutputError&) {
    throw;
  } catch (const Error& error) {
    note(error.what());
  }
}

void Chat::answer(const std::string& message) {
  std::vector<std::int32_t> prompt;
  try {
    prompt = conversation.say(message);
    answer_to(prompt);
  } catch (const OutputError&) {
    throw;
  } catch (const Error& error) {
    // A conversation that does not fit, or that the template refuses, can go on in another way.
    conversation.take_back();
    failed = true;
    note(error.what());
    if (static_cast<std::int64_t>(prompt.size()) > session.context())
      note("/reset begins a new conversation; --ctx at the start asks for more context");
  }
}

void Chat::answer_again() {
  const auto prompt = conversation.again();
  if (!prompt) return print("There is nothing to answer yet.\n");
  answer_to(*prompt);
}

void Chat::answer_to(const std::vector<std::int32_t>& prompt) {
  AnswerOptions options;
  options.sampling = sampling;
  options.stream = answers++;
  options.most_tokens = most_tokens;
  options.constraint = judge::tool_use(tokenizer, tools);
  if (!conversation.has_template()) options.continues = prompt;
  Answer said(tokenizer, options);
  Screen screen(conversation.thinking());
  Speculation guesses(said, draft);
  const Timing timing = generate(
      session, 0, prompt, said,
      [&](std::string_view piece) {
        screen.show(piece);
        return true;
      },
      [] { return !interrupted(); }, speculate ? &guesses : nullptr);
  screen.end();
  if (!said.text().ends_with('\n')) print("\n");
  flush();
  const bool ended = said.reason() == StopReason::end;
  conversation.answered(said.text(), said.ids().first(said.ids().size() - (ended ? 1 : 0)));
  if (interrupted()) remark("stopped");
  forget_interrupt();
  if (said.reason() == StopReason::context)
    remark("the context of " + std::to_string(session.context()) +
           " tokens is full; /reset begins a new conversation");
  if (output_is_terminal() && said.ids().size() > 1 && timing.answer_seconds > 0) {
    char text[64];
    std::snprintf(text, sizeof text, "%.1f tokens/s",
                  static_cast<double>(said.ids().size() - 1) / timing.answer_seconds);
    remark(text);
  }
}

namespace {

void ChatVerb::run() const {
  const auto file = std::make_shared<const ModelFile>(Path(model.path));
  model.warn_of_context(*file);
  const SamplingOptions chosen = sampling.chosen();
  check_biases(chosen, file->config());
  const auto tokenizer = tokenizer_of(*file);
  std::optional<ChatTemplate> chat_template =
      choose_template(talk.template_name, *tokenizer, model.path, model.adapter);
  SessionOptions session_options = model.session();
  const DraftFile draft_file = speculation.open(*tokenizer, session_options);
  model.keep_to_memory(*file, session_options, draft_file.shape());
  Session session(file, session_options);
  const std::unique_ptr<DraftModel> draft = draft_file.load(session);
  Chat chat{
      tokenizer,
      chosen,
      count.value_or(-1),
      session,
      Conversation(tokenizer, std::move(chat_template), talk.system.value_or(""), talk.variables()),
      !speculation.off,
      draft.get(),
      judge::tools_named(tools)};
  check_interrupt();
  interrupts_are_for_answers();
  if (output_is_terminal())
    print("Ctrl-C stops an answer, Ctrl-D ends the conversation, /help says more.\n");
  LineEditor editor(state_file("chat_history"), commands_beginning);
  while (!chat.done) {
    flush();
    const std::optional<std::string> message = read_message(editor);
    forget_interrupt();
    if (!message) break;
    chat.hear(*message);
  }
  // A person has seen it; a script must be told.
  if (chat.failed && isatty(STDIN_FILENO) != 1) throw Error("not every message was answered");
}

std::function<void()> declare_chat(Options& options) {
  auto command = std::make_shared<ChatVerb>();
  command->model.declare(options);
  command->model.declare_memory(options);
  command->talk.declare(options);
  options.whole("-n,--count", "N", command->count, 1, INT32_MAX,
                "at most so many tokens an answer");
  declare_tools(options, command->tools);
  command->speculation.declare(options);
  command->sampling.declare(options);
  return [command] { command->run(); };
}

}  // namespace

const Verb kChat{
    "chat", "talk with a model",
    "Opens a conversation. What was said stays in memory, so each turn is as quick as the\n"
    "first; /help lists what can be done with it. The lines that you type are kept for the\n"
    "next time in ~/.local/state/bantam/chat_history, readable by you alone; nothing else\n"
    "is kept but what /save writes. Lines that are pasted together are one message. Of what\n"
    "is piped in, each line is a message of its own, or a command, as at a prompt; lines\n"
    "between \"\"\" and \"\"\" are one. A whole file as one question: bantam generate MODEL\n"
    "--system \"\" --file FILE.",
    "bantam chat model.gguf\n"
    "bantam chat model.gguf --system \"Answer in one sentence.\" --temp 0.3",
    declare_chat};

}  // namespace bantam::cli
