// Memory held back for the moment when the system has no more: destructors that run while an error
// is on its way may need some (those of JSON documents do), and must not fail.
#pragma once

#include <new>

namespace bantam::cli {

// While one lives, the first allocation that fails is tried again with half of the reserve, and the
// second throws std::bad_alloc with the other half free. One at a time.
class MemoryReserve {
 public:
  MemoryReserve();
  ~MemoryReserve();
  MemoryReserve(const MemoryReserve&) = delete;
  MemoryReserve& operator=(const MemoryReserve&) = delete;

 private:
  std::new_handler before_;
};

}  // namespace bantam::cli
