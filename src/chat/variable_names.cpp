#include "chat/variable_names.h"

#include <set>

#include "chat/jinja_lexer.h"

namespace bantam::chat {

std::vector<std::string> variable_names(const ChatTemplate& chat_template) {
  std::set<std::string> names;
  bool attribute = false;
  for (const jinja::Token& token : jinja::tokenize(chat_template.source())) {
    if (token.type == jinja::TokenType::name && !attribute) names.insert(token.text);
    attribute = token.type == jinja::TokenType::op && token.text == ".";
  }
  return {names.begin(), names.end()};
}

}  // namespace bantam::chat
