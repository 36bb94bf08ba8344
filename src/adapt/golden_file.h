// Where golden vectors lie: the key bantam.golden of a GGUF file, or "golden" in bantam.json of a folder, of
// a model as of an adapter.
#pragma once

#include "adapt/golden.h"

namespace bantam::adapt {

// Those of a model or an adapter, if it has any. Throws Error for what is none.
std::optional<GoldenVectors> read_golden(const Path& path);

// Makes the golden vectors of a model, or of an adapter on its model, and puts them into its file or folder.
// Returns a line for people: how many, or why there are none. Throws Error.
std::string keep_golden(const Path& model, const std::optional<Path>& adapter, ThreadPool& pool,
                        const Kernels& kernels);

}  // namespace bantam::adapt
