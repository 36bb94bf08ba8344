#include "cli/faults.h"

#include <fcntl.h>
#include <malloc.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <new>

namespace bantam::test {

namespace {

std::atomic<long> allocations_left{LONG_MAX};
std::atomic<long> used{0};  // bytes of operator new
long most_used = 0;         // once the memory has ended
std::atomic<long> calls_left{LONG_MAX};
int call_error = 0;

bool memory_ended() {
  const long left = allocations_left.fetch_sub(1);
  if (left == 0) most_used = used;
  return left <= 0;
}

void* allocate(std::size_t size) {
  const bool ended = memory_ended();
  for (;;) {
    const bool fits = !ended || used + static_cast<long>(size) <= most_used;
    if (void* memory = fits ? std::malloc(size == 0 ? 1 : size) : nullptr) {
      used += static_cast<long>(malloc_usable_size(memory));
      return memory;
    }
    const std::new_handler handler = std::get_new_handler();
    if (handler == nullptr) throw std::bad_alloc();
    handler();
  }
}

void release(void* memory) {
  used -= static_cast<long>(malloc_usable_size(memory));
  std::free(memory);
}

bool call_fails() {
  if (calls_left.fetch_sub(1) != 0 || call_error == 0) return false;
  errno = call_error;
  return true;
}

}  // namespace

void end_memory_at(long allocation) { allocations_left = allocation < 0 ? LONG_MAX : allocation; }

void fail_call(long call, int error) {
  call_error = error;
  calls_left = call < 0 ? LONG_MAX : call;
}

bool fault_reached() { return allocations_left <= 0 || calls_left < 0; }

}  // namespace bantam::test

void* operator new(std::size_t size) { return bantam::test::allocate(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  try {
    return bantam::test::allocate(size);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void operator delete(void* memory) noexcept { bantam::test::release(memory); }
void operator delete(void* memory, std::size_t) noexcept { bantam::test::release(memory); }
// Said too, as a sanitizer has its own otherwise, past the count.
void* operator new[](std::size_t size) { return operator new(size); }
void* operator new[](std::size_t size, const std::nothrow_t& none) noexcept {
  return operator new(size, none);
}
void operator delete[](void* memory) noexcept { operator delete(memory); }
void operator delete[](void* memory, std::size_t) noexcept { operator delete(memory); }

extern "C" {

void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  void* memory = nullptr;
  if (bantam::test::memory_ended() || posix_memalign(&memory, alignment, size) != 0) return nullptr;
  return memory;
}

ssize_t write(int descriptor, const void* data, std::size_t size) {
  if (bantam::test::calls_left == 0 && bantam::test::call_error == 0 && size > 1) size /= 2;
  if (bantam::test::call_fails()) return -1;
  return syscall(SYS_write, descriptor, data, size);
}

// What it does otherwise is waiting.
int fsync(int) { return bantam::test::call_fails() ? -1 : 0; }

int rename(const char* from, const char* to) noexcept {
  // Of these only writing can be interrupted.
  if (bantam::test::call_fails() && bantam::test::call_error != EINTR) return -1;
  return static_cast<int>(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}
}
