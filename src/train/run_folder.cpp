#include "train/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace bantam::train {

namespace {

// Another run may have removed the folder between our opening and our lock.
bool still_there(int descriptor, const Path& path) {
  struct stat held {};
  struct stat found {};
  return fstat(descriptor, &held) == 0 && stat(path.c_str(), &found) == 0 &&
         held.st_ino == found.st_ino && held.st_dev == found.st_dev;
}

}  // namespace

Error nothing_to_resume(const Path& out) {
  std::error_code ignored;
  const std::string name = printable(out.string(), 200);
  const std::string what = std::filesystem::exists(out, ignored)
                               ? "nothing is left here to resume: " + name + " is there, but its run was not to be extended (--no-extend), or what "
                                 "it kept is gone. To train it longer, train it anew: --force in place of --resume, with more "
                                 "--steps, --tokens or --epochs; bantam finetune " + name + " learns further from it as it is"
                               : std::string("there is no unfinished run to resume; ") + kStartedAnew;
  return Error(what).in(RunFolder::place(out).string());
}

Path RunFolder::place(const Path& out) {
  Path path = out.has_filename() ? out : out.parent_path();
  path += ".run";
  return path;
}

RunFolder::RunFolder(const Path& out) : path_(place(out)) {
  const auto failed = [&](const std::string& what) {
    const int reason = errno;
    if (descriptor_ >= 0) close(descriptor_);
    return Error(what + ": " + std::strerror(reason)).in(path_.string());
  };
  for (;;) {
    if (mkdir(path_.c_str(), 0777) != 0 && errno != EEXIST)
      throw failed("the folder for checkpoints cannot be made");
    descriptor_ = open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor_ < 0 && errno == ENOENT) continue;
    if (descriptor_ < 0) throw failed("is no folder for checkpoints");
    if (flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) throw failed("the folder for checkpoints cannot be locked");
      close(descriptor_);
      throw Error("another training run is writing here: wait for it, or choose another output")
          .in(path_.string());
    }
    if (still_there(descriptor_, path_)) return;
    close(descriptor_);
  }
}

bool RunFolder::set_aside(std::uint64_t bytes) noexcept {
  if (aside_ < 0 && bytes > 0) aside_ = open(path_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (aside_ < 0) return true;
  if (ftruncate(aside_, 0) != 0 || bytes == 0) return true;
  return fallocate(aside_, 0, 0, static_cast<off_t>(bytes)) == 0 || errno == EOPNOTSUPP ||
         errno == ENOSYS;
}

std::uint64_t RunFolder::aside() const noexcept {
  struct stat about {};
  if (aside_ < 0 || fstat(aside_, &about) != 0) return 0;
  return static_cast<std::uint64_t>(about.st_blocks) * 512;
}

RunFolder::~RunFolder() {
  if (aside_ >= 0) close(aside_);
  rmdir(path_.c_str());  // only when it is empty
  close(descriptor_);
}

void RunFolder::remove() noexcept {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace bantam::train
