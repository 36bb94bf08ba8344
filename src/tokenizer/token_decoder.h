// From tokens back to text, one token at a time: the decoders of tokenizer.json
// (huggingface/tokenizers, tokenizers/src/decoders).
//
// One rule differs: bytes that are no UTF-8 become one U+FFFD for each maximal subpart wherever
// they come from, so that a text can be shown while it grows. (ByteFallback looks at a whole run of
// byte tokens, and gives one U+FFFD for each of its bytes if any is wrong.)
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/rooms.h"
#include "tokenizer/tokenizer_spec.h"

namespace bantam::tokenizer {

// Takes bytes, gives whole characters.
class Utf8Stream {
 public:
  // Appends to `out` what of the bytes so far is certain.
  void feed(std::string_view bytes, std::string& out);
  // A character that is cut becomes U+FFFD.
  void finish(std::string& out);

 private:
  std::string pending_;
};

class DecodeOp {
 public:
  // What an operation remembers between tokens.
  struct Memory {
    bool begun = false;
    std::int64_t count = 0;
    std::string held;
  };
  virtual ~DecodeOp() = default;
  // Changes the token; false: nothing comes of it now.
  virtual bool apply(std::string& token, Memory& memory) const = 0;
  // At the end: puts what was held back into `token`; false: nothing was.
  virtual bool finish(std::string&, Memory&) const { return false; }
};

class TokenDecoder {
 public:
  // Throws Error that names a step that is not known, or that cannot stand where it does.
  explicit TokenDecoder(const std::vector<DecodeStep>& steps);

  class State {
   public:
    explicit State(const TokenDecoder& decoder) : memory_(decoder.ops_.size()) {}

   private:
    friend class TokenDecoder;
    std::vector<DecodeOp::Memory> memory_;
    bool begun_ = false;
  };

  // Appends the bytes that come of a token. `raw`: an added token, whose text is not spelled as the
  // model's pieces are.
  void feed(std::string_view piece, bool raw, State& state, std::string& out) const;
  void finish(State& state, std::string& out) const;
  // What the token adds in the middle of a text.
  std::string alone(std::string_view piece, bool raw) const;

 private:
  void run(std::string token, std::size_t from, State& state, std::string& out) const;

  std::vector<std::unique_ptr<DecodeOp>> ops_;
  bool byte_level_ = false;
  bool spaced_ = false;  // no decoder: tokens are joined by spaces
};

}  // namespace bantam::tokenizer
