// The types that a GGUF file may name: sizes of all tensor types, names of all value types.
// Source: ggml/include/ggml.h and ggml/src/ggml-common.h (ggml-org/llama.cpp), docs/gguf.md
// (ggml-org/ggml).
#pragma once

#include <cstdint>
#include <string_view>

#include "base/rooms.h"

namespace bantam::files {

struct GgufType {
  std::uint32_t id;       // ggml_type
  std::string_view name;  // "Q4_K"
  std::uint32_t block;    // elements in a block; divides the width of a row
  std::uint32_t bytes;    // of a block
};

const GgufType* find_gguf_type(std::uint32_t id);       // null: unknown, or removed from the format
std::string_view removed_gguf_type(std::uint32_t id);   // its name; empty: none that was removed
const GgufType* find_gguf_type(std::string_view name);  // upper case, as written in the table

enum class GgufValue : std::uint32_t {
  uint8,
  int8,
  uint16,
  int16,
  uint32,
  int32,
  float32,
  boolean,
  string,
  array,
  uint64,
  int64,
  float64
};

inline constexpr std::uint32_t kGgufValues = 13;
std::string_view gguf_value_name(GgufValue type);  // "u32", "str", "arr"
std::uint32_t gguf_value_bytes(GgufValue type);    // 0 for strings and arrays

}  // namespace bantam::files
