// Added tokens: found in a text before anything is done to it, or in the normalised text, by the
// rules of huggingface/tokenizers (tokenizers/src/tokenizer/added_vocabulary.rs) or of llama.cpp
// (tokenizer_st_partition in src/llama-vocab.cpp).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/rooms.h"
#include "tokenizer/tokenizer_spec.h"

namespace bantam::tokenizer {

class AddedTokenFinder {
 public:
  // Part of a text: a token (id >= 0) or text between tokens, which is not empty.
  struct Part {
    std::string_view text;
    std::int32_t id = -1;
  };

  // Looks for `content` of the tokens, none of which is empty.
  AddedTokenFinder(std::vector<AddedToken> tokens, TokenizerSpec::Matching matching);

  bool empty() const { return tokens_.empty(); }
  // Appends the parts of `text`, in order. `special`: control tokens are looked for too.
  void split(std::string_view text, bool special, std::vector<Part>& out) const;

 private:
  struct Hit {
    std::size_t begin;
    std::uint32_t token;  // index of tokens_
  };
  // The longest token at `at` that is at most `longest` bytes; tokens_.size() when there is none.
  std::size_t longest_at(std::string_view text, std::size_t at, std::size_t longest,
                         bool special) const;
  bool may_begin(std::string_view text, std::size_t at) const;
  void leftmost(std::string_view text, bool special, std::vector<Hit>& hits) const;
  void longest_first(std::string_view text, bool special, std::vector<Hit>& hits) const;
  void cut(std::string_view text, const std::vector<Hit>& hits, std::vector<Part>& out) const;

  std::vector<AddedToken> tokens_;     // sorted by content
  std::vector<std::uint64_t> begins_;  // a bit for each pair of bytes that a token can begin with
  TokenizerSpec::Matching matching_;
};

}  // namespace bantam::tokenizer
