// Ids to text one at a time: whole characters only, the same text as decode() of all ids together.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/rooms.h"
#include "tokenizer/tokenizer.h"

namespace bantam::tokenizer {

class StreamDecoder {
 public:
  explicit StreamDecoder(std::shared_ptr<const Tokenizer> tokenizer, bool skip_special = true);
  ~StreamDecoder();
  StreamDecoder(StreamDecoder&&) noexcept;
  StreamDecoder& operator=(StreamDecoder&&) noexcept;

  // The text that is certain after this token; empty while a character is cut. Throws Error for an
  // id outside the vocabulary.
  std::string feed(std::int32_t id);
  // The rest (a cut character becomes U+FFFD); afterwards the decoder is as new.
  std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bantam::tokenizer
