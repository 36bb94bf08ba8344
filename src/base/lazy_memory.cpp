#include "base/lazy_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <new>
#include <utility>

namespace bantam::base {

namespace {

std::size_t page_size() { return static_cast<std::size_t>(sysconf(_SC_PAGESIZE)); }

}  // namespace

LazyMemory::LazyMemory(std::size_t bytes) : size_(std::max<std::size_t>(bytes, 1)) {
  if (size_ > SIZE_MAX / 4) throw std::bad_alloc();
  // Not reserved: what is never written is never needed.
  void* memory = mmap(nullptr, size_, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  data_ = static_cast<std::byte*>(memory);
#if defined(MADV_NOHUGEPAGE)
  madvise(data_, size_, MADV_NOHUGEPAGE);  // a first byte would cost 2 MiB, and clearing them
#endif
}

LazyMemory::~LazyMemory() {
  if (data_ != nullptr) munmap(data_, size_);
}

LazyMemory::LazyMemory(LazyMemory&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

void LazyMemory::give_back(std::size_t from, std::size_t to) {
  const std::size_t page = page_size();
  from = (from + page - 1) / page * page;
  to = std::min(to, size_) / page * page;
  if (from < to) madvise(data_ + from, to - from, MADV_DONTNEED);
}

void LazyMemory::in_huge_pages(std::size_t from, std::size_t to, bool huge) {
#if defined(MADV_HUGEPAGE) && defined(MADV_NOHUGEPAGE)
  const std::size_t page = page_size();
  from = from / page * page;
  to = std::min(to, size_);
  if (from < to) madvise(data_ + from, to - from, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
#else
  static_cast<void>(from), static_cast<void>(to), static_cast<void>(huge);
#endif
}

}  // namespace bantam::base
