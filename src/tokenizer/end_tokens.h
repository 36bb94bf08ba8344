// Tokens that llama.cpp knows by their names, whatever the file says of them (src/llama-vocab.cpp):
// ends of a turn, and control tokens that converters left as ordinary ones.
#pragma once

#include <cstdint>
#include <vector>

#include "tokenizer/tokenizer_spec.h"

namespace bantam {

// Adds to spec.ends what ends a turn by its name. `retype`: gives the well-known names the types
// that llama.cpp gives them (for GGUF); tokenizer.json says itself which tokens are special.
void add_known_ends(TokenizerSpec& spec, bool retype);

}  // namespace bantam
