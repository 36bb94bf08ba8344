#include "cli/line_editor.h"

#include <fcntl.h>
#include <histedit.h>
#include <langinfo.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "cli/interrupt.h"
#include "cli/output.h"

namespace bantam::cli {

namespace {

constexpr std::size_t kMostLines = 1000;
constexpr std::uint64_t kMostBytes = std::uint64_t{4} << 20;

struct EndEdit {
  void operator()(EditLine* p) const { el_end(p); }
};
struct EndHistory {
  void operator()(History* p) const { history_end(p); }
};

// libedit reads characters in the encoding of the locale.
void use_utf8() {
  std::setlocale(LC_CTYPE, "");
  if (std::strcmp(nl_langinfo(CODESET), "UTF-8") != 0) std::setlocale(LC_CTYPE, "C.UTF-8");
}

}  // namespace

struct LineEditor::State {
  std::string prompt;
  Path file;
  std::unique_ptr<History, EndHistory> history;
  std::unique_ptr<EditLine, EndEdit> edit;
  Complete complete;
  bool dropped = false;  // Ctrl-C
  bool over = false;     // Ctrl-D came behind lines that were pasted
  bool answered = false;  // between the line before and this one there was something to wait for

  void open_terminal();
  void bind_other_keys();
  void load();
  void remember(const std::string& line);
  std::optional<std::string> read_plain();
  std::optional<std::string> read_edited();
  std::optional<std::string> read_line();
  // Not every line that begins with a slash is one: a path may.
  bool is_command(const std::string& line) const {
    const std::string name = line.substr(0, line.find_first_of(" \t"));
    return line.starts_with('/') && !complete(name).empty();
  }

