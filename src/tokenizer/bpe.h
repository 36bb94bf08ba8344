// Byte-pair encoding at run time (Sennrich, Haddow & Birch 2016), as Hugging Face's tokenizers
// (tokenizers/src/models/bpe/model.rs), SentencePiece and llama.cpp (src/llama-vocab.cpp) do it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/rooms.h"
#include "tokenizer/char_ids.h"
#include "tokenizer/token_model.h"
#include "tokenizer/tokenizer_spec.h"

namespace bantam::tokenizer {

// What all kinds share. A symbol is an id, or, where SentencePiece's rule merges what is no token
// by itself, a number above the ids; a byte without a token of its character is -2 - byte.
class BpeModel : public TokenModel {
 protected:
  explicit BpeModel(const TokenizerSpec& spec);

  void read_merges(const TokenizerSpec& spec);
  std::int32_t joined(std::int32_t left, std::int32_t right, std::string_view prefix,
                      std::int32_t before, std::size_t rank) const;

  const Vocabulary& vocabulary_;
  const TokenizerSpec& spec_;
  PairMap merges_;
  std::array<std::int32_t, 256> byte_ids_;  // of bytes that stand alone; -1: none
};

// On the bytes of a word: GPT-2 and its many descendants.
class ByteBpe final : public BpeModel {
 public:
  explicit ByteBpe(const TokenizerSpec& spec);
  void encode(std::span<const std::string_view> words, EncodeScratch& scratch,
              std::vector<std::int32_t>& out) const override;

 private:
  void encode_word(std::string_view word, EncodeScratch& scratch,
                   std::vector<std::int32_t>& out) const;

  // Of a byte inside its word, at its beginning, at its end, and alone: in a vocabulary with affixes
  // ("</w>" at the end of a word) these are different pieces.
  enum Place { kInside, kFirst, kLast, kAlone };
  std::array<std::array<std::int32_t, 256>, 4> by_place_;
  bool whole_words_;       // ignore_merges
  std::int32_t unk_ = -1;  // -1: bytes without a token vanish
  bool fuse_unk_;
};

// On the characters of a word, which may be a whole text.
class CharBpe final : public BpeModel {
 public:
  explicit CharBpe(const TokenizerSpec& spec);
  void encode(std::span<const std::string_view> words, EncodeScratch& scratch,
              std::vector<std::int32_t>& out) const override;

 private:
  struct Char {
    std::int32_t id;  // -1: none
    unsigned size;
  };
  void read_scores(const TokenizerSpec& spec);
  void read_characters();
  void note_neighbours(std::string_view piece);
  std::int32_t symbol(std::string_view piece) const;
  Char char_at(std::string_view text, std::size_t at) const;
  std::size_t neighbour_bit(std::int32_t left, std::int32_t right) const;
  bool may_join(std::int32_t left, std::int32_t right) const;
  bool whole(std::string_view word, std::vector<std::int32_t>& out) const;
  bool add_symbol(std::int32_t id, std::string_view text, bool after_unk,
                  EncodeScratch& scratch) const;
  void encode_affixed(std::string_view word, EncodeScratch& scratch,
                      std::vector<std::int32_t>& out) const;
  void encode_text(std::string_view text, EncodeScratch& scratch,
                   std::vector<std::int32_t>& out) const;
  void encode_symbols(std::string_view word, EncodeScratch& scratch,
                      std::vector<std::int32_t>& out) const;
  void finish(std::span<const std::int32_t> symbols, std::vector<std::int32_t>& out) const;

  CharIds chars_;
  std::vector<std::string> extra_;  // characters that are no token but part of one; from size() on
  std::vector<std::uint64_t> neighbours_;  // a Bloom filter of characters side by side in a piece
  bool by_score_, byte_fallback_, fuse_unk_, whole_words_, newline_runs_;
  std::int32_t unk_;
  std::string prefix_, suffix_;
};

}  // namespace bantam::tokenizer
