// What can follow an expression: attributes, subscripts, calls, filters and tests.
#include <utility>

#include "chat/jinja_builtins.h"
#include "chat/jinja_parser_impl.h"

namespace bantam::chat::jinja {

ExprPtr Parser::postfix(ExprPtr node) {
  for (;;) {
    if (is_op(".") || is_op("["))
      node = subscript(std::move(node));
    else if (is_op("("))
      node = call(std::move(node));
    else
      return node;
  }
}

ExprPtr Parser::filters_and_tests(ExprPtr node) {
  for (;;) {
    if (is_op("|"))
      node = filter(std::move(node));
    else if (is_name("is"))
      node = test(std::move(node));
    else if (is_op("("))
      node = call(std::move(node));
    else
      return node;
  }
}

ExprPtr Parser::subscript(ExprPtr node) {
  const std::uint64_t line = now().line;
  if (skip_op(".")) {
    if (now().type == TokenType::name) {
      node = make(ExprKind::attribute, line, kids_of(std::move(node)));
      node->name = take().text;
      return node;
    }
    if (now().type != TokenType::integer) unexpected("a name or a number");
    ExprPtr index = make(ExprKind::constant, line);
    index->value = Value::integer(take().integer);
    return make(ExprKind::item, line, kids_of(std::move(node), std::move(index)));
  }
  take();
  std::vector<ExprPtr> parts, slice;
  while (!is_op("]")) {
    if (!parts.empty()) expect_op(",");
    parts.push_back(subscript_part(line, slice));
  }
  take();
  if (!slice.empty()) {
    if (parts.size() != 1) fail_at(line, "a slice cannot stand beside other subscripts");
    slice.insert(slice.begin(), std::move(node));
    return make(ExprKind::slice, line, std::move(slice));
  }
  ExprPtr index =
      parts.size() == 1 ? std::move(parts[0]) : make(ExprKind::tuple, line, std::move(parts));
  return make(ExprKind::item, line, kids_of(std::move(node), std::move(index)));
}

// One part of a subscript; of a slice it gives null and puts start, stop and step into `slice`.
ExprPtr Parser::subscript_part(std::uint64_t line, std::vector<ExprPtr>& slice) {
  ExprPtr start;
  if (!is_op(":")) {
    start = expression();
    if (!is_op(":")) return start;
  }
  if (!slice.empty()) fail_at(line, "a slice cannot stand beside other subscripts");
  const auto part = [&]() -> ExprPtr {
    if (is_op(":") || is_op("]") || is_op(",")) return nullptr;
    return expression();
  };
  take();
  slice.push_back(std::move(start));
  slice.push_back(part());
  slice.push_back(skip_op(":") ? part() : nullptr);
  return nullptr;
}

ExprPtr Parser::call(ExprPtr node) {
  const std::uint64_t line = now().line;
  node = make(ExprKind::call, line, kids_of(std::move(node)));
  node->call = call_arguments();
  deepen(*node);
  return node;
}

std::unique_ptr<CallSyntax> Parser::call_arguments() {
  const std::uint64_t line = take().line;
  auto out = std::make_unique<CallSyntax>();
  const auto require = [&](bool allowed) {
    if (!allowed) fail_at(line, "the arguments of the call are in the wrong order");
  };
  for (bool first = true; !is_op(")"); first = false) {
    if (!first) {
      expect_op(",");
      if (is_op(")")) break;
    }
    if (skip_op("*")) {
      require(!out->star && !out->double_star);
      out->star = expression();
    } else if (skip_op("**")) {
      require(!out->double_star);
      out->double_star = expression();
    } else if (now().type == TokenType::name && ahead().type == TokenType::op &&
               ahead().text == "=") {
      require(!out->double_star);
      std::string name = take().text;
      take();
      for (const auto& [other, value] : out->named)
        if (other == name) fail_at(line, "the argument '" + name + "' is given twice");
      out->named.emplace_back(std::move(name), expression());
    } else {
      require(!out->star && !out->double_star && out->named.empty());
      out->positional.push_back(expression());
    }
  }
  take();
  return out;
}

std::string Parser::dotted_name() {
  std::string name = expect_identifier();
  while (skip_op(".")) name += "." + expect_identifier();
  return name;
}

// From the bar on; of a filter block, where `node` is null, from the name on if there is no bar.
ExprPtr Parser::filter(ExprPtr node) {
  bool inline_start = !node && !is_op("|");
  while (inline_start || is_op("|")) {
    if (!inline_start) take();
    inline_start = false;
    const std::uint64_t line = now().line;
    node = make(ExprKind::filter, line, kids_of(std::move(node)));
    node->name = dotted_name();
    node->builtin = find_filter(node->name);
    if (is_op("(")) node->call = call_arguments();
    deepen(*node);
  }
  return node;
}

ExprPtr Parser::test(ExprPtr node) {
  const std::uint64_t line = take().line;
  const bool negated = skip_name("not");
  node = make(ExprKind::test, line, kids_of(std::move(node)));
  node->name = dotted_name();
  node->builtin = find_test(node->name);
  const bool starts_argument = now().type == TokenType::name || now().type == TokenType::string ||
                               now().type == TokenType::integer || now().type == TokenType::real ||
                               is_op("[") || is_op("{");
  if (is_op("(")) {
    node->call = call_arguments();
  } else if (starts_argument && !is_name("else") && !is_name("or") && !is_name("and")) {
    if (is_name("is")) fail("tests cannot be chained with 'is'");
    node->call = std::make_unique<CallSyntax>();
    node->call->positional.push_back(postfix(primary()));
  }
  deepen(*node);
  if (negated) node = make(ExprKind::logical_not, line, kids_of(std::move(node)));
  return node;
}

}  // namespace bantam::chat::jinja
