// A GGUF file with other keys beside the same tensors, and which keys say something of the tensors.
#pragma once

#include <functional>
#include <string_view>

#include "base/file.h"
#include "files/gguf_writer.h"

namespace bantam::files {

// A key that says something of the very numbers of its file (golden vectors, fidelity), so that it would
// be wrong beside others: whoever writes the weights anew leaves it out.
bool is_of_weights(std::string_view key);

// Writes the file again, one that is not in parts, with the keys that `more` sets. It takes its place when
// it is whole; what was mapped of the old one stays readable. `tick` is called before each tensor and may
// throw to end the work. Throws Error.
void set_gguf_keys(const Path& path, const std::function<void(GgufWriter&)>& more,
                   const std::function<void()>& tick = [] {});

}  // namespace bantam::files
