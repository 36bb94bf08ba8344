// Standard output and error of a part of this test program, caught.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

#include "base/file.h"

namespace bantam::test {

// Standard output and error into a file, for the time of one run.
class Silence {
 public:
  explicit Silence(const Path& file) {
    std::fflush(nullptr);
    for (int i = 1; i <= 2; ++i) saved_[i] = dup(i);
    const int descriptor = open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(descriptor, 1);
    dup2(descriptor, 2);
    close(descriptor);
  }
  ~Silence() {
    std::fflush(nullptr);
    for (int i = 1; i <= 2; ++i) {
      dup2(saved_[i], i);
      close(saved_[i]);
    }
  }

 private:
  int saved_[3] = {};
};

}  // namespace bantam::test
