// Builds the tree of a template, after the grammar of Jinja2 (pallets/jinja, src/jinja2/parser.py)
// with the extensions that chat templates use: break and continue, and {% generation %}.
#pragma once

#include <memory>
#include <string_view>

#include "base/rooms.h"
#include "chat/jinja_ast.h"

namespace bantam::chat::jinja {

// Throws Error with the line: what the syntax expects, an unknown tag, an unknown filter or test.
std::unique_ptr<Template> parse(std::string_view source);

}  // namespace bantam::chat::jinja
