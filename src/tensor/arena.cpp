#include "tensor/arena.h"

#include <algorithm>

#include "base/error.h"

namespace bantam::tensor {

namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kSmallestChunk = std::size_t{8} << 20;

}  // namespace

Arena::Arena(std::size_t first, bool counting) : first_(first), counting_(counting) {}

std::byte* Arena::allocate(std::size_t bytes) {
  bytes = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  if (counting_) {
    used_ += bytes;
    peak_ = std::max(peak_, used_);
    return reinterpret_cast<std::byte*>(used_);  // not null, never read
  }
  while (chunk_ >= chunks_.size() || used_ + bytes > chunks_[chunk_].size) {
    if (chunk_ < chunks_.size() && used_ > 0) {
      ++chunk_;
      used_ = 0;
      continue;
    }
    // The chunk at hand is absent, or empty and too small: make one that fits in its place.
    const std::size_t before =
        chunk_ == 0 ? 0 : chunks_[chunk_ - 1].before + chunks_[chunk_ - 1].size;
    const std::size_t size = std::max({bytes, kSmallestChunk, chunk_ == 0 ? first_ : before / 2});
    chunks_.resize(chunk_);
    try {
      chunks_.push_back({allocate_bytes(size), size, before});
    } catch (const std::bad_alloc&) {
      throw Error(
          "the system has no " + std::to_string(size >> 20) +
          " MiB of memory left for a computation; ask for a shorter context or less at a time");
    }
  }
  std::byte* memory = chunks_[chunk_].memory.get() + used_;
  used_ += bytes;
  peak_ = std::max(peak_, chunks_[chunk_].before + used_);
  return memory;
}

void Arena::release(Mark to) {
  chunk_ = to.chunk;
  used_ = to.used;
}

}  // namespace bantam::tensor
