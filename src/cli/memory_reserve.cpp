#include "cli/memory_reserve.h"

#include <atomic>

namespace bantam::cli {

namespace {

constexpr std::size_t kHalf = std::size_t{256} << 10;

// The handler can reach nothing else.
std::atomic<std::byte*> first{nullptr}, second{nullptr};

void release_reserve() {
  if (std::byte* half = first.exchange(nullptr)) {
    delete[] half;
    return;  // the allocation is tried again
  }
  delete[] second.exchange(nullptr);
  throw std::bad_alloc();
}

}  // namespace

MemoryReserve::MemoryReserve() {
  first = new std::byte[kHalf];
  second = new (std::nothrow) std::byte[kHalf];
  before_ = std::set_new_handler(release_reserve);
}

MemoryReserve::~MemoryReserve() {
  std::set_new_handler(before_);
  delete[] first.exchange(nullptr);
  delete[] second.exchange(nullptr);
}

}  // namespace bantam::cli
