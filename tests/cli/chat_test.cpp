// `bantam chat` on a terminal: line editing, Ctrl-C, Ctrl-D, the history.
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

#include "cli/shell.h"

namespace bantam {
namespace {

// The program on a terminal of its own.
class Terminal {
 public:
  Terminal(const std::vector<std::string>& words, const Path& folder) {
    child_ = forkpty(&descriptor_, nullptr, nullptr, nullptr);
    if (child_ != 0) return;
    if (chdir(folder.c_str()) != 0) _exit(99);
    setenv("XDG_STATE_HOME", (folder / "state").c_str(), 1);
    setenv("TERM", "xterm", 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    setenv("NO_COLOR", "1", 1);
    std::vector<char*> arguments = {const_cast<char*>("bantam")};
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    execv(BANTAM_PROGRAM, arguments.data());
    _exit(99);
  }
  ~Terminal() {
    if (child_ > 0) kill(child_, SIGKILL);
    if (child_ > 0) waitpid(child_, nullptr, 0);
    close(descriptor_);
  }

  void type(const std::string& keys) {
    ASSERT_EQ(write(descriptor_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
  }

  // Reads until `text` appears in what came since the last call; false after some seconds.
  bool sees(const std::string& text, int seconds = 30) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
    while (std::chrono::steady_clock::now() < end) {
      if (const std::size_t at = unread_.find(text); at != std::string::npos) {
        unread_.erase(0, at + text.size());
        return true;
      }
      if (!read_some()) return false;
    }
    return false;
  }
  const std::string& unread() const { return unread_; }

  // The exit status once the program has ended; -1 when it does not.
  int status() {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (std::chrono::steady_clock::now() < end) {
      int status = 0;
      read_some();
      if (waitpid(child_, &status, WNOHANG) == child_) {
        child_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      }
    }
    return -1;
  }

 private:
  bool read_some() {
    pollfd waiting{descriptor_, POLLIN, 0};
    if (poll(&waiting, 1, 200) <= 0) return true;
    char part[4096];
    const ssize_t got = read(descriptor_, part, sizeof part);
    if (got <= 0) return false;
    unread_.append(part, static_cast<std::size_t>(got));
    return true;
  }
  int descriptor_ = -1;
  pid_t child_ = -1;
  std::string unread_;
};

class ChatOnATerminal : public ::testing::Test {
 protected:
  void SetUp() override { test::write_models(folder_.path()); }
  // The conversation as /save writes it, once the prompt is there; `end` leaves the chat.
  std::string saved_at_the_end(Terminal& t, const std::string& end) {
    EXPECT_TRUE(t.sees("\n> ")) << t.unread();
    t.type("/save c.json\r");
    EXPECT_TRUE(t.sees("Saved")) << t.unread();
    t.type(end + "\r");
    EXPECT_EQ(t.status(), 0);
    return std::filesystem::exists(folder_ / "c.json") ? read_file(folder_ / "c.json") : "";
  }
  test::ScratchFolder folder_;
};

TEST_F(ChatOnATerminal, AnswersAndEndsAtCtrlD) {
  Terminal t({"chat", "chat.gguf", "--temp", "0", "-n", "5"}, folder_.path());
  ASSERT_TRUE(t.sees("> "));
  t.type("hello\r");
  ASSERT_TRUE(t.sees("> ")) << t.unread();
  t.type("\x04");
  EXPECT_EQ(t.status(), 0);
}

TEST_F(ChatOnATerminal, CtrlDTypedDuringAnAnswerEndsAfterIt) {
  Terminal t({"chat", "chat.gguf", "--ctx", "100000", "--temp", "1000", "--top-k", "0",
              "--logit-bias", "260=-900000"},
             folder_.path());
  ASSERT_TRUE(t.sees("> "));
  t.type("go on for ever\r");
  ASSERT_TRUE(t.sees("ever")) << t.unread();
  usleep(100000);
  t.type("\x04");
  usleep(100000);
  t.type("\x03");
  EXPECT_EQ(t.status(), 0) << t.unread();
}

TEST_F(ChatOnATerminal, CtrlCAtThePromptDropsTheLine) {
  Terminal t({"chat", "chat.gguf", "-n", "3"}, folder_.path());
  ASSERT_TRUE(t.sees("> "));
  t.type("unwanted\x03");
  ASSERT_TRUE(t.sees("> ")) << t.unread();
  t.type("/reset\r");
  ASSERT_TRUE(t.sees("begins anew")) << t.unread();
  ASSERT_TRUE(t.sees("> "));
  t.type("\x04");
  EXPECT_EQ(t.status(), 0);
  EXPECT_EQ(read_file(folder_ / "state/bantam/chat_history"), "/reset\n");
}

TEST_F(ChatOnATerminal, CtrlCStopsAnAnswerNotTheProgram) {
  // An answer without an end: the context is large, and the end token never drawn.
  Terminal t({"chat", "chat.gguf", "--ctx", "100000", "--temp", "1000", "--top-k", "0",
              "--logit-bias", "260=-900000"},
             folder_.path());
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(t.sees("> "));
    t.type("go on for ever\r");
    ASSERT_TRUE(t.sees("ever")) << t.unread();
    usleep(100000);
    t.type("\x03");
    ASSERT_TRUE(t.sees("(stopped)")) << t.unread();
  }
  ASSERT_TRUE(t.sees("> ")) << t.unread();
  t.type("\x04");
  EXPECT_EQ(t.status(), 0);
}

TEST_F(ChatOnATerminal, KeepsItsHistoryForItsOwnerAlone) {
  {
    Terminal t({"chat", "chat.gguf", "-n", "2"}, folder_.path());
    ASSERT_TRUE(t.sees("> "));
    t.type("remember \xe6\x88\x91\r");
    ASSERT_TRUE(t.sees("> ")) << t.unread();
    t.type("\x04");
    ASSERT_EQ(t.status(), 0);
  }
  const Path file = folder_ / "state/bantam/chat_history";
  EXPECT_EQ(read_file(file), "remember \xe6\x88\x91\n");
  struct stat about {};
  ASSERT_EQ(stat(file.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600u);
  ASSERT_EQ(stat((folder_ / "state/bantam").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0700u);
  // The next time the line is an arrow key away.
  Terminal t({"chat", "chat.gguf", "-n", "2"}, folder_.path());
  ASSERT_TRUE(t.sees("> "));
  t.type("\x1b[A");
  EXPECT_TRUE(t.sees("remember \xe6\x88\x91")) << t.unread();
  t.type("\x03\x04");
  EXPECT_EQ(t.status(), 0);
}

TEST_F(ChatOnATerminal, SaysWhenTheContextIsFull) {
  Terminal t({"chat", "chat.gguf", "--ctx", "40", "-n", "2"}, folder_.path());
  ASSERT_TRUE(t.sees("> "));
  t.type("a line that has far more tokens than fit into so small a context\r");
  EXPECT_TRUE(t.sees("the context has room for 40")) << t.unread();
  EXPECT_TRUE(t.sees("/reset begins a new conversation")) << t.unread();
  ASSERT_TRUE(t.sees("> "));
  t.type("hi\r");
  ASSERT_TRUE(t.sees("> ")) << t.unread();
  t.type("\x04");
  EXPECT_EQ(t.status(), 0);
}

TEST_F(ChatOnATerminal, TabCompletesCommands) {
  Terminal t({"chat", "chat.gguf", "-n", "2"}, folder_.path());
  ASSERT_TRUE(t.sees("> "));
  t.type("/h\t");
  ASSERT_TRUE(t.sees("/help")) << t.unread();
  t.type("\r");
  ASSERT_TRUE(t.sees("begin a new conversation")) << t.unread();
  ASSERT_TRUE(t.sees("> "));
  t.type("/re\t");  // /reset and /regen share no more
  EXPECT_TRUE(t.sees("/reset  /regen")) << t.unread();
  t.type("s\t\r");
  EXPECT_TRUE(t.sees("begins anew")) << t.unread();
  t.type("\x04");
  EXPECT_EQ(t.status(), 0);
}

TEST_F(ChatOnATerminal, LinesPastedTogetherAreOneMessage) {
  Terminal t({"chat", "chat.gguf", "-n", "2"}, folder_.path());
  ASSERT_TRUE(t.sees("> "));
  t.type("one\rtwo\rthree\r");
  ASSERT_TRUE(t.sees("three")) << t.unread();
  const std::string saved = saved_at_the_end(t, "/exit");
  EXPECT_NE(saved.find("one\\ntwo\\nthree"), std::string::npos) << saved;
}

TEST_F(ChatOnATerminal, LinesPastedBeforeTheFirstPromptAreOneMessage) {
  Terminal t({"chat", "chat.gguf", "-n", "2"}, folder_.path());
  t.type("one\r\rtwo\r");  // while the model is opened
  ASSERT_TRUE(t.sees("> ")) << t.unread();
  ASSERT_TRUE(t.sees("two")) << t.unread();
  const std::string saved = saved_at_the_end(t, "/bye");
  EXPECT_NE(saved.find("one\\n\\ntwo\""), std::string::npos) << saved;
}

TEST_F(ChatOnATerminal, APasteThatBeginsWithAnEmptyLineIsOneMessage) {
  Terminal t({"chat", "chat.gguf", "-n", "2"}, folder_.path());
  ASSERT_TRUE(t.sees("> "));
  t.type("\rone\rtwo\r");
  ASSERT_TRUE(t.sees("two")) << t.unread();
  const std::string saved = saved_at_the_end(t, "/exit");
  EXPECT_NE(saved.find("one\\ntwo\""), std::string::npos) << saved;
}

TEST_F(ChatOnATerminal, APasteThatBeginsWithAPathIsOneMessage) {
  Terminal t({"chat", "chat.gguf", "-n", "2"}, folder_.path());
  ASSERT_TRUE(t.sees("> "));
  t.type("/etc/hosts is a file\rwhat is it?\r");
  ASSERT_TRUE(t.sees("what is it?")) << t.unread();
  const std::string saved = saved_at_the_end(t, "/exit");
  EXPECT_NE(saved.find("/etc/hosts is a file\\nwhat is it?\""), std::string::npos) << saved;
}

// What keys send that no letter is on: arrows with Ctrl and Shift, F5, Insert, the marks of a paste.
TEST_F(ChatOnATerminal, OtherKeysAreNoText) {
  Terminal t({"chat", "chat.gguf", "-n", "2"}, folder_.path());
  ASSERT_TRUE(t.sees("> "));
  t.type("\x1b[200~one two\x1b[201~\x1b[1;5D\x1b[15~\x1b[1;2A\x1b[2~\x1b[3;5~");
  t.type("and \x1b[1;5F\x1bOP.\r");  // Ctrl-Left went to the second word, Ctrl-End to the end
  const std::string saved = saved_at_the_end(t, "/exit");
  EXPECT_NE(saved.find("\"one and two.\""), std::string::npos) << saved;
}

TEST_F(ChatOnATerminal, CtrlCDropsAMessageOfSeveralLines) {
  Terminal t({"chat", "chat.gguf", "-n", "2"}, folder_.path());
  ASSERT_TRUE(t.sees("> "));
  t.type("\"\"\"one\r");
  ASSERT_TRUE(t.sees("... ")) << t.unread();
  t.type("two\x03");
  ASSERT_TRUE(t.sees("> ")) << t.unread();
  t.type("/regen\r");
  EXPECT_TRUE(t.sees("nothing to answer")) << t.unread();
  t.type("\x04");
  EXPECT_EQ(t.status(), 0);
}

}  // namespace
}  // namespace bantam
