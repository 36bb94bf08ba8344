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

// A SHA-256 of what a tokenizer means, in hex, which is the same whichever form its model is stored in: each
// token as it is spelled, by its id (rows that only fill the vocabulary up, "[PAD7]", left out), and the ids of the
// texts above without those of added tokens and forms of Unicode. Not in it, as the forms may say them differently:
// which tokens are control tokens, which end an answer, what is put around a text, normalisation, the chat template.
// (WordPiece spells its pieces differently in the two forms, and has a sum in each.) Files keep it, so what it is
// made of never changes.
std::string meaning_sum(const Tokenizer& tokenizer);

}  // namespace bantam::tokenizer