  static State* of(EditLine* edit) {
    State* state = nullptr;
    el_get(edit, EL_CLIENTDATA, &state);
    return state;
  }
  static char* prompt_of(EditLine* edit) { return of(edit)->prompt.data(); }
  static unsigned char drop_line(EditLine* edit, int) {
    of(edit)->dropped = true;
    return CC_NEWLINE;
  }
  static unsigned char nothing(EditLine*, int) { return CC_NORM; }
  static unsigned char complete_line(EditLine* edit, int);
  static unsigned char suspend(EditLine*, int) {
    raise(SIGTSTP);
    return CC_REDISPLAY;
  }
};

// Tab: puts in what all candidates share; when that is nothing more, lists them.
unsigned char LineEditor::State::complete_line(EditLine* edit, int) {
  const LineInfo* info = el_line(edit);
  const std::string line(info->buffer, info->cursor);
  const std::vector<std::string> all = of(edit)->complete(line);
  if (all.empty()) return CC_REFRESH_BEEP;
  std::string shared = all.front();
  for (const std::string& one : all) {
    std::size_t same = 0;
    while (same < std::min(shared.size(), one.size()) && shared[same] == one[same]) ++same;
    shared.resize(same);
  }
  if (shared.size() > line.size()) {
    el_insertstr(edit, shared.substr(line.size()).c_str());
    return CC_REFRESH;
  }
  if (all.size() == 1) return CC_NORM;
  print("\n");
  for (const std::string& one : all) print("  " + one);
  print("\n");
  flush();
  return CC_REDISPLAY;
}

void LineEditor::State::open_terminal() {
  use_utf8();
  history.reset(history_init());
  edit.reset(el_init("bantam", stdin, stdout, stderr));
  if (!edit || !history) throw std::bad_alloc();
  HistEvent event;
  ::history(history.get(), &event, H_SETSIZE, static_cast<int>(kMostLines));
  ::history(history.get(), &event, H_SETUNIQUE, 1);
  el_set(edit.get(), EL_CLIENTDATA, this);
  el_set(edit.get(), EL_PROMPT, prompt_of);
  el_set(edit.get(), EL_EDITOR, "emacs");
  el_set(edit.get(), EL_HIST, ::history, history.get());
  el_set(edit.get(), EL_SIGNAL, 1);  // the terminal is put right before a signal ends the program
  // While a line is written Ctrl-C and Ctrl-Z are keys like others.
  el_set(edit.get(), EL_SETTY, "-d", "-isig", nullptr);
  // While an answer is written keys wait for the next line, also when Ctrl-C stops it.
  el_set(edit.get(), EL_SETTY, "-x", "+noflsh", nullptr);
  // The wide form: the other one never frees the names.
  el_wset(edit.get(), EL_ADDFN, L"bantam-suspend", L"suspend the program", suspend);
  el_set(edit.get(), EL_BIND, "^Z", "bantam-suspend", nullptr);
  el_wset(edit.get(), EL_ADDFN, L"bantam-drop-line", L"drop the line", drop_line);
  el_set(edit.get(), EL_BIND, "^C", "bantam-drop-line", nullptr);
  el_wset(edit.get(), EL_ADDFN, L"bantam-complete", L"complete the line", complete_line);
  el_set(edit.get(), EL_BIND, "^I", "bantam-complete", nullptr);
  el_set(edit.get(), EL_BIND, "^R", "em-inc-search-prev", nullptr);
  // Ctrl-D typed while an answer is written: the terminal kept it as its mark of an end, a zero.
  el_set(edit.get(), EL_BIND, "^@", "em-delete-or-list", nullptr);
  bind_other_keys();
  load();
}

// Keys of today's terminals that libedit does not know: it would take the end of what they send for
// text. CSI 1 ; M KEY is a key with Shift, Alt, Ctrl (M from 2 to 8), CSI N ~ one of the function keys
// (XTerm Control Sequences, "PC-Style Function Keys").
void LineEditor::State::bind_other_keys() {
  el_wset(edit.get(), EL_ADDFN, L"bantam-nothing", L"do nothing", nothing);
  const auto bind = [&](const std::string& keys, const char* what) {
    el_set(edit.get(), EL_BIND, ("\033" + keys).c_str(), what, nullptr);
  };
  for (const char m : std::string_view("2345678")) {
    const std::string with = std::string("[1;") + m;
    for (const char key : std::string_view("ABPQRS")) bind(with + key, "bantam-nothing");
    bind(with + 'C', "em-next-word");
    bind(with + 'D', "ed-prev-word");
    bind(with + 'F', "ed-move-to-end");
    bind(with + 'H', "ed-move-to-beg");
    for (const char* key : {"2", "3", "5", "6"})
      bind(std::string("[") + key + ';' + m + '~', "bantam-nothing");
  }
  for (const char* key : {"2", "5", "6", "11", "12", "13", "14", "15", "17", "18", "19", "20", "21", "23", "24",
                          "200", "201"}) {
    bind(std::string("[") + key + '~', "bantam-nothing");
    for (const char m : std::string_view("2345678"))
      if (key[1] != '\0') bind(std::string("[") + key + ';' + m + '~', "bantam-nothing");
  }
  for (const char key : std::string_view("PQRS")) bind(std::string("O") + key, "bantam-nothing");
  for (const char key : std::string_view("IOZ")) bind(std::string("[") + key, "bantam-nothing");
}

// What cannot be read is not worth stopping for.
void LineEditor::State::load() {
  if (file.empty() || access(file.c_str(), F_OK) != 0) return;
  try {
    const std::string text = read_file(file, kMostBytes);
    std::vector<std::size_t> starts;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      HistEvent event;
      ::history(history.get(), &event, H_ENTER, text.substr(at, end - at).c_str());
      starts.push_back(at);
      at = end + 1;
    }
    if (starts.size() <= 2 * kMostLines) return;
    write_file(file, std::string_view(text).substr(starts[starts.size() - kMostLines]));
    chmod(file.c_str(), S_IRUSR | S_IWUSR);
  } catch (const Error& error) {
    note(std::string("the history is not used: ") + error.what());
    file.clear();
  }
}

