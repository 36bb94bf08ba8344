// What writing a model somewhere may take the place of: never what it is made from, and never what is
// no model.
#pragma once

#include <string>

#include "base/file.h"
#include "files/tensor_info.h"

namespace bantam::files {

// Throws Error where a model written to `out` (NAME.gguf, or a folder) would take away a file of
// `source`, which it is made from. `in_parts`: to parts of that name, which any older ones give way to.
void require_apart(const Path& out, const TensorSource& source, bool in_parts = false);
// The same for the file or folder at `path`; `what` it is stands in the message: "the text".
void require_apart(const Path& out, const Path& path, const std::string& what);

// Throws Error where something else than a model would be replaced by one: a folder in the place of
// NAME.gguf; a file, or a folder with other things, in the place of a folder. `adapters`: these may be.
void require_replaceable(const Path& out, bool adapters = false);

}  // namespace bantam::files
