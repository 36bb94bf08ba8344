// The merging of a BPE: of all adjacent pairs the one of lowest rank, of these the leftmost, until
// no pair has a rank.
#pragma once

#include <cstddef>
#include <span>

#include "base/rooms.h"
#include "tokenizer/flat_hash.h"
#include "tokenizer/token_model.h"

namespace bantam::tokenizer {

// Merges `ids` in place and returns how many there are then. Pairs with a negative id never merge.
std::size_t merge_pairs(const PairMap& merges, std::span<std::int32_t> ids, EncodeScratch& scratch);

}  // namespace bantam::tokenizer
