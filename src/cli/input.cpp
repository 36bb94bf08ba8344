#include "cli/input.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "base/error.h"
#include "base/file.h"
#include "cli/output.h"
#include "data/text_encoding.h"

namespace bantam::cli {

namespace {

std::string read_stream(std::FILE* stream, const std::string& name) {
  constexpr std::size_t kMost = std::size_t{1} << 30;
  std::string text;
  std::array<char, 65536> part;
  for (std::size_t got; (got = std::fread(part.data(), 1, part.size(), stream)) > 0;) {
    text.append(part.data(), got);
    if (text.size() > kMost) throw Error("is longer than 1 GiB").in(name);
  }
  if (std::ferror(stream)) throw Error("cannot be read").in(name);
  return text;
}

std::string read_bytes(const std::string& name) {
  if (name == "-") return read_stream(stdin, "standard input");
  std::error_code ignored;
  const auto kind = std::filesystem::status(name, ignored).type();
  const bool pipe = kind == std::filesystem::file_type::fifo;
  if (!pipe && kind != std::filesystem::file_type::character) return read_file(Path(name));
  // Opening waits for nobody; reading waits for those who hold the other end.
  const int descriptor = open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  std::FILE* stream = descriptor < 0 ? nullptr : fdopen(descriptor, "rb");
  if (stream == nullptr)
    throw Error(std::string("cannot open it for reading: ") + std::strerror(errno)).in(name);
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> closing(stream, std::fclose);
  fcntl(descriptor, F_SETFL, 0);
  std::string text = read_stream(stream, name);
  if (pipe && text.empty()) throw Error("is a pipe into which nobody writes").in(name);
  return text;
}

}  // namespace

std::string read_text(const std::string& name) {
  std::string text = read_bytes(name);
  try {
    to_utf8(text);
  } catch (Error& error) {
    throw error.in(name == "-" ? "standard input" : name);
  }
  return text;
}

std::string read_prompt(const std::string& name) {
  std::string text = read_text(name);
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

bool input_is_piped() {
  struct stat status {};
  return fstat(STDIN_FILENO, &status) == 0 && (S_ISFIFO(status.st_mode) || S_ISREG(status.st_mode));
}

bool is_standard_input(const std::string& name) {
  if (name == "-") return true;
  struct stat named {}, input {};
  return stat(name.c_str(), &named) == 0 && fstat(STDIN_FILENO, &input) == 0 && S_ISFIFO(input.st_mode) &&
         named.st_dev == input.st_dev && named.st_ino == input.st_ino;
}

void note_unread_pipe(const std::string& instead, const std::string& remedy) {
  struct stat status {};
  int bytes = 0;
  if (fstat(STDIN_FILENO, &status) == 0 && S_ISFIFO(status.st_mode) &&
      ioctl(STDIN_FILENO, FIONREAD, &bytes) == 0 && bytes > 0)
    note("the text that is piped in is not read: " + instead + "; " + remedy);
}

}  // namespace bantam::cli
