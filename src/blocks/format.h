// Element and block types: what a tensor's bytes mean. One file each (f32.cpp, q8_0.cpp, ...) and
// one row in the table of formats.cpp. A newcomer adds a type with both, and its name in
// base/view.h; everything else (command line, loading, writing, products) asks the table.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/view.h"

namespace bantam::blocks {

inline constexpr std::int64_t kMostBlock = 256;  // elements in the longest block

// One block in whole numbers: element i is d * sub[i/16] * q[i] - dmin * m[i/16]. Products of d and
// sub, and of dmin and m, are exact in float32. A block of 32 uses the first two of sub and m.
struct BlockIntegers {
  std::int8_t q[kMostBlock];
  std::int16_t sub[kMostBlock / 16];
  std::uint8_t m[kMostBlock / 16];
  float d, dmin;
};

// How a block type may be kept in memory for products. Kernels know packings, never formats.
struct Packing {
  int bits = 0;                        // of a code as it is kept: 2, 3, 4, 5, 6, 8; 0: not a block
  std::int8_t lowest = 0;              // q = code + lowest
  const std::int8_t* table = nullptr;  // or, of 16 entries: q = table[code]
  int scale_group = 32;                // elements under one d (and dmin)
  int sub_group = 0;     // elements under one sub (and m): 16, 32; 0: all of them are 1
  bool minimum = false;  // dmin and m are used
  float unit = 1;        // d = unit * a half-precision number; 0: d is a power of two of its own
};

struct Format {
  Type type;
  std::string_view name;         // "q8_0": on the command line and in messages (GGUF: upper case)
  std::uint32_t gguf_id;         // ggml_type in ggml/include/ggml.h (ggml-org/llama.cpp)
  std::uint32_t file_type = 0;   // general.file_type: llama_ftype in include/llama.h there
  std::string_view safetensors;  // dtype there, or empty
  std::int64_t block;            // elements in a block
  std::int64_t block_bytes;
  bool quantised;       // a block type: linear layers use the int8 arithmetic by default
  bool weights = true;  // numbers that can be computed with, not ids
  // `count` is a multiple of `block`. Rounding is to nearest even; a float that is too large for
  // half precision becomes infinity.
  void (*decode)(const std::byte* from, float* to, std::int64_t count);
  void (*encode)(const float* from, std::byte* to, std::int64_t count);  // null: cannot be written
  // The same with a weight for each element's squared error, all of them finite and not negative.
  // Null: the rounding of this type has no choice that weights could guide.
  void (*encode_weighted)(const float* from, const float* importance, std::byte* to,
                          std::int64_t count) = nullptr;
  // Block types: what a block holds.
  void (*integers)(const std::byte* block, BlockIntegers& out) = nullptr;
  Packing packing = {};

  std::int64_t bytes(std::int64_t count) const { return count / block * block_bytes; }
};

// Every type of the program, in the order of the enumeration.
std::span<const Format> formats();
const Format& format(Type type);
const Format* find_format(std::string_view name);  // case does not matter; null: unknown
const Format* find_format_by_gguf(std::uint32_t gguf_id);
const Format* find_format_by_safetensors(std::string_view dtype);

std::string upper_name(const Format& format);  // "Q8_0", as files write it
// Of all types for which `wanted` holds: "F32, F16 and Q8_0".
std::string names_of_formats(bool (*wanted)(const Format&));

// Bytes that a contiguous tensor takes.
inline std::int64_t byte_size(Type type, const Shape& shape) {
  return format(type).bytes(shape.count());
}

}  // namespace bantam::blocks
