// Scratch memory for kernels: zeroed, aligned, in huge pages where it is large.
#include "kernels/exec.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/error.h"
#include "kernels/memory_size.h"

namespace bantam::kernels {

namespace {

constexpr std::size_t kHuge = std::size_t{2} << 20, kPage = 4096;
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kMap = false;  // the sanitizer watches the borders of what it hands out itself
#else
constexpr bool kMap = true;
#endif

// What lies before the memory that is handed out.
struct Head {
  void* base;
  std::size_t mapped;  // bytes; 0: from aligned_alloc
};

Bytes hand_out(std::byte* memory, Head head) {
  std::memcpy(memory - sizeof head, &head, sizeof head);
  return Bytes(memory);
}

// Straight from the system: a page that is never touched (the end of a long context's cache) is
// never there, and none need be zeroed.
Bytes map_bytes(std::size_t bytes) {
  const std::size_t size = bytes + 2 * kHuge;
  void* base = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) throw std::bad_alloc();
  const std::size_t skip = kHuge - reinterpret_cast<std::uintptr_t>(base) % kHuge;
  std::byte* memory = static_cast<std::byte*>(base) + skip;
#if defined(MADV_HUGEPAGE)
  madvise(memory, bytes, MADV_HUGEPAGE);  // a wish: refusal does no harm
#endif
  return hand_out(memory, {base, size});
}

}  // namespace

void FreeBytes::operator()(std::byte* p) const noexcept {
  Head head;
  std::memcpy(&head, p - sizeof head, sizeof head);
  if (head.mapped > 0)
    munmap(head.base, head.mapped);
  else
    std::free(head.base);
}

namespace {

bool is_large(std::size_t count) { return kMap && count >= kHuge / 8; }

}  // namespace

std::size_t allocated_size(std::size_t count) {
  const std::size_t unit = is_large(count) ? kHuge : kPage;
  return count == 0 ? unit : (count + unit - 1) / unit * unit;
}

Bytes allocate_bytes(std::size_t count) {
  if (count > SIZE_MAX / 4) throw std::bad_alloc();
  const std::size_t bytes = allocated_size(count);
  if (is_large(count)) return map_bytes(bytes);
  void* base = std::aligned_alloc(kPage, kPage + bytes);
  if (base == nullptr) throw std::bad_alloc();
  std::byte* memory = static_cast<std::byte*>(base) + kPage;
  std::memset(memory, 0, bytes);
  return hand_out(memory, {base, 0});
}

std::shared_ptr<std::byte> MemoryBlocks::take(std::size_t count) {
  constexpr std::size_t kLine = 64, kBlock = kMap ? std::size_t{64} << 20 : 0;
  if (count > SIZE_MAX / 4) throw std::bad_alloc();
  const std::size_t bytes = (count + kLine - 1) / kLine * kLine;
  if (bytes > size_ - used_) {
    Bytes fresh = allocate_bytes(std::max(bytes, kBlock));
    std::byte* memory = fresh.release();
    block_ = std::shared_ptr<std::byte>(memory, FreeBytes());
    used_ = 0;
    size_ = std::max(bytes, kBlock);
  }
  std::byte* piece = block_.get() + used_;
  used_ += bytes;
  return {block_, piece};
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

}  // namespace bantam::kernels
