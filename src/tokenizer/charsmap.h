// SentencePiece's precompiled character map: a double-array trie from prefixes of the text to what
// replaces them (google/sentencepiece, src/normalizer.cc), and its treatment of white space.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/rooms.h"
#include "tokenizer/normalizer.h"

namespace bantam::tokenizer {

class CharsMap {
 public:
  // `blob`: the size of the trie in bytes (little-endian, 4 bytes), the trie, the replacements,
  // each ended by NUL. Throws Error when it is cut.
  explicit CharsMap(std::string_view blob);

  struct Match {
    std::size_t size;  // bytes of the text
    std::string_view replacement;
  };
  // The longest, or the shortest, prefix of `text` that has a replacement.
  std::optional<Match> longest(std::string_view text) const;
  std::optional<Match> shortest(std::string_view text) const;

 private:
  template <class Found>
  void walk(std::string_view text, Found found) const;

  std::vector<std::uint32_t> units_;
  std::string replacements_;
};

// `by_prefix`: from left to right the longest prefix, as SentencePiece does; else grapheme
// clusters, as Hugging Face does (tokenizers/src/normalizers/precompiled.rs).
std::unique_ptr<NormalizeOp> make_charsmap_op(std::string_view blob, bool by_prefix);

std::unique_ptr<NormalizeOp> make_sentencepiece_space_op(const NormalizeStep& step);

}  // namespace bantam::tokenizer
