// Memory of one run: taken from the top, given back to a mark. Nothing is freed one by one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/rooms.h"
#include "kernels/exec.h"

namespace bantam::tensor {

class Arena {
 public:
  // `first` bytes are set aside at the first use; what goes beyond takes more from the system.
  // `counting`: hands out addresses with no memory behind them, for planning with empty kernels.
  explicit Arena(std::size_t first = 0, bool counting = false);

  // 64-byte aligned; zeroed only by chance. Throws Error when the system has no more.
  std::byte* allocate(std::size_t bytes);

  struct Mark {
    std::size_t chunk = 0, used = 0;
  };
  Mark mark() const { return {chunk_, used_}; }
  void release(Mark to);
  void reset() { release({}); }

  std::size_t peak() const { return peak_; }  // most bytes in use at one time
  bool counting() const { return counting_; }

 private:
  struct Chunk {
    Bytes memory;
    std::size_t size = 0, before = 0;  // bytes in the chunks before this one
  };
  std::vector<Chunk> chunks_;
  std::size_t first_, chunk_ = 0, used_ = 0, peak_ = 0;
  bool counting_;
};

}  // namespace bantam::tensor
