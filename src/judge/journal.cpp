#include "judge/journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace bantam::judge {

namespace {
Error journal_failure(const Path& path, const char* what) {
  return Error(std::string(what) + ": " + std::strerror(errno)).in(path.string());
}
}  // namespace

void Journal::read(const std::string& settings) {
  std::error_code ignored;
  if (!std::filesystem::exists(path_, ignored)) return;
  const std::string text = read_file(path_);
  std::size_t at = 0;
  // The last line may be half: a kill comes at any time.
  for (std::size_t end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
    Json line;
    try {
      line = parse_json(std::string_view(text).substr(at, end - at), path_.string());
      if (at == 0) {
        if (line.at("settings") != settings) throw Error("other settings");
      } else {
        entries_[{line.at("task").get<std::string>(), line.at("doc").get<std::string>()}] =
            line.at("answer");
      }
    } catch (const std::exception&) {
      replaced_ = at == 0;
      break;
    }
    good_ = end + 1;
  }
}

Journal::Journal(Path path, const std::string& settings) : path_(std::move(path)) {
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor_ < 0) throw journal_failure(path_, "cannot be opened for writing");
  // Held by one run at a time, as long as it lives.
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    ::close(descriptor_);
    throw Error("another run is writing it: wait for its end, or say another --out").in(path_.string());
  }
  read(settings);
  if (::ftruncate(descriptor_, static_cast<off_t>(good_)) != 0 ||
      ::lseek(descriptor_, 0, SEEK_END) < 0)
    throw journal_failure(path_, "cannot be written");
  if (good_ == 0) write(to_text({{"settings", settings}}) + "\n");
}

Journal::~Journal() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

const Json* Journal::find(const std::string& task, const std::string& doc) const {
  const auto at = entries_.find({task, doc});
  return at == entries_.end() ? nullptr : &at->second;
}

void Journal::write(const std::string& line) {
  for (std::size_t at = 0; at < line.size();) {
    const ssize_t put = ::write(descriptor_, line.data() + at, line.size() - at);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) throw journal_failure(path_, "cannot be written");
    at += static_cast<std::size_t>(put);
  }
}

void Journal::add(const std::string& task, const std::string& doc, const Json& answer) {
  write(to_text({{"task", task}, {"doc", doc}, {"answer", answer}}) + "\n");
}

void Journal::remove() {
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

}  // namespace bantam::judge
