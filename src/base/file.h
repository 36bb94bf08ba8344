// Files: read by memory map or whole, written so that nobody ever sees half of one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/rooms.h"

namespace bantam::base {

using Path = std::filesystem::path;

// A whole file as read-only memory. A file that shrinks while it is mapped raises SIGBUS, as in
// every program that maps; what is copied out at opening (headers) is safe. Throws Error when the
// path is not a regular file or cannot be read (a folder, a FIFO, no permission).
class MappedFile {
 public:
  explicit MappedFile(Path path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const Path& path() const { return path_; }
  // Tells the system that these bytes are not needed soon (after repacking); they can still be
  // read.
  void release(std::span<const std::byte> part) const noexcept;

 private:
  Path path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

// The file's bytes; throws Error if it is larger than `limit`, or is not a regular file. A growing
// file is read up to the size that it had when it was opened.
std::string read_file(const Path& path, std::uint64_t limit = std::uint64_t{1} << 30);

// A file under a temporary name beside its target; commit() syncs and renames it, the destructor
// without commit() removes it. Throws Error (with the system's reason) at the failing write, after
// which the old file, if any, is untouched. Short writes and EINTR are continued.
class AtomicFile {
 public:
  // `mode`: its permissions, less the umask; 0600 for what its owner alone should read.
  explicit AtomicFile(Path target, unsigned mode = 0666);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  std::uint64_t position() const { return position_; }
  void commit();

 private:
  Path target_, temporary_;
  int descriptor_ = -1;
  std::uint64_t position_ = 0;
  bool committed_ = false;
};

// AtomicFile in one call.
void write_file(const Path& target, std::string_view text);

// A folder that is filled under a temporary name and renamed as a whole; an existing target is
// replaced only when `replace`. Throws Error when the target exists otherwise.
class AtomicFolder {
 public:
  AtomicFolder(Path target, bool replace);
  ~AtomicFolder();
  AtomicFolder(const AtomicFolder&) = delete;
  AtomicFolder& operator=(const AtomicFolder&) = delete;
  const Path& path() const { return temporary_; }  // write here
  void commit();

 private:
  Path target_, temporary_;
  bool replace_, committed_ = false;
};

}  // namespace bantam::base
