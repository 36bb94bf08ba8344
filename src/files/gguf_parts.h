// Names of the parts of a GGUF model that is kept in several files: NAME-00001-of-00003.gguf. Source:
// llama_split_path and llama_split_prefix in src/llama.cpp (ggml-org/llama.cpp).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"

namespace bantam::files {

// More than any model has; each is a file that is open while it is written.
inline constexpr std::uint64_t kMaxGgufParts = 512;

// Keys of the parts: the number of this one (from 0), of all, and of all their tensors.
inline constexpr const char* kSplitNo = "split.no";
inline constexpr const char* kSplitCount = "split.count";
inline constexpr const char* kSplitTensors = "split.tensors.count";

struct GgufPartName {
  Path prefix;               // "folder/NAME"
  std::uint64_t number = 0;  // from 0
  std::uint64_t count = 0;
};

// nullopt: the name is not one of a part.
std::optional<GgufPartName> gguf_part_name(const Path& path);
Path gguf_part_path(const Path& prefix, std::uint64_t number, std::uint64_t count);
// "folder/NAME" of NAME.gguf: what its parts are named by.
Path gguf_part_prefix(const Path& whole);
// The files that lie there as parts of that name, of however many, in the order of their names.
std::vector<Path> gguf_parts_named(const Path& prefix);
// Throws Error (exists) where there is any: parts of two sets beside each other are one mixture.
void require_no_parts(const Path& prefix);
// "-00002-of-00003.gguf"
std::string gguf_part_suffix(std::uint64_t number, std::uint64_t count);

// The path. Throws Error where its name is that of a part and there is no such file.
const Path& present_part(const Path& path);

}  // namespace bantam::files
