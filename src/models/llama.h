// The Llama family; see llama.cpp.
#pragma once

#include "models/model.h"

namespace bantam {

std::unique_ptr<Model> make_llama(const Config& config);
Config llama_from_gguf(const GgufFile& file);
Config llama_from_hf(const Json& json, const std::string& file);
void llama_to_gguf(const Config& config, GgufWriter& writer);
Json llama_to_hf(const Config& config);

}  // namespace bantam
