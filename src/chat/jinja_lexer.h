// Cuts the source of a template into tokens, with Jinja2's rules for white space: trim_blocks and
// lstrip_blocks are on, as the makers' code sets them (pallets/jinja, src/jinja2/lexer.py; the
// environment of Hugging Face Transformers, utils/chat_template_utils.py).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/rooms.h"

namespace bantam::chat::jinja {

enum class TokenType : std::uint8_t {
  data,  // text outside the tags
  variable_begin,
  variable_end,
  block_begin,
  block_end,
  name,
  string,  // unescaped
  integer,
  real,
  op,  // the text says which
  end,
};

struct Token {
  TokenType type = TokenType::end;
  std::uint64_t line = 0;
  std::string text;
  std::int64_t integer = 0;
  double real = 0;
};

// Throws Error with the line. The last token is `end`.
std::vector<Token> tokenize(std::string_view source);

}  // namespace bantam::chat::jinja
