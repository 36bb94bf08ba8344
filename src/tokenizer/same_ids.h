// Whether two tokenizers are one: what a conversion asks of the tokenizer that it has written.
#pragma once

#include <optional>
#include <string>

#include "base/rooms.h"
#include "tokenizer/tokenizer.h"

namespace bantam::tokenizer {

// A text that the two cut into other ids, out of those that tell tokenizers apart: scripts, spaces,
// digits, forms of Unicode, and every added token alone, between letters and spaces, twice, and
// overlapping another; nullopt: there is none. Tokens that one of them does not have are left out.
std::optional<std::string> text_with_other_ids(const Tokenizer& a, const Tokenizer& b);

}  // namespace bantam::tokenizer
