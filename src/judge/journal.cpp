#include "judge/journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>

#include "base/error.h"
#include "base/hash.h"

namespace bantam::judge {

namespace {
Error journal_failure(const Path& path, const char* what) {
  return Error(std::string(what) + ": " + std::strerror(errno)).in(path.string());
}

constexpr std::string_view kFirst = "{\"settings\":", kSum = ",\"sum\":\"";
constexpr std::size_t kDigits = 16;

std::string sum_of(std::string_view line) {
  Sha256 sum;
  sum.add(std::as_bytes(std::span(line)));
  return sum.hex().substr(0, kDigits);
}

// A line ends with the sum of what is before it: a disk's fault in a number would else be believed.
std::string with_sum(const Json& json) {
  std::string line = to_text(json);
  line.pop_back();
  return line + std::string(kSum) + sum_of(line) + "\"}\n";
}

// Null: the line is not as it was written.
Json whole_line(std::string_view line) {
  const std::size_t tail = kSum.size() + kDigits + 2;
  if (line.size() <= tail) return {};
  const std::string_view body = line.substr(0, line.size() - tail);
  if (line.substr(body.size()) != std::string(kSum) + sum_of(body) + "\"}") return {};
  return parse_json(line, "");
}

// Throws Error where something else is: it would be lost. An empty file is one that a kill left.
void require_journal(const Path& path) {
  std::error_code ignored;
  const auto status = std::filesystem::symlink_status(path, ignored);
  if (!std::filesystem::exists(status)) return;
  std::string begin(kFirst.size(), '\0');
  const bool file = std::filesystem::is_regular_file(status);
  if (file) {
    std::ifstream in(path, std::ios::binary);
    in.read(begin.data(), static_cast<std::streamsize>(begin.size()));
    begin.resize(static_cast<std::size_t>(in.gcount()));
  }
  if (!file || !kFirst.starts_with(begin))
    throw Error("something else is there, and would be lost: say another --out, or remove it").in(path.string());
}

}  // namespace

void Journal::read(const std::string& settings) {
  const std::string text = read_file(path_);
  std::size_t at = 0;
  // The last line may be half: a kill comes at any time.
  for (std::size_t end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
    const std::string_view written = std::string_view(text).substr(at, end - at);
    const Json line = whole_line(written);
    if (at == 0 && (line.is_null() || line.value("settings", "") != settings))
      throw Error("holds answers of a run with other settings, or of another version, or is damaged: say what was said then to go on with them, say another --out, or remove it to begin "
                  "anew")
          .in(path_.string());
    if (line.is_null()) break;  // damaged: answered again from here
    if (at > 0) entries_[{line.at("task").get<std::string>(), line.at("doc").get<std::string>()}] = line.at("answer");
    good_ = end + 1;
  }
}

void Journal::open() {
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
  if (descriptor_ < 0) throw journal_failure(path_, "cannot be opened for writing");
  // Held by one run at a time, as long as it lives.
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    ::close(std::exchange(descriptor_, -1));
    throw Error("another run is writing it: wait for its end, or say another --out").in(path_.string());
  }
}

Journal::Journal(Path path, const std::string& settings) : path_(std::move(path)) {
  require_journal(path_);
  open();
  try {
    read(settings);
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
  if (::ftruncate(descriptor_, static_cast<off_t>(good_)) != 0 ||
      ::lseek(descriptor_, 0, SEEK_END) < 0)
    throw journal_failure(path_, "cannot be written");
  if (good_ == 0) write({{"settings", settings}});
}

Journal::~Journal() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

const Json* Journal::find(const std::string& task, const std::string& doc) const {
  const auto at = entries_.find({task, doc});
  return at == entries_.end() ? nullptr : &at->second;
}

void Journal::write(const Json& json) {
  const std::string line = with_sum(json);
  for (std::size_t at = 0; at < line.size();) {
    const ssize_t put = ::write(descriptor_, line.data() + at, line.size() - at);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) throw journal_failure(path_, "cannot be written");
    at += static_cast<std::size_t>(put);
  }
}

void Journal::add(const std::string& task, const std::string& doc, const Json& answer) {
  write({{"task", task}, {"doc", doc}, {"answer", answer}});
}

void forget_journal(const Path& path) {
  require_journal(path);
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
}

void Journal::remove() {
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

}  // namespace bantam::judge
