// GPT-2's spelling of bytes by printable characters (openai/gpt-2, src/encoder.py): those that are
// printable in Latin-1 stand for themselves, the others for U+0100 onwards in rising order.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/rooms.h"
#include "words/unicode.h"

namespace bantam::words {

class ByteAlphabet {
 public:
  static const ByteAlphabet& get() {
    static const ByteAlphabet alphabet;
    return alphabet;
  }
  // The character of a byte, as UTF-8.
  std::string_view spell(std::uint8_t byte) const { return spelled_[byte]; }
  // The byte of a character, -1 when it stands for none.
  int byte_of(char32_t value) const { return value < bytes_.size() ? bytes_[value] : -1; }

  std::string encode(std::string_view bytes) const {
    std::string out;
    out.reserve(bytes.size() * 2);
    for (const char c : bytes) out += spell(static_cast<std::uint8_t>(c));
    return out;
  }
  // nullopt when a character stands for no byte.
  std::optional<std::string> decode(std::string_view text) const {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
      const Rune rune = decode_rune(text, at);
      const int byte = byte_of(rune.value);
      if (byte < 0) return std::nullopt;
      out += static_cast<char>(byte);
      at += rune.size;
    }
    return out;
  }

 private:
  ByteAlphabet() {
    bytes_.fill(-1);
    char32_t next = 0x100;
    for (unsigned byte = 0; byte < 256; ++byte) {
      const bool itself = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
      const char32_t value = itself ? byte : next++;
      append_utf8(spelled_[byte], value);
      bytes_[value] = static_cast<std::int16_t>(byte);
    }
  }

  std::array<std::string, 256> spelled_;
  std::array<std::int16_t, 0x100 + 68> bytes_;
};

}  // namespace bantam::words
