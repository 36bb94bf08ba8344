// Training of a byte-level BPE vocabulary (Sennrich, Haddow & Birch 2016, "Neural machine
// translation of rare words with subword units", on bytes as in GPT-2). The result depends on the
// multiset of documents alone: not on their order, nor on the number of threads.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/thread_pool.h"

namespace bantam::tokenizer {

struct BpeTraining {
  std::int64_t vocabulary = 32000;   // tokens wanted, the 256 bytes and the special ones included
  std::vector<std::string> special;  // their text; no merge makes a token of the same text
  std::string pre = "gpt-2";         // name of the pre-tokenizer, as in `tokenizer.ggml.pre`
  std::int64_t min_frequency = 2;    // a pair that occurs less often is not merged
  // A piece longer than this is counted as several of this length: bounds the work on a hostile
  // text.
  std::int64_t longest_piece = 1024;
};

// A token is known by its bytes; ids are indices of `tokens`.
struct BpeVocabulary {
  // First the 256 single bytes in the order of GPT-2's vocabulary (printable ones first: id 0 is
  // '!'), then what merges make, in the order of the merges; the special tokens last.
  std::vector<std::string> tokens;
  // Ids of the two halves, most urgent first. Two merges may make the same token.
  std::vector<std::pair<std::int32_t, std::int32_t>> merges;
  std::int32_t first_special = 0;  // ids from here to the end are special
  // The text ran out of frequent pairs: fewer tokens than asked for.
  bool stopped_early = false;
  std::int64_t documents = 0, bytes = 0, distinct_pieces = 0;  // what was read
};

struct BpeProgress {
  enum class Step { counting, merging };
  Step step;
  std::int64_t done;   // counting: bytes read; merging: tokens made
  std::int64_t total;  // merging: tokens wanted; counting: 0, not known
};

// Puts the next document into `text` and returns true, or returns false at the end. Called from the
// calling thread alone. Any bytes are taken; ill-formed UTF-8 is counted as U+FFFD, which is what
// encoding will see.
using NextDocument = std::function<bool(std::string& text)>;

// While fewer than `vocabulary` tokens are there, merges the adjacent pair of highest count, of
// these the one of lowest ids (left, then right): the order of Hugging Face's trainer (tokenizers,
// src/models/bpe/trainer.rs). Memory is up to about seven bytes for each byte of the distinct
// pieces. Throws Error when the vocabulary cannot hold the bytes and the special tokens or is above
// 2^24, when special tokens are empty, single bytes or repeated, when the pre-tokenizer is unknown.
// `progress` may be empty; what it throws ends the training.
BpeVocabulary train_bpe(const BpeTraining& training, const NextDocument& next, ThreadPool& pool,
                        const std::function<void(const BpeProgress&)>& progress = {});

}  // namespace bantam::tokenizer
