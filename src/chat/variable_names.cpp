#include "chat/variable_names.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "chat/jinja_lexer.h"

namespace bantam::chat {

std::vector<std::string> variable_names(const ChatTemplate& chat_template) {
  constexpr std::string_view kWords[] = {
      "and",   "as",    "block",     "break", "call",   "continue", "elif",    "else",    "endcall",
      "false", "False", "endfilter", "endif", "endfor", "endmacro", "endset",  "filter",  "for",
      "if",    "in",    "is",        "loop",  "macro",  "none",     "None",    "not",     "or",
      "range", "set",   "true",      "True",  "with",   "endwith",  "namespace"};
  std::set<std::string> names;
  bool attribute = false;
  for (const jinja::Token& token : jinja::tokenize(chat_template.source())) {
    if (token.type == jinja::TokenType::name && !attribute &&
        std::ranges::find(kWords, token.text) == std::end(kWords))
      names.insert(token.text);
    attribute = token.type == jinja::TokenType::op && token.text == ".";
  }
  return {names.begin(), names.end()};
}

}  // namespace bantam::chat
