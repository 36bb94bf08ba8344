// Element and block types: what a tensor's bytes mean. One file each (f32.cpp, q8_0.cpp, ...) and
// one row in the table of formats.cpp. A newcomer adds a type with both, and its name in
// base/view.h.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/view.h"

namespace bantam {

struct Format {
  Type type;
  std::string_view name;         // "q8_0": on the command line and in messages (GGUF: upper case)
  std::uint32_t gguf_id;         // ggml_type in ggml/include/ggml.h (ggml-org/llama.cpp)
  std::string_view safetensors;  // dtype there, or empty
  std::int64_t block;            // elements in a block
  std::int64_t block_bytes;
  bool quantised;  // a block type: linear layers use the `exact` arithmetic by default
  // `count` is a multiple of `block`. Rounding is to nearest even; a float that is too large for
  // half precision becomes infinity.
  void (*decode)(const std::byte* from, float* to, std::int64_t count);
  void (*encode)(const float* from, std::byte* to, std::int64_t count);  // null: cannot be written

  std::int64_t bytes(std::int64_t count) const { return count / block * block_bytes; }
};

// Every type of the program, in the order of the enumeration.
std::span<const Format> formats();
const Format& format(Type type);
const Format* find_format(std::string_view name);  // case does not matter; null: unknown
const Format* find_format_by_gguf(std::uint32_t gguf_id);
const Format* find_format_by_safetensors(std::string_view dtype);

// Bytes that a contiguous tensor takes.
inline std::int64_t byte_size(Type type, const Shape& shape) {
  return format(type).bytes(shape.count());
}

}  // namespace bantam
