// Expressions of a template; see jinja_parser.h.
#include <algorithm>

#include "base/error.h"
#include "chat/jinja_parser_impl.h"

namespace bantam::chat::jinja {

namespace {

// Nested brackets and signs; each takes a dozen calls of the descent.
constexpr int kMaxNestedExpressions = 200;
// Of the tree: a chain a + b + c + ... is as deep as it is long.
constexpr int kMaxTreeDepth = 400;

}  // namespace

ExprPtr Parser::make(ExprKind kind, std::uint64_t line, std::vector<ExprPtr> kids) const {
  auto node = std::make_unique<Expr>();
  node->kind = kind;
  node->line = line;
  node->kids = std::move(kids);
  deepen(*node);
  return node;
}

void Parser::deepen(Expr& node) const {
  const auto see = [&](const ExprPtr& kid) {
    if (kid) node.depth = std::max(node.depth, kid->depth + 1);
  };
  for (const ExprPtr& kid : node.kids) see(kid);
  if (node.call) {
    for (const ExprPtr& kid : node.call->positional) see(kid);
    for (const auto& [name, kid] : node.call->named) see(kid);
    see(node.call->star);
    see(node.call->double_star);
  }
  if (node.depth > kMaxTreeDepth) fail_at(node.line, "the expression is too long");
}

ExprPtr Parser::binary(BinaryOp op, std::uint64_t line, ExprPtr left, ExprPtr right) const {
  auto node = make(ExprKind::binary, line, kids_of(std::move(left), std::move(right)));
  node->op = op;
  return node;
}

ExprPtr Parser::tuple(unsigned flags, std::string_view end_name) {
  const std::uint64_t line = now().line;
  std::vector<ExprPtr> items;
  bool is_tuple = false;
  for (;;) {
    if (!items.empty()) expect_op(",");
    if (now().type == TokenType::variable_end || now().type == TokenType::block_end || is_op(")") ||
        (!end_name.empty() && is_name(end_name)))
      break;
    if (flags & kTargets)
      items.push_back(primary(flags & kNamespaces));
    else
      items.push_back(flags & kNoConditional ? disjunction() : expression());
    if (!is_op(",")) break;
    is_tuple = true;
  }
  if (!is_tuple) {
    if (!items.empty()) return std::move(items[0]);
    if (!(flags & kParenthesised)) unexpected("an expression");
  }
  return make(ExprKind::tuple, line, std::move(items));
}

ExprPtr Parser::expression() {
  const Nested nested(*this, kMaxNestedExpressions);
  return conditional();
}

ExprPtr Parser::conditional() {
  const std::uint64_t line = now().line;
  ExprPtr node = disjunction();
  while (skip_name("if")) {
    ExprPtr test = disjunction();
    ExprPtr otherwise;
    if (skip_name("else")) otherwise = expression();
    node = make(ExprKind::conditional, line,
                kids_of(std::move(test), std::move(node), std::move(otherwise)));
  }
  return node;
}

ExprPtr Parser::disjunction() {
  ExprPtr node = conjunction();
  while (is_name("or")) {
    const std::uint64_t line = take().line;
    node = make(ExprKind::logical_or, line, kids_of(std::move(node), conjunction()));
  }
  return node;
}

ExprPtr Parser::conjunction() {
  ExprPtr node = negation();
  while (is_name("and")) {
    const std::uint64_t line = take().line;
    node = make(ExprKind::logical_and, line, kids_of(std::move(node), negation()));
  }
  return node;
}

ExprPtr Parser::negation() {
  if (!is_name("not")) return comparison();
  const Nested nested(*this, kMaxNestedExpressions);
  const std::uint64_t line = take().line;
  return make(ExprKind::logical_not, line, kids_of(negation()));
}

ExprPtr Parser::comparison() {
  static constexpr std::pair<std::string_view, CompareOp> kOps[] = {
      {"==", CompareOp::equal},      {"!=", CompareOp::unequal}, {"<", CompareOp::less},
      {"<=", CompareOp::less_equal}, {">", CompareOp::greater},  {">=", CompareOp::greater_equal}};
  const std::uint64_t line = now().line;
  std::vector<ExprPtr> kids = kids_of(sum());
  std::vector<CompareOp> ops;
  for (;;) {
    const auto* found = std::find_if(std::begin(kOps), std::end(kOps),
                                     [&](const auto& row) { return is_op(row.first); });
    if (found != std::end(kOps)) {
      ops.push_back(found->second);
      take();
    } else if (skip_name("in")) {
      ops.push_back(CompareOp::in);
    } else if (is_name("not") && ahead().type == TokenType::name && ahead().text == "in") {
      take();
      take();
      ops.push_back(CompareOp::not_in);
    } else {
      break;
    }
    kids.push_back(sum());
  }
  if (ops.empty()) return std::move(kids[0]);
  ExprPtr node = make(ExprKind::compare, line, std::move(kids));
  node->ops = std::move(ops);
  return node;
}

ExprPtr Parser::sum() {
  ExprPtr node = concatenation();
  while (is_op("+") || is_op("-")) {
    const BinaryOp op = is_op("+") ? BinaryOp::add : BinaryOp::subtract;
    const std::uint64_t line = take().line;
    node = binary(op, line, std::move(node), concatenation());
  }
  return node;
}

ExprPtr Parser::concatenation() {
  const std::uint64_t line = now().line;
  std::vector<ExprPtr> kids = kids_of(product());
  while (skip_op("~")) kids.push_back(product());
  if (kids.size() == 1) return std::move(kids[0]);
  return make(ExprKind::concat, line, std::move(kids));
}

ExprPtr Parser::product() {
  static constexpr std::pair<std::string_view, BinaryOp> kOps[] = {{"*", BinaryOp::multiply},
                                                                   {"/", BinaryOp::divide},
                                                                   {"//", BinaryOp::floor_divide},
                                                                   {"%", BinaryOp::modulo}};
  ExprPtr node = power();
  for (;;) {
    const auto* found = std::find_if(std::begin(kOps), std::end(kOps),
                                     [&](const auto& row) { return is_op(row.first); });
    if (found == std::end(kOps)) return node;
    const std::uint64_t line = take().line;
    node = binary(found->second, line, std::move(node), power());
  }
}

ExprPtr Parser::power() {
  ExprPtr node = unary(true);
  while (is_op("**")) {  // from left to right, unlike Python
    const std::uint64_t line = take().line;
    node = binary(BinaryOp::power, line, std::move(node), unary(true));
  }
  return node;
}

ExprPtr Parser::unary(bool with_filters) {
  ExprPtr node;
  if (is_op("-") || is_op("+")) {
    const Nested nested(*this, kMaxNestedExpressions);
    const ExprKind kind = is_op("-") ? ExprKind::negative : ExprKind::positive;
    const std::uint64_t line = take().line;
    node = make(kind, line, kids_of(unary(false)));
  } else {
    node = primary();
  }
  node = postfix(std::move(node));
  return with_filters ? filters_and_tests(std::move(node)) : std::move(node);
}

ExprPtr Parser::primary(bool with_namespace) {
  const Token& token = now();
  if (is_op("[")) return list_literal();
  if (is_op("{")) return dict_literal();
  if (is_op("(")) {
    const Nested nested(*this, kMaxNestedExpressions);
    take();
    ExprPtr node = tuple(kParenthesised);
    expect_op(")");
    return node;
  }
  ExprPtr node = make(ExprKind::constant, token.line);
  switch (token.type) {
    case TokenType::name:
      take();
      if (token.text == "true" || token.text == "True") {
        node->value = Value::boolean(true);
      } else if (token.text == "false" || token.text == "False") {
        node->value = Value::boolean(false);
      } else if (token.text == "none" || token.text == "None") {
        node->value = Value::none();
      } else {
        node->kind = ExprKind::name;
        node->name = token.text;
        if (with_namespace && skip_op(".")) {
          node->kind = ExprKind::namespace_attribute;
          node->attribute = expect_identifier();
        }
      }
      return node;
    case TokenType::string: {
      std::string text;
      while (now().type == TokenType::string) text += take().text;
      node->value = Value::string(std::move(text), nullptr);
      return node;
    }
    case TokenType::integer:
      node->value = Value::integer(take().integer);
      return node;
    case TokenType::real:
      node->value = Value::real(take().real);
      return node;
    default:
      unexpected("an expression");
  }
}

ExprPtr Parser::list_literal() {
  const std::uint64_t line = take().line;
  std::vector<ExprPtr> items;
  while (!is_op("]")) {
    if (!items.empty()) expect_op(",");
    if (is_op("]")) break;
    items.push_back(expression());
  }
  expect_op("]");
  return make(ExprKind::list, line, std::move(items));
}

ExprPtr Parser::dict_literal() {
  const std::uint64_t line = take().line;
  std::vector<ExprPtr> items;
  while (!is_op("}")) {
    if (!items.empty()) expect_op(",");
    if (is_op("}")) break;
    items.push_back(expression());
    expect_op(":");
    items.push_back(expression());
  }
  expect_op("}");
  return make(ExprKind::dict, line, std::move(items));
}

}  // namespace bantam::chat::jinja
