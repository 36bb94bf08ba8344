// OUT.run: where an unfinished run keeps its checkpoint.
#pragma once

#include <cstdint>

#include "base/file.h"

namespace bantam::train {

// The folder beside the output, held by one run at a time. Throws Error when it cannot be made or
// another run holds it. It goes away with this object unless something was put there.
class RunFolder {
 public:
  explicit RunFolder(const Path& out);
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  const Path& path() const { return path_; }
  // Its files, and where it is for an output.
  static Path place(const Path& out);
  static constexpr const char* kCheckpoint = "checkpoint";  // of an unfinished run
  static constexpr const char* kFinished = "finished";      // the last one of a finished run
  static constexpr const char* kRecipe = "recipe.toml";
  // Sets so much of the disk aside, in place of what was set aside before, so that what must be
  // written at the end has a place then: nobody sees it, and it goes with this process. 0: none.
  // False: the disk has not as much. Where a file system cannot do it nothing is set aside.
  bool set_aside(std::uint64_t bytes) noexcept;
  std::uint64_t aside() const noexcept;  // bytes that are set aside
  // With all that is in it: the run is over.
  void remove() noexcept;

 private:
  Path path_;
  int descriptor_ = -1;
  int aside_ = -1;  // a file without a name
};

}  // namespace bantam::train
