// What a TokenizerSpec is compiled to.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/rooms.h"
#include "tokenizer/added_tokens.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/pre_token_pipeline.h"
#include "tokenizer/token_decoder.h"
#include "tokenizer/token_model.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/tokenizer_spec.h"

namespace bantam::tokenizer {

// Buffers and word caches that calls borrow and give back, so that a cache stays warm.
class ScratchPool {
 public:
  std::unique_ptr<EncodeScratch> take();
  void give(std::unique_ptr<EncodeScratch> scratch);

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<EncodeScratch>> free_;
};

struct Tokenizer::Parts {
  explicit Parts(TokenizerSpec description);

  void encode(std::string_view text, EncodeOptions options, std::vector<std::int32_t>& out) const;
  std::vector<std::int32_t> encode_quoting(std::string_view text,
                                           std::span<const std::size_t> quoted,
                                           std::vector<EncodedPart>& parts) const;
  // A stretch between tokens. `first`: the text begins with it; `fresh`: no text stands before it,
  // but control tokens may.
  void encode_text(std::string_view part, bool first, bool fresh, bool parse_special,
                   EncodeScratch& borrowed, std::vector<std::int32_t>& out) const;
  bool is_added(std::int32_t id) const { return flags[static_cast<std::size_t>(id)] & kAdded; }
  bool is_special(std::int32_t id) const { return flags[static_cast<std::size_t>(id)] & kSpecial; }
  void check(std::int32_t id) const;  // throws Error when it is outside the vocabulary

  static constexpr std::uint8_t kAdded = 1, kSpecial = 2, kEnds = 4;
  TokenizerSpec spec;
  std::vector<std::uint8_t> flags;  // by id
  Normalizer normalizer;
  AddedTokenFinder in_text, in_normalized;
  PreTokenPipeline pieces;
  std::unique_ptr<TokenModel> model;
  TokenDecoder decoder;
  mutable ScratchPool scratch;
};

}  // namespace bantam::tokenizer
