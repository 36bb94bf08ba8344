// How block types find their numbers where no rule fixes them: scales and codes that make the
// weighted squared error of a block small. The idea of trying inverse scales around the one that
// maps the extreme element to the end of the range, and of solving for the scale by least squares
// after each, is make_qx_quants and make_qkx2_quants of ggml/src/ggml-quants.c
// (ggml-org/llama.cpp); here the scales of the groups are then chosen again under the rounded d,
// and d is solved for again.
#pragma once

#include "base/rooms.h"
#include "blocks/format.h"

namespace bantam::blocks {

// What a block is made of and how its numbers are limited.
struct BlockShape {
  std::int64_t elements = 32;
  int lowest = 0, highest = 0;          // of a code q
  bool iq4_table = false;               // or q is a number of kIq4Table
  std::int64_t sub_group = 0;           // elements under one sub-scale; 0: there are none
  int sub_lowest = 1, sub_highest = 1;  // of a sub-scale (and m, which is not negative)
};

// `importance`: a weight for each element's squared error, finite and not negative, or null for 1
// each. d (and dmin) are half-precision numbers. A block that holds what is not finite gets a d
// that is NaN, and zeros.
// x ~ d * sub * q:
void fit_block(const BlockShape& shape, const float* x, const float* importance,
               BlockIntegers& out);
// x ~ d * sub * q - dmin * m with q from 0 to `highest`; without sub-scales m is 1 and dmin of
// either sign:
void fit_affine_block(const BlockShape& shape, const float* x, const float* importance,
                      BlockIntegers& out);

// The encoders of a type by its `fit` (one of the above, with its shape) and `store`.
using FitBlock = void (*)(const float* x, const float* importance, BlockIntegers& out);
using StoreBlock = void (*)(const BlockIntegers& in, std::byte* block);

template <StoreBlock store, FitBlock fit, std::int64_t kElements, std::int64_t kBytes>
void encode_searching_weighted(const float* from, const float* importance, std::byte* to,
                               std::int64_t count) {
  BlockIntegers block;
  for (std::int64_t i = 0; i < count; i += kElements, to += kBytes) {
    fit(from + i, importance == nullptr ? nullptr : importance + i, block);
    store(block, to);
  }
}

template <StoreBlock store, FitBlock fit, std::int64_t kElements, std::int64_t kBytes>
void encode_searching(const float* from, std::byte* to, std::int64_t count) {
  encode_searching_weighted<store, fit, kElements, kBytes>(from, nullptr, to, count);
}

}  // namespace bantam::blocks
