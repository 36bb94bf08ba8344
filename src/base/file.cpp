#include "base/file.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace bantam::base {

namespace {

Error system_error(const Path& path, const std::string& doing) {
  const int reason = errno;
  return Error("cannot " + doing + ": " + std::strerror(reason)).in(path.string());
}

// Opens a regular file for reading. O_NONBLOCK: opening a FIFO must not wait for a writer.
int open_regular(const Path& path, struct stat& status) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) throw system_error(path, "open it for reading");
  if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    close(descriptor);
    throw Error(S_ISDIR(status.st_mode) ? "is a folder; a file was expected"
                                        : "is not a regular file")
        .in(path.string());
  }
  return descriptor;
}

std::string temporary_name() {
  static constexpr char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
  unsigned char random[12];
  if (getentropy(random, sizeof random) != 0) std::memset(random, 7, sizeof random);
  std::string name = ".tmp-";
  for (const unsigned char byte : random) name += letters[byte % 36];
  return name;
}

Path beside(const Path& target) {
  Path path = target;
  if (!path.has_filename()) path = path.parent_path();
  return path.parent_path() / ("." + path.filename().string() + temporary_name());
}

// std::filesystem's iterators end the program when memory runs out; this takes none of ours.
void remove_tree(const Path& folder) noexcept {
  const auto remove_one = [](const char* path, const struct stat*, int, struct FTW*) {
    return std::remove(path);
  };
  nftw(folder.c_str(), remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void sync_parent(const Path& target) {
  const Path parent = target.has_parent_path() ? target.parent_path() : Path(".");
  const int descriptor = open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;  // some file systems do not let a folder be opened; the rename stands
  fsync(descriptor);
  close(descriptor);
}

}  // namespace

MappedFile::MappedFile(Path path) : path_(std::move(path)) {
  struct stat status {};
  const int descriptor = open_regular(path_, status);
  size_ = static_cast<std::size_t>(status.st_size);
  if (size_ > 0) {
    void* memory = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
    const int reason = errno;
    close(descriptor);
    errno = reason;
    if (memory == MAP_FAILED) throw system_error(path_, "map it into memory");
    data_ = static_cast<const std::byte*>(memory);
  } else {
    close(descriptor);
  }
}

MappedFile::~MappedFile() {
  if (data_) munmap(const_cast<std::byte*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

void MappedFile::release(std::span<const std::byte> part) const noexcept {
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto first = reinterpret_cast<std::uintptr_t>(part.data());
  const std::uintptr_t begin = (first + page - 1) / page * page;
  const std::uintptr_t end = (first + part.size()) / page * page;
  if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

std::string read_file(const Path& path, std::uint64_t limit) {
  struct stat status {};
  const int descriptor = open_regular(path, status);
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size > limit) {
    close(descriptor);
    throw Error("is " + std::to_string(size) + " bytes; at most " + std::to_string(limit) +
                " are read")
        .in(path.string());
  }
  std::string text(static_cast<std::size_t>(size), '\0');
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t got = read(descriptor, text.data() + done, text.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      const Error error = system_error(path, "read it");
      close(descriptor);
      throw error;
    }
    if (got == 0) break;  // it shrank
    done += static_cast<std::size_t>(got);
  }
  close(descriptor);
  text.resize(done);
  return text;
}

AtomicFile::AtomicFile(Path target, unsigned mode) : target_(std::move(target)) {
  std::error_code ignored;
  if (std::filesystem::is_directory(target_, ignored))
    throw Error("is a folder; a file name was expected").in(target_.string());
  // A rename would put a file in the place of a device or a pipe.
  if (std::filesystem::exists(target_, ignored) &&
      !std::filesystem::is_regular_file(target_, ignored))
    throw Error("is not a regular file; it is not replaced").in(target_.string());
  temporary_ = beside(target_);
  descriptor_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (descriptor_ < 0) throw system_error(target_, "create it");
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) close(descriptor_);
  if (!committed_) unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(descriptor_, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw system_error(target_, "write it");
    position_ += static_cast<std::uint64_t>(put);
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
}

void AtomicFile::commit() {
  while (fsync(descriptor_) != 0)
    if (errno != EINTR) throw system_error(target_, "write it to the disk");
  const int descriptor = std::exchange(descriptor_, -1);
  if (close(descriptor) != 0) throw system_error(target_, "write it");
  if (rename(temporary_.c_str(), target_.c_str()) != 0)
    throw system_error(target_, "rename onto it");
  committed_ = true;
  sync_parent(target_);
}

void write_file(const Path& target, std::string_view text) {
  AtomicFile file(target);
  file.write(text);
  file.commit();
}

AtomicFolder::AtomicFolder(Path target, bool replace)
    : target_(std::move(target)), replace_(replace) {
  if (!target_.has_filename()) target_ = target_.parent_path();
  std::error_code ignored;
  if (!replace_ && std::filesystem::exists(target_, ignored))
    throw Error("exists; remove it, choose another name, or say --force").in(target_.string());
  temporary_ = beside(target_);
  if (mkdir(temporary_.c_str(), 0777) != 0) throw system_error(target_, "create the folder");
}

AtomicFolder::~AtomicFolder() {
  if (!committed_) remove_tree(temporary_);
}

void AtomicFolder::commit() {
  // A folder cannot be renamed over one that has content: the old one steps aside first.
  Path old;
  std::error_code ignored;
  if (replace_ && std::filesystem::exists(target_, ignored)) {
    old = beside(target_);
    if (rename(target_.c_str(), old.c_str()) != 0) throw system_error(target_, "replace it");
  }
  if (rename(temporary_.c_str(), target_.c_str()) != 0) {
    const Error error = system_error(target_, "rename the finished folder");
    if (!old.empty()) rename(old.c_str(), target_.c_str());
    throw error;
  }
  committed_ = true;
  sync_parent(target_);
  if (!old.empty()) remove_tree(old);
}

}  // namespace bantam::base
