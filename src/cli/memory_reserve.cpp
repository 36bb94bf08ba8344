#include "cli/memory_reserve.h"

#include <atomic>

namespace bantam::cli {

namespace {

constexpr std::size_t kHalf = std::size_t{256} << 10;

// The handler can reach nothing else.
std::atomic<std::byte*> first_half{nullptr}, second_half{nullptr};

void release_reserve() {
  if (std::byte* half = first_half.exchange(nullptr)) {
    delete[] half;
    return;  // the allocation is tried again
  }
  delete[] second_half.exchange(nullptr);
  throw std::bad_alloc();
}

}  // namespace

MemoryReserve::MemoryReserve() {
  first_half = new std::byte[kHalf];
  second_half = new (std::nothrow) std::byte[kHalf];
  before_ = std::set_new_handler(release_reserve);
}

MemoryReserve::~MemoryReserve() {
  std::set_new_handler(before_);
  delete[] first_half.exchange(nullptr);
  delete[] second_half.exchange(nullptr);
}

}  // namespace bantam::cli
