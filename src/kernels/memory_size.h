// What kernels take of memory, in bytes: the sizes that they ask for, for whoever plans. Each stands
// beside the code that asks.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/rooms.h"
#include "base/view.h"
#include "kernels/gemm/blocks.h"
#include "kernels/gemm/gemm.h"

namespace bantam::kernels {

// Of an allocation of `count` bytes (allocate_bytes): large ones are whole huge pages.
std::size_t allocated_size(std::size_t count);

// Weights [n, k] in strips.
struct PackedSize {
  std::int64_t codes, scales, subs;
  std::int64_t total() const { return codes + scales + subs; }
};
PackedSize packed_size(const BlockLayout& layout, std::int64_t n, std::int64_t k);
PackedSize packed_size(Type type, std::int64_t n, std::int64_t k);

// `m` rows of `k` as the products of blocks round them, for all threads together.
std::int64_t rounded_rows_size(std::int64_t m, std::int64_t k, Planes planes);
// What each of `threads` keeps of such a product with `n` outputs in all.
std::int64_t strip_room_size(std::int64_t m, std::int64_t n, unsigned threads);

}  // namespace bantam::kernels
