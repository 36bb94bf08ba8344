#include "cli/output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/error.h"

namespace bantam::cli {

namespace {

[[noreturn]] void refuse() {
  if (errno == EPIPE) throw PipeClosed();
  throw OutputError(std::string("cannot write to standard output: ") + std::strerror(errno));
}

}  // namespace

void print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) refuse();
}

void print_answer(std::string_view text) {
  if (!output_is_terminal()) return print(text);
  std::string shown;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool c1 =
        c == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (c1) ++i;
    if (c1 || (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
      shown += "\xef\xbf\xbd";  // U+FFFD
    else
      shown += text[i];
  }
  print(shown);
}

void flush() {
  if (std::fflush(stdout) != 0) refuse();
}

void note(std::string_view text) {
  std::fflush(stdout);  // a failure shows at the next print
  std::fprintf(stderr, "bantam: %.*s\n", static_cast<int>(text.size()), text.data());
}

void require_place(const std::string& file) {
  if (file.empty()) throw Error("a file name was expected", Error::Kind::usage);
  std::filesystem::path path(file);
  if (!path.has_filename()) path = path.parent_path();  // "folder/"
  const std::filesystem::path folder = path.parent_path();
  std::error_code ignored;
  if (!folder.empty() && !std::filesystem::is_directory(folder, ignored))
    throw Error("there is no such folder; make it first").in(folder.string());
}

namespace {

// What an existing file begins with; empty: there is none, or nothing in it.
std::string begins_with(const std::string& file, std::size_t length) {
  require_place(file);
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file, ignored)) return "";
  std::string begins(length, '\0');
  std::ifstream stream(file, std::ios::binary);
  stream.read(begins.data(), static_cast<std::streamsize>(length));
  begins.resize(static_cast<std::size_t>(stream.gcount()));
  return begins;
}

[[noreturn]] void refuse_other(const std::string& file) {
  throw Error("something else is there, and would be lost: choose another name, or remove it").in(file);
}

}  // namespace

void require_place_for(const std::string& file, std::string_view beginning) {
  const std::string found = begins_with(file, beginning.size());
  if (!found.empty() && found != beginning) refuse_other(file);
}

void require_place_for_numbers(const std::string& file) {
  if (begins_with(file, 4096).find_first_not_of("0123456789.+-einfa\n") != std::string::npos)
    refuse_other(file);
}

void require_place_for_folder(const std::string& folder) {
  namespace fs = std::filesystem;
  if (folder.empty()) throw Error("the name of a folder was expected", Error::Kind::usage);
  std::error_code ignored;
  for (fs::path at = folder; !at.empty(); at = at.parent_path()) {
    if (fs::is_directory(at, ignored)) return;
    if (fs::exists(fs::symlink_status(at, ignored)))
      throw Error("is there already, and is no folder, which is needed here: choose another name").in(at.string());
    if (at == at.parent_path()) return;
  }
}

void make_folder(const std::string& folder) {
  require_place_for_folder(folder);
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem) throw Error("the folder cannot be made: " + problem.message()).in(folder);
}

bool output_is_terminal() { return isatty(STDOUT_FILENO) == 1; }

bool colour() {
  const char* refused = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return output_is_terminal() && (refused == nullptr || *refused == '\0') &&
         (terminal == nullptr || std::string_view(terminal) != "dumb");
}

void hold_standard_descriptors() {
  for (int descriptor = 0; descriptor <= 2; ++descriptor) {
    if (fcntl(descriptor, F_GETFD) >= 0 || errno != EBADF) continue;
    // Read-only: writing to it goes on failing, and so is noticed. The lowest free number is given.
    if (open("/dev/null", O_RDONLY) < 0) return;
  }
}

}  // namespace bantam::cli
