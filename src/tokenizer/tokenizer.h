// Tokenizers at run time: text to ids and back, exactly as the model's makers do it, from a GGUF
// file, a tokenizer.json, a SentencePiece tokenizer.model or a Hugging Face folder. A tokenizer is
// compiled from a TokenizerSpec (tokenizer_spec.h), which every reader makes and every writer
// takes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"

namespace bantam::files {
class GgufFile;
class GgufWriter;
}  // namespace bantam::files

namespace bantam::tokenizer {

struct TokenizerSpec;

struct EncodeOptions {
  bool add_special = true;    // the model's own beginning and end tokens (whatever the file says)
  bool parse_special = true;  // control tokens written in the text become tokens
};

// A stretch of a text and the ids that it became.
struct EncodedPart {
  std::size_t begin, end;  // bytes of the text
  std::size_t first;       // of its ids; the last one is before the next part's first
  bool token;              // a token that was found in the text as it is spelled
};

// Immutable; every member may be called by several threads at once.
class Tokenizer {
 public:
  // Compiles the description. Throws Error that names the part which is not known or does not fit.
  explicit Tokenizer(TokenizerSpec spec);
  ~Tokenizer();
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  // Any bytes may be given. Throws Error only where a regular expression of the file takes more
  // steps than allowed.
  std::vector<std::int32_t> encode(std::string_view text, EncodeOptions options = {}) const;
  // Appends to `out`.
  void encode(std::string_view text, EncodeOptions options, std::vector<std::int32_t>& out) const;

  // The ids of a text that holds quotations: a control token is taken only where none of its bytes
  // is quoted (`quoted` rises). Without special tokens at the ends; `parts` is set to what the text
  // was cut into before anything else was done to it.
  std::vector<std::int32_t> encode_quoting(std::string_view text,
                                           std::span<const std::size_t> quoted,
                                           std::vector<EncodedPart>& parts) const;

  // Valid UTF-8 always: bytes that are not become U+FFFD, one for each maximal subpart.
  // `skip_special` leaves control tokens out. Throws Error for an id outside the vocabulary.
  std::string decode(std::span<const std::int32_t> ids, bool skip_special = true) const;

  std::int64_t size() const;  // ids are 0 .. size() - 1
  // The token as the file spells it ("Ġthe", "▁the", "<0x0A>"); a hole in the numbering is empty.
  // An id outside the vocabulary throws Error, here and below.
  std::string_view piece(std::int32_t id) const;
  // The raw bytes that the token adds to a text in its middle (" the", "\n"); none for control
  // tokens.
  std::string token_bytes(std::int32_t id) const;
  bool special(std::int32_t id) const;  // a control token: left out of decoded text
  std::optional<std::int32_t> find(std::string_view piece) const;

  std::optional<std::int32_t> bos() const;
  std::optional<std::int32_t> eos() const;
  std::optional<std::int32_t> unk() const;
  std::optional<std::int32_t> pad() const;
  // What encode puts before and after a text when add_special.
  std::span<const std::int32_t> prefix() const;
  std::span<const std::int32_t> suffix() const;
  // Generation stops at this token: eos, end of turn, and the well-known names of such (as
  // llama.cpp, src/llama-vocab.cpp, collects them).
  bool ends(std::int32_t id) const;
  std::span<const std::int32_t> end_ids() const;  // rising

  const std::string& chat_template() const;  // Jinja; empty: the file has none
  std::string_view kind() const;             // "bpe", "sentencepiece-bpe", "unigram", "wordpiece"
  std::string_view pre_tokenizer() const;    // its name in GGUF ("qwen2"); empty: none, or no name

  const TokenizerSpec& spec() const;

 private:
  friend class StreamDecoder;
  struct Parts;
  std::unique_ptr<const Parts> parts_;
};

// A GGUF (vocabulary-only ones too), a tokenizer.json, a SentencePiece tokenizer.model, or a folder
// that holds tokenizer.json or tokenizer.model (then tokenizer_config.json, generation_config.json,
// special_tokens_map.json and chat_template.jinja beside it are heeded). Throws Error with file and
// field.
std::shared_ptr<const Tokenizer> open_tokenizer(const Path& path);
std::shared_ptr<const Tokenizer> open_tokenizer(const GgufFile& file);

// A byte-level BPE that was just trained.
struct TrainedTokenizer {
  std::vector<std::string> tokens;  // by id: raw bytes; of special tokens their text
  std::vector<std::pair<std::int32_t, std::int32_t>> merges;  // ids, the first merge first
  std::vector<std::int32_t> special;                          // ids of the control tokens
  std::string pre_tokenizer;                                  // GGUF name: "qwen2", "gpt-2", ...
  std::string chat_template;                                  // may be empty
  std::optional<std::int32_t> bos, eos, pad, unk;
  bool add_bos = false;  // encode begins with bos
};
std::shared_ptr<const Tokenizer> make_tokenizer(TrainedTokenizer trained);

// The files tokenizer.json and tokenizer_config.json. They encode as `tokenizer` does, whichever
// world it came from. Throws Error that names what tokenizer.json cannot express.
std::string tokenizer_json(const Tokenizer& tokenizer);
std::string tokenizer_config_json(const Tokenizer& tokenizer);
// The `tokenizer.*` keys of GGUF, `vocabulary` tokens long when the embedding has more rows than
// there are tokens (0: as many as there are); added tokens past its last row are left out. Throws
// Error that names what GGUF cannot express and
// what would change ids; with `lost`, what can be left out is, and is told there.
void write_tokenizer(const Tokenizer& tokenizer, GgufWriter& writer, std::int64_t vocabulary = 0,
                     std::vector<std::string>* lost = nullptr);

}  // namespace bantam::tokenizer