void LineEditor::State::remember(const std::string& line) {
  HistEvent event;
  ::history(history.get(), &event, H_ENTER, line.c_str());
  if (file.empty()) return;
  const int descriptor =
      open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
  if (descriptor < 0) return;
  const std::string entry = line + "\n";
  [[maybe_unused]] const ssize_t put = ::write(descriptor, entry.data(), entry.size());
  close(descriptor);
}

std::optional<std::string> LineEditor::State::read_plain() {
  char* text = nullptr;
  std::size_t size = 0;
  const ssize_t length = getline(&text, &size, stdin);
  const std::unique_ptr<char, void (*)(void*)> owner(text, std::free);
  if (length < 0) return std::nullopt;
  std::string line(text, static_cast<std::size_t>(length));
  while (line.ends_with('\n') || line.ends_with('\r')) line.pop_back();
  return line;
}

namespace {

// Whether keys wait to be read, for so many milliseconds.
bool keys_wait(int milliseconds) {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  return poll(&input, 1, milliseconds) > 0 && (input.revents & POLLIN) != 0;
}

}  // namespace

// A line, and those that were pasted together with it: they are there at once, while somebody who
// types has but begun the next one. What was typed while an answer was written is lines of their own;
// what is there before the first prompt was pasted, or is one thought.
std::optional<std::string> LineEditor::State::read_edited() {
  if (over) return std::nullopt;
  el_set(edit.get(), EL_PREP_TERM, 1);
  const bool typed_ahead = keys_wait(0) && answered;
  std::optional<std::string> all = read_line();
  answered = all && !all->empty();
  const auto joins = [&](const std::string& line) {
    return !line.empty() && !is_command(line) && !line.starts_with("\"\"\"") &&
           !line.ends_with('\\');
  };
  if (!all || dropped || typed_ahead || !joins(*all)) return all;
  constexpr int kBetweenPasted = 20;
  while (true) {
    el_set(edit.get(), EL_PREP_TERM, 1);
    if (!keys_wait(kBetweenPasted)) {
      el_set(edit.get(), EL_PREP_TERM, 0);  // during an answer Ctrl-C is a signal again
      break;
    }
    prompt = "... ";
    const std::optional<std::string> line = read_line();
    if (dropped) return "";
    if (!line) {
      over = true;
      break;
    }
    *all += "\n" + *line;
  }
  while (all->ends_with('\n')) all->pop_back();
  return all;
}

std::optional<std::string> LineEditor::State::read_line() {
  dropped = false;
  int count = 0;
  // el_gets shows the prompt first and would take keys one by one only then.
  el_set(edit.get(), EL_PREP_TERM, 1);
  const char* text = el_gets(edit.get(), &count);
  dropped = dropped || (text == nullptr && interrupted());
  if (dropped) {
    print("\n");
    flush();
    el_reset(edit.get());
    return "";
  }
  if (text == nullptr || count <= 0) {
    print("\n");
    return std::nullopt;
  }
  std::string line(text, static_cast<std::size_t>(count));
  while (line.ends_with('\n') || line.ends_with('\r')) line.pop_back();
  if (!line.empty()) remember(line);
  return line;
}

LineEditor::LineEditor(Path history, Complete complete) : state_(std::make_unique<State>()) {
  state_->file = std::move(history);
  state_->complete = std::move(complete);
  if (isatty(STDIN_FILENO) == 1 && output_is_terminal()) state_->open_terminal();
}

LineEditor::~LineEditor() = default;

bool LineEditor::dropped() const { return state_->dropped; }

std::optional<std::string> LineEditor::read(std::string prompt) {
  state_->prompt = std::move(prompt);
  return state_->edit ? state_->read_edited() : state_->read_plain();
}

Path state_file(const std::string& name) {
  const char* state = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  // The specification says to ignore a path that is not absolute.
  Path folder;
  if (state != nullptr && *state == '/')
    folder = state;
  else if (home != nullptr && *home == '/')
    folder = Path(home) / ".local" / "state";
  else
    return {};
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  folder /= "bantam";
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return {};
  return folder / name;
}

}  // namespace bantam::cli
