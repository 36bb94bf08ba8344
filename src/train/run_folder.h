// OUT.run: where an unfinished run keeps its checkpoint.
#pragma once

#include "base/file.h"

namespace bantam {

// The folder beside the output, held by one run at a time. Throws Error when it cannot be made or
// another run holds it. It goes away with this object unless something was put there.
class RunFolder {
 public:
  explicit RunFolder(const Path& out);
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  const Path& path() const { return path_; }
  // With all that is in it: the run is over.
  void remove() noexcept;

 private:
  Path path_;
  int descriptor_ = -1;
};

}  // namespace bantam
