// OUT.run: where an unfinished run keeps its checkpoint.
#pragma once

#include <cstdint>

#include "base/error.h"
#include "base/file.h"

namespace bantam::train {

// What to do where there is nothing to resume.
inline constexpr const char* kStartedAnew =
    "start one without --resume (a run that ended before its first checkpoint, which is written at Ctrl-C or after "
    "--save-every seconds, is started anew)";

// Where nothing of a run of training lies beside `out`: what to do says whether a model of it is there.
Error nothing_to_resume(const Path& out);

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
  // What a recipe's file said of the length when the run last took or passed over it, as one line.
  static constexpr const char* kLength = "length";
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
