#include "judge/sandbox.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <thread>
#include <vector>

#include "base/error.h"
#include "judge/python_text.h"
#include "judge/sandbox_filter.h"

namespace bantam::judge {

namespace {

constexpr std::size_t kWord = 32;  // bytes

// Reads the program, takes a word from standard input (a socket), and says the word again there when the program
// has come to its end. While the program runs, the word is on the interpreter's own stack and nowhere else: it
// has no name in any frame, the garbage collector does not know of bytes, what was read from a socket cannot be read
// again. os.write and exec were looked up before: to replace them is of no use. What remains possible (a search
// through the process's memory with ctypes, tests that are turned around) is in docs/decisions/010-judging.md.
std::string runner(int program) {
  return "import os\n"
         "with open(" + std::to_string(program) + ", encoding='utf-8') as file:\n"
         "    code = compile(file.read(), 'answer', 'exec')\n"
         "os.write(0, os.read(0, " + std::to_string(kWord) + ")[exec(code, {}):])\n";  // the slice is all of it
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

// A file in memory that holds `bytes`, read from its beginning.
int memory_file(std::string_view bytes) {
  const int fd = memfd_create("bantam", MFD_CLOEXEC);
  if (fd < 0) throw Error(std::string("no file in memory: ") + std::strerror(errno));
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t put = ::write(fd, bytes.data() + at, bytes.size() - at);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) {
      ::close(fd);
      throw Error("no memory for a program");
    }
    at += static_cast<std::size_t>(put);
  }
  ::lseek(fd, 0, SEEK_SET);
  return fd;
}

std::string content(int fd, std::size_t most) {
  std::string out(most, '\0');
  const ssize_t got = ::pread(fd, out.data(), most, 0);
  out.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return out;
}

// The end of a file, where the last line of an error is.
std::string tail_of(int fd, std::size_t most) {
  const off_t size = ::lseek(fd, 0, SEEK_END);
  const off_t from = std::max<off_t>(0, size - static_cast<off_t>(most));
  std::string out(static_cast<std::size_t>(size - from), '\0');
  const ssize_t got = ::pread(fd, out.data(), out.size(), from);
  out.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return out;
}

std::vector<std::string> command_line(int program, int filter) {
  std::vector<std::string> line{"bwrap", "--unshare-all", "--die-with-parent", "--new-session",
                                "--clearenv", "--cap-drop", "ALL", "--hostname", "sandbox",
                                "--ro-bind", "/usr", "/usr", "--dev", "/dev",
                                "--size", "4194304", "--tmpfs", "/dev/shm", "--remount-ro", "/dev",
                                "--size", "33554432", "--tmpfs", "/tmp", "--chdir", "/tmp",
                                "--setenv", "PATH", "/usr/bin", "--setenv", "PYTHONHASHSEED", "0",
                                "--setenv", "LANG", "C.UTF-8"};
  for (const char* name : {"/bin", "/lib", "/lib64", "/sbin"}) {
    std::error_code ignored;
    if (std::filesystem::is_symlink(name, ignored))
      line.insert(line.end(), {"--symlink", std::string("usr") + name, name});
    else if (std::filesystem::exists(name, ignored))
      line.insert(line.end(), {"--ro-bind", name, name});
  }
  line.insert(line.end(), {"--seccomp", std::to_string(filter), "--", "/usr/bin/python3", "-I", "-S",
                           "-c", runner(program)});
  return line;
}

void limit(int which, std::uint64_t value) {
  const rlimit both{value, value};
  setrlimit(static_cast<__rlimit_resource>(which), &both);
}

struct Files {
  int word, output, errors, program, filter;
};

// Who is root is root to the kernel's settings under /proc/sys too, in a sandbox as outside: such a
// program is nobody's. By system calls, as the library's functions would speak to other threads.
void be_nobody() {
  constexpr long kNobody = 65534;
  if (::geteuid() != 0) return;
  if (::syscall(SYS_setgroups, 0L, nullptr) != 0 || ::syscall(SYS_setgid, kNobody) != 0 ||
      ::syscall(SYS_setuid, kNobody) != 0)
    ::_exit(126);
}

// What the program's caller left open (a shell's `7<>file`) is nothing of the sandbox's.
void close_others(const Files& files) {
  if (::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != 0)  // kernels before 5.11
    for (int fd = static_cast<int>(::sysconf(_SC_OPEN_MAX)); fd-- > 3;) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  ::fcntl(files.program, F_SETFD, 0);
  ::fcntl(files.filter, F_SETFD, 0);
}

// Between fork and exec: only what is safe there.
[[noreturn]] void become(const Files& files, char* const* words, const SandboxLimits& limits) {
  ::setpgid(0, 0);
  ::dup2(files.word, 0);
  ::dup2(files.output, 1);
  ::dup2(files.errors, 2);
  close_others(files);
  limit(RLIMIT_AS, limits.memory);
  limit(RLIMIT_CPU, static_cast<std::uint64_t>(limits.processor_seconds + 0.999));
  limit(RLIMIT_FSIZE, limits.written);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_NOFILE, 256);
  be_nobody();
  ::execvp(words[0], words);
  ::_exit(127);
}

