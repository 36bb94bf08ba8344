// Scratch memory for kernels: zeroed, aligned, in huge pages where it is large.
#include "kernels/exec.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>

#include "base/error.h"

namespace bantam {

void FreeBytes::operator()(std::byte* p) const noexcept { std::free(p); }

Bytes allocate_bytes(std::size_t count) {
  constexpr std::size_t kHuge = std::size_t{2} << 20, kPage = 4096;
  const std::size_t unit = count >= kHuge / 8 ? kHuge : kPage;
  if (count > SIZE_MAX / 2) throw std::bad_alloc();
  const std::size_t bytes = count == 0 ? unit : (count + unit - 1) / unit * unit;
  void* memory = std::aligned_alloc(unit, bytes);
  if (memory == nullptr) throw std::bad_alloc();
#if defined(MADV_HUGEPAGE)
  if (unit == kHuge) madvise(memory, bytes, MADV_HUGEPAGE);  // a wish: refusal does no harm
#endif
  std::memset(memory, 0, bytes);
  return Bytes(static_cast<std::byte*>(memory));
}

std::byte* Scratch::grow(std::size_t bytes) {
  if (bytes > size_) {
    memory_.reset();
    size_ = 0;
    memory_ = allocate_bytes(bytes);
    size_ = bytes;
  }
  return memory_.get();
}

}  // namespace bantam
