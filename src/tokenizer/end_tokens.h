// Tokens that llama.cpp knows by their names, whatever the file says of them (src/llama-vocab.cpp):
// ends of a turn, and control tokens that converters left as ordinary ones.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/rooms.h"
#include "tokenizer/tokenizer_spec.h"

namespace bantam::tokenizer {

// Adds to spec.ends what ends a turn by its name. `retype`: gives the well-known names the types
// that llama.cpp gives them (for GGUF); tokenizer.json says itself which tokens are special.
void add_known_ends(TokenizerSpec& spec, bool retype);
// What a file that is written names as ends, rising: eos, what the file that was read named, and ends
// of a turn of the chat template. Others that end a turn by their name do so here and in llama.cpp
// alone; readers that go by the file would stop at what its maker never meant. Where nothing is named:
// all of spec.ends.
std::vector<std::int32_t> ends_to_write(const TokenizerSpec& spec);
// Whether a token of this name ends a turn wherever it stands.
bool is_known_end(std::string_view name);
// Of those, the ones that end what a speaker says in a conversation.
bool is_turn_end(std::string_view name);

}  // namespace bantam::tokenizer
