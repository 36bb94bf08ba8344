// `bantam chat`: a conversation with a model.
#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>

#include "base/error.h"
#include "base/nearest.h"
#include "cli/conversation.h"
#include "cli/interrupt.h"
#include "cli/line_editor.h"
#include "cli/model_options.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "infer/answer.h"

namespace bantam::cli {

namespace {

struct Command {
  ModelOptions model;
  SamplingFlags sampling;
  std::optional<std::string> template_name, system;
  std::optional<std::int64_t> count;

  void run() const;
};

// What the loop of the conversation holds.
struct Chat {
  const Command& command;
  std::shared_ptr<const Tokenizer> tokenizer;
  SamplingOptions sampling;
  Session& session;
  Conversation conversation;
  std::uint64_t answers = 0;
  bool done = false;

  void hear(const std::string& line);
  void answer(const std::string& line);
};

struct ChatCommand {
  std::string_view name, help;
  void (*run)(Chat& chat);
};

void help(Chat& chat);
void reset(Chat& chat) {
  chat.conversation.reset();
  print("The conversation begins anew.\n");
}
void quit(Chat& chat) { chat.done = true; }

constexpr std::array<ChatCommand, 3> kCommands{{
    {"/help", "list these", help},
    {"/reset", "begin a new conversation", reset},
    {"/quit", "end (as Ctrl-D does)", quit},
}};

void help(Chat&) {
  for (const ChatCommand& c : kCommands) {
    std::string name(c.name);
    name.resize(10, ' ');
    print("  " + name + std::string(c.help) + "\n");
  }
}

void Chat::hear(const std::string& line) {
  if (line.find_first_not_of(" \t") == std::string::npos) return;
  if (!line.starts_with('/') || line.find_first_of(" /", 1) != std::string::npos)
    return answer(line);
  const auto found = std::ranges::find(kCommands, line, &ChatCommand::name);
  if (found != kCommands.end()) return found->run(*this);
  std::vector<std::string> names;
  for (const ChatCommand& c : kCommands) names.emplace_back(c.name);
  const std::string near = nearest(line, names);
  note("there is no command " + printable(line, 40) +
       (near.empty() ? "; /help lists those that there are" : "; did you mean " + near + "?"));
}

// Dim on a terminal: what is not part of the conversation.
void remark(const std::string& text) {
  std::fprintf(stderr, colour() ? "\033[2m(%s)\033[0m\n" : "(%s)\n", text.c_str());
}

void Chat::answer(const std::string& line) {
  AnswerOptions options;
  options.sampling = sampling;
  options.stream = answers++;
  options.most_tokens = command.count.value_or(-1);
  std::optional<Answer> answer;
  Timing timing;
  try {
    const std::vector<std::int32_t> prompt = conversation.say(line);
    if (!conversation.has_template()) options.continues = prompt;
    answer.emplace(tokenizer, options);
    timing = generate(
        session, 0, prompt, *answer,
        [](std::string_view piece) {
          print_answer(piece);
          flush();
          return true;
        },
        [] { return !interrupted(); });
  } catch (const Error& error) {
    // A conversation that does not fit, or that the template refuses, can go on in another way.
    conversation.take_back();
    note(error.what());
    note("/reset begins a new conversation; --ctx at the start asks for more context");
    return;
  }
  const Answer& said = *answer;
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

void Command::run() const {
  const auto file = std::make_shared<const ModelFile>(Path(model.path));
  model.warn_of_context(*file);
  const auto tokenizer = tokenizer_of(*file);
  std::optional<ChatTemplate> chat_template =
      choose_template(template_name, *tokenizer, model.path);
  Session session(file, model.session());
  Chat chat{*this,
            tokenizer,
            sampling.chosen(),
            session,
            Conversation(tokenizer, std::move(chat_template), system.value_or("")),
            0,
            false};
  check_interrupt();
  interrupts_are_for_answers();
  if (output_is_terminal())
    print("Ctrl-C stops an answer, Ctrl-D ends the conversation, /help says more.\n");
  LineEditor editor("> ", state_file("chat_history"));
  while (!chat.done) {
    flush();
    const std::optional<std::string> line = editor.read();
    forget_interrupt();
    if (!line) break;
    chat.hear(*line);
  }
}

std::function<void()> declare(Options& options) {
  auto command = std::make_shared<Command>();
  command->model.declare(options);
  options.text("--system", "TEXT", command->system,
               "what the model is told before the conversation");
  options
      .text("--template", "NAME", command->template_name,
            "a chat template in place of the model's own: " + template_names())
      .words = template_words();
  options.whole("-n,--count", "N", command->count, 1, INT32_MAX,
                "at most so many tokens an answer");
  command->sampling.declare(options);
  return [command] { command->run(); };
}

}  // namespace

const Verb kChat{
    "chat", "talk with a model",
    "Opens a conversation. What was said stays in memory, so each turn is as quick as the\n"
    "first. The lines that you type are kept for the next time in\n"
    "~/.local/state/bantam/chat_history, readable by you alone; nothing else is kept.",
    "bantam chat model.gguf\n"
    "bantam chat model.gguf --system \"Answer in one sentence.\" --temp 0.3",
    declare};

}  // namespace bantam::cli
