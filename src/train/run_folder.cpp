#include "train/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace bantam {

namespace {

Path beside(const Path& out) {
  Path path = out.has_filename() ? out : out.parent_path();
  path += ".run";
  return path;
}

// Another run may have removed the folder between our opening and our lock.
bool still_there(int descriptor, const Path& path) {
  struct stat held {};
  struct stat found {};
  return fstat(descriptor, &held) == 0 && stat(path.c_str(), &found) == 0 &&
         held.st_ino == found.st_ino && held.st_dev == found.st_dev;
}

}  // namespace

RunFolder::RunFolder(const Path& out) : path_(beside(out)) {
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

RunFolder::~RunFolder() {
  rmdir(path_.c_str());  // only when it is empty
  close(descriptor_);
}

void RunFolder::remove() noexcept {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace bantam
