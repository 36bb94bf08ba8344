// What an adapter is, from its head alone: without the model that it was made for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/rooms.h"
#include "files/tensor_info.h"

namespace bantam::adapt {

struct AdapterHead {
  Path place;                        // what --adapter takes: the file, or the folder
  bool gguf = false;                 // else PEFT's folder
  std::string method;                // "lora", "rslora", "dora", or as PEFT calls another kind
  std::int64_t rank = 0;             // the largest
  double alpha = 0;
  std::string base;                  // the model that it was made for, as it says; may be empty
  std::string architecture;          // of that model; a folder does not say
  std::vector<std::string> targets;  // the linear layers with low-rank updates, by the names of its form
  std::vector<std::string> whole;    // weights that it brings whole, by the ends of their names
  std::uint64_t numbers = 0, bytes = 0;
  // Its own chat template; or it is known which one of the model it was trained under.
  bool own_template = false, template_known = false;
  std::size_t golden = 0;  // prompts of golden vectors
  std::vector<TensorInfo> tensors;  // without their data
};

// Whether `path` is an adapter: a folder with adapter_config.json and without config.json (or a file in it), or a GGUF
// that says so. Throws Error for a GGUF that cannot be read.
bool is_adapter(const Path& path);
// Throws Error where it is none, and says what to do with a model in an adapter's place.
void require_adapter(const Path& path);

// Nothing where `path` is no adapter. Throws Error when it is one that cannot be read.
std::optional<AdapterHead> adapter_head(const Path& path);

}  // namespace bantam::adapt
