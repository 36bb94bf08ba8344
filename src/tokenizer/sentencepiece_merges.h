// SentencePiece BPE ranks the pieces, Hugging Face's BPE the pairs: from one to the other.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/rooms.h"
#include "tokenizer/tokenizer_spec.h"

namespace bantam::tokenizer {

// For each piece all pairs of pieces that make it, the pieces by falling score (as generate_merges
// of huggingface/transformers, src/transformers/convert_slow_tokenizer.py). Throws Error when a
// piece comes only of a character that is no piece, or has more than 1024 bytes.
std::vector<std::pair<std::int32_t, std::int32_t>> merges_from_scores(const TokenizerSpec& spec);

// Scores by id under which SentencePiece's rule merges as spec.merges says. Throws Error when there
// are none: a pair that makes a piece is missing, or the pairs of a piece stand apart.
std::vector<double> scores_from_merges(const TokenizerSpec& spec);

}  // namespace bantam::tokenizer
