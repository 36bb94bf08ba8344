// Where a model lies, of whatever somebody names: the file itself, its folder, a file in its folder.
#pragma once

#include "base/file.h"

namespace bantam::files {

// A folder without config.json that holds one GGUF model becomes that model's path (of its first
// part); config.json or a safetensors file, beside config.json, becomes the folder. Anything else stays.
// Throws Error when a folder holds several models (they are named).
Path model_path(const Path& named);

// Whether the name is one of a GGUF file: it ends with .gguf, in letters of any size.
bool is_gguf_name(const Path& path);

}  // namespace bantam::files
