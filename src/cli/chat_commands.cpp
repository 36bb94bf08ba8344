// The commands of a chat: a row each.
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>
#include <nlohmann/json.hpp>

#include "base/counting.h"
#include "base/error.h"
#include "base/file.h"
#include "cli/chat.h"
#include "cli/output.h"

namespace bantam::cli {

namespace {

constexpr std::uint64_t kMostSaved = std::uint64_t{64} << 20;

void help(Chat&, const std::string&) {
  for (const ChatCommand& c : chat_commands()) {
    std::string left(c.name);
    if (!c.argument.empty()) left += " " + std::string(c.argument);
    left.resize(16, ' ');
    print("  " + left + std::string(c.help) + "\n");
  }
  print(
      "  \"\"\"             begin and end a message of several lines; so does \\ at a line's "
      "end\n");
}

void reset(Chat& chat, const std::string&) {
  chat.conversation.reset();
  print("The conversation begins anew.\n");
}

void system(Chat& chat, const std::string& text) {
  if (!text.empty()) chat.conversation.set_system(text == "-" ? "" : text);
  const std::string& now = chat.conversation.system();
  print(now.empty() ? "The model is told nothing before the conversation.\n"
                    : "The model is told: " + printable(now, 1000) + "\n");
}

void regen(Chat& chat, const std::string&) { chat.answer_again(); }

void undo(Chat& chat, const std::string&) {
  print(chat.conversation.undo() ? "The last message and its answer are forgotten.\n"
                                 : "There is nothing to forget.\n");
}

// "~/x" as a shell has it.
Path path_of(const std::string& text) {
  const char* home = std::getenv("HOME");
  return text.starts_with("~/") && home != nullptr ? Path(home) / text.substr(2) : Path(text);
}

Json read_saved(const Path& file) {
  return parse_json(read_file(file, kMostSaved), file.string(), {kMostSaved});
}

void save(Chat& chat, const std::string& argument) {
  const Path file = path_of(argument);
  std::error_code ignored;
  if (std::filesystem::exists(file, ignored)) {
    bool ours = false;
    try {
      const Json there = read_saved(file);
      ours = there.is_object() && there.value("format", "") == chat.conversation.saved()["format"];
    } catch (const std::exception&) {
    }
    if (!ours)
      throw Error("it exists and is not a saved conversation; choose another name")
          .in(file.string());
  }
  AtomicFile out(file, S_IRUSR | S_IWUSR);
  out.write(to_text(chat.conversation.saved()) + "\n");
  out.commit();
  print("Saved.\n");
}

void load(Chat& chat, const std::string& argument) {
  const Path file = path_of(argument);
  chat.conversation.load(read_saved(file), file.string());
  print("The conversation goes on after " + number_of(chat.conversation.messages(), "message") +
        ".\n");
}

void quit(Chat& chat, const std::string&) { chat.done = true; }

constexpr std::array<ChatCommand, 8> kCommands{{
    {"/help", "", "list these", help},
    {"/reset", "", "begin a new conversation (as /clear does)", reset},
    {"/system", "TEXT", "what the model is told before the conversation (-: nothing)", system,
     false},
    {"/regen", "", "another answer to the last message", regen},
    {"/undo", "", "forget the last message and its answer", undo},
    {"/save", "FILE", "keep the conversation in a file", save},
    {"/load", "FILE", "go on with a conversation that was saved", load},
    {"/quit", "", "end (as Ctrl-D, /bye and /exit do)", quit, true, true},
}};

// What Ollama's users type.
constexpr std::pair<std::string_view, std::string_view> kOtherNames[] = {
    {"/bye", "/quit"}, {"/exit", "/quit"}, {"/clear", "/reset"}, {"/?", "/help"}};

}  // namespace

std::span<const ChatCommand> chat_commands() { return kCommands; }

const ChatCommand* find_command(std::string_view name) {
  std::string wanted(name);
  for (char& c : wanted)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  for (const auto& [other, ours] : kOtherNames)
    if (wanted == other) wanted = ours;
  const auto found = std::ranges::find(kCommands, wanted, &ChatCommand::name);
  return found == kCommands.end() ? nullptr : &*found;
}

std::vector<std::string> commands_beginning(std::string_view start) {
  std::vector<std::string> out;
  if (!start.starts_with('/')) return out;
  for (const ChatCommand& c : kCommands)
    if (c.name.starts_with(start)) out.emplace_back(c.name);
  return out;
}

}  // namespace bantam::cli