// The exit status; nullopt when the clock ran out, and everything inside was ended.
std::optional<int> wait_for(pid_t child, double seconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  for (;;) {
    int status = 0;
    const pid_t done = ::waitpid(child, &status, WNOHANG);
    if (done == child) return status;
    if (done < 0 && errno != EINTR) return 0;
    if (std::chrono::steady_clock::now() > end) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  // The end of bubblewrap is the end of its process namespace (--die-with-parent).
  ::kill(-child, SIGKILL);
  ::kill(child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return std::nullopt;
}

std::string last_line(const std::string& text) {
  const std::string_view all = strip(text);
  const std::size_t line = all.rfind('\n');
  return std::string(line == std::string_view::npos ? all : all.substr(line + 1)).substr(0, 300);
}

// Where a word waits for the program, and comes back from it: both ends of a socket.
class Word {
 public:
  Word() : word_(kWord, '\0') {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
      throw Error(std::string("no socket for a program: ") + std::strerror(errno));
    ours_.emplace(ends[0]);
    theirs_.emplace(ends[1]);
    // Without a mark by which it could be known in memory.
    if (::getrandom(word_.data(), kWord, 0) != static_cast<ssize_t>(kWord) ||
        ::send(ours_->get(), word_.data(), kWord, MSG_NOSIGNAL) != static_cast<ssize_t>(kWord))
      throw Error(std::string("no word for a program: ") + std::strerror(errno));
    ::shutdown(ours_->get(), SHUT_WR);  // behind the word standard input is at its end
  }
  int theirs() const { return theirs_->get(); }
  // Whether it came back, once, and nothing else with it.
  bool came_back() const {
    std::string said(kWord + 1, '\0');
    const ssize_t got = ::recv(ours_->get(), said.data(), said.size(), MSG_DONTWAIT);
    return got == static_cast<ssize_t>(kWord) && said.compare(0, kWord, word_) == 0;
  }

 private:
  std::string word_;
  std::optional<Descriptor> ours_, theirs_;
};

}  // namespace

SandboxResult run_sandboxed(std::string_view program, const SandboxLimits& limits) {
  const Word word;
  const Descriptor input(memory_file(program));
  const Descriptor output(memory_file("")), errors(memory_file(""));
  const Descriptor filter(memory_file(sandbox_filter()));
  std::vector<std::string> line = command_line(input.get(), filter.get());
  std::vector<char*> words;
  for (std::string& one : line) words.push_back(one.data());
  words.push_back(nullptr);
  const pid_t child = ::fork();
  if (child < 0) throw Error(std::string("no process for a program: ") + std::strerror(errno));
  if (child == 0)
    become({word.theirs(), output.get(), errors.get(), input.get(), filter.get()}, words.data(), limits);
  const std::optional<int> status = wait_for(child, limits.seconds);
  SandboxResult result;
  result.output = content(output.get(), 64 << 10);
  const std::string said = tail_of(errors.get(), 64 << 10);
  if (!status) {
    result.reason = "timed out";
    return result;
  }
  if (WIFEXITED(*status) && WEXITSTATUS(*status) == 126 && said.empty())
    throw Error("the sandbox cannot be made: root cannot give its rights up here");
  if (said.starts_with("bwrap: ") || (WIFEXITED(*status) && WEXITSTATUS(*status) == 127 && said.empty()))
    throw Error("the sandbox cannot be made: " +
                (said.empty() ? "bwrap is not installed (Debian's package bubblewrap)"
                              : printable(last_line(said), 200)));
  result.passed = WIFEXITED(*status) && WEXITSTATUS(*status) == 0 && word.came_back();
  if (result.passed) return result;
  result.reason = last_line(said);
  const bool killed = WIFSIGNALED(*status) || (WIFEXITED(*status) && WEXITSTATUS(*status) > 128);
  if (killed) result.reason = "timed out, or ended by the system";
  if (result.reason.empty()) result.reason = "did not come to its end";
  return result;
}

std::optional<std::string> sandbox_missing() {
  try {
    const SandboxResult result = run_sandboxed("x = 1\n");
    if (result.passed) return std::nullopt;
    return "a program of one line fails in it: " + result.reason;
  } catch (const Error& error) {
    return std::string(error.what());
  }
}

}  // namespace bantam::judge
