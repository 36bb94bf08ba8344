// The description of a tokenizer, as plain data: readers make it from a file of either world, the
// constructor of Tokenizer compiles it, writers write it. The parts are those of tokenizer.json
// (huggingface/tokenizers, tokenizers/src), to which the kinds of GGUF are translated.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/rooms.h"
#include "words/pre_tokenizer.h"
#include "tokenizer/vocabulary.h"

namespace bantam::tokenizer {

// What SentencePiece writes for a space: U+2581.
inline constexpr std::string_view kSpaceMark = "\u2581";

// As in `tokenizer.ggml.token_type` (ggml-org/llama.cpp, include/llama.h).
enum class TokenType : std::uint8_t {
  undefined = 0,
  normal = 1,
  unknown = 2,
  control = 3,
  user_defined = 4,
  unused = 5,
  byte = 6,
};

// A token that is looked for in the text before anything else is done to it.
struct AddedToken {
  std::int32_t id = -1;
  std::string content;
  bool special = false;                 // left out of decoded text; matched only when parse_special
  bool normalized = false;              // looked for in the normalised text, itself normalised
  bool lstrip = false, rstrip = false;  // takes the white space before, after it
  bool single_word = false;             // not beside a word character
};

struct NormalizeStep {
  enum class Kind {
    nfc,
    nfd,
    nfkc,
    nfkd,
    lowercase,
    strip,          // white space at the ends: `left`, `right`
    strip_accents,  // all marks
    replace,        // `pattern` by `content`
    prepend,        // `content`
    bert,
    precompiled,  // SentencePiece's character map, its bytes in `content` (`by_prefix`: its rule)
    nmt,
    byte_level,     // each byte as its character
    sentencepiece,  // white space as SentencePiece treats it: `content` is the space that is
                    // written
  };
  Kind kind;
  std::string pattern = {}, content = {};
  bool literal = false;              // `pattern` is a plain string
  bool left = false, right = false;  // sentencepiece: a space is put before, after the text
  bool clean_text = false, chinese_chars = false, lower = false;  // bert
  std::optional<bool> accents = {};  // bert: stripped; absent: as lower
  bool by_prefix = false;
  bool merge_spaces = false;  // sentencepiece: runs become one, those at the ends go
  // sentencepiece: the space is put before the text alone, not after each added token.
  bool once = false;
};

struct PreTokenStep {
  enum class Kind {
    stage,         // one of pre_tokenizer.h, in `stage`
    prefix_space,  // a space before each piece that does not begin with one
    byte_level,    // each byte becomes its character
    metaspace,     // spaces become `marker`, pieces begin there (if `split`)
    whitespace,    // \w+|[^\w\s]+
    whitespace_split,
    bert,
    delimiter,     // `marker`, removed
    fixed_length,  // `length` characters
  };
  enum class Prepend { always, first, never };
  Kind kind;
  PreStage stage = {};
  std::string marker = {};
  Prepend prepend =
      Prepend::never;  // metaspace: a marker before a piece that does not begin with one
  bool split = true;
  std::int64_t length = 0;
};

struct DecodeStep {
  enum class Kind {
    byte_level,
    replace,
    byte_fallback,
    fuse,
    strip,
    metaspace,
    word_piece,
    bpe,
    ctc
  };
  Kind kind;
  // replace; strip, metaspace: `content`; word_piece: prefix; bpe: suffix; ctc: pad, delimiter
  std::string pattern = {}, content = {};
  bool literal = false;
  std::int64_t start = 0, stop = 0;  // strip
  bool first_space = false;          // metaspace: the first one is dropped
  bool cleanup = false;              // word_piece, ctc
};

// Of a GGUF that Phi-3's name stands in, a reader takes white space away after its tokens but these
// (llama.cpp, src/llama-vocab.cpp).
inline bool phi3_strips_after(std::string_view token) {
  return token != "<unk>" && token != "<s>" && token != "<|endoftext|>";
}

struct TokenizerSpec {
  enum class Model {
    bpe,        // by rank of merges
    score_bpe,  // SentencePiece BPE: the adjacent pair whose joined piece has the highest score
    unigram,
    word_piece,
  };
  // Which of overlapping added tokens is taken.
  enum class Matching {
    leftmost_longest,  // Hugging Face: the first in the text
    longest_first,     // llama.cpp: the longest of all
  };

  Model model = Model::bpe;
  Vocabulary vocabulary;              // added tokens included
  std::vector<TokenType> types;       // by id
  std::vector<std::int32_t> outside;  // added tokens that the model itself does not have, rising
  std::vector<double> scores;         // by id; for score_bpe and unigram
  std::vector<std::pair<std::int32_t, std::int32_t>> merges;  // for bpe, most urgent first

  std::vector<AddedToken> added;
  Matching matching = Matching::leftmost_longest;
  std::vector<NormalizeStep> normalizer;
  std::vector<PreTokenStep> pre_tokenizer;
  std::string pre_name;  // `tokenizer.ggml.pre` as the file has it; empty in other files
  std::vector<DecodeStep> decoder;

  // Of the model.
  std::optional<std::int32_t> unk;
  bool marks_unknown = true;      // a character without a token is unk; else it vanishes
  bool byte_fallback = false;     // <0x00> .. <0xFF> before unk
  bool fuse_unk = false;          // neighbouring unks become one
  bool ignore_merges = false;     // a piece that is a token stays whole
  bool first_merge_wins = false;  // of a pair that stands twice; else the last one
  bool raw_bytes = false;         // ill-formed UTF-8 is kept; else it becomes U+FFFD first
  bool newline_runs = false;      // runs of newlines that are a token stay whole (gemma4)
  bool phantom_space =
      false;  // word_piece: U+2581 begins a word (GGUF), else a prefix continues it
  std::string continuing_prefix, end_suffix;  // bpe, word_piece
  std::int64_t longest_word = 0;  // word_piece: longer ones (characters) are unk; 0: none
  bool all_pieces_match = false;  // unigram: control pieces too are found in the text
  bool single_precision = false;  // unigram: sums of scores are floats

  std::vector<std::int32_t> prefix, suffix;  // put around a text when add_special

  std::optional<std::int32_t> bos, eos, pad, sep, cls, mask;
  std::vector<std::int32_t> ends;  // eos included; generation stops here
  std::vector<std::int32_t> said_ends;  // those of them that the file itself names beside eos
  std::string chat_template;
  std::vector<std::pair<std::string, std::string>> named_templates;  // beside the default one
};

// Keys of ours for GGUF: the text is brought to NFC first; longer words are unknown (WordPiece).
inline constexpr const char* kNfcKey = "tokenizer.ggml.normalizer.nfc";
inline constexpr const char* kLongestWordKey = "tokenizer.ggml.max_input_chars_per_word";

// The id of a piece of the model itself, -1 when there is none.
inline std::int32_t model_piece(const TokenizerSpec& spec, std::string_view piece) {
  const std::int32_t id = spec.vocabulary.find(piece);
  return std::binary_search(spec.outside.begin(), spec.outside.end(), id) ? -1 : id;
}

// True when the pieces of the model spell bytes as GPT-2 does ("Ġ" for a space).
bool is_byte_level(const TokenizerSpec& spec);

}  // namespace bantam::tokenizer
