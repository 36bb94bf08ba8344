// Statements of a template; see jinja_parser.h.
#include "chat/jinja_parser.h"

#include <algorithm>

#include "base/error.h"
#include "chat/jinja_parser_impl.h"
#include "chat/jinja_scope.h"

namespace bantam::chat::jinja {

namespace {

constexpr int kMaxNestedTags = 100;

std::string describe(const Token& token) {
  switch (token.type) {
    case TokenType::data:
      return "text";
    case TokenType::variable_begin:
      return "'{{'";
    case TokenType::variable_end:
      return "'}}'";
    case TokenType::block_begin:
      return "'{%'";
    case TokenType::block_end:
      return "'%}'";
    case TokenType::end:
      return "the end of the template";
    default:
      return "'" + printable(token.text) + "'";
  }
}

std::string joined(std::initializer_list<std::string_view> names) {
  std::string out;
  for (const std::string_view name : names)
    out += (out.empty() ? "'" : " or '") + std::string(name) + "'";
  return out;
}

}  // namespace

Parser::Nested::Nested(Parser& parser, int limit) : parser_(parser) {
  if (parser_.nesting_ >= limit) parser_.fail("the template is nested too deep");
  ++parser_.nesting_;
}

const Token& Parser::take() {
  const Token& token = tokens_[at_];
  if (at_ + 1 < tokens_.size()) ++at_;
  return token;
}

bool Parser::skip_op(std::string_view op) {
  const bool found = is_op(op);
  if (found) take();
  return found;
}

bool Parser::skip_name(std::string_view name) {
  const bool found = is_name(name);
  if (found) take();
  return found;
}

void Parser::expect_op(std::string_view op) {
  if (!skip_op(op)) unexpected("'" + std::string(op) + "'");
}

std::string Parser::expect_identifier() {
  if (now().type != TokenType::name) unexpected("a name");
  return take().text;
}

void Parser::expect(TokenType type) {
  Token wanted;
  wanted.type = type;
  if (now().type != type) unexpected(describe(wanted));
  take();
}

void Parser::fail(const std::string& message) const { fail_at(now().line, message); }
void Parser::fail_at(std::uint64_t line, const std::string& message) const {
  throw Error(message).line(line);
}
void Parser::unexpected(const std::string& wanted) const {
  fail(wanted + " was expected, not " + describe(now()));
}

Body Parser::parse_template() { return body({}); }

Body Parser::body(Ends ends) {
  const Nested nested(*this, kMaxNestedTags);
  Body out;
  std::unique_ptr<Stmt> output;  // adjacent {{ }} share one statement
  const auto flush = [&] {
    if (output) out.push_back(std::move(output));
  };
  for (;;) {
    switch (now().type) {
      case TokenType::data: {
        flush();
        auto data = begin(StmtKind::data);
        data->text = take().text;
        out.push_back(std::move(data));
        break;
      }
      case TokenType::variable_begin:
        take();
        if (!output) output = begin(StmtKind::output);
        output->exprs.push_back(tuple());
        expect(TokenType::variable_end);
        break;
      case TokenType::block_begin:
        flush();
        take();
        if (now().type == TokenType::name &&
            std::find(ends.begin(), ends.end(), now().text) != ends.end())
          return out;
        out.push_back(statement());
        expect(TokenType::block_end);
        break;
      default:
        if (now().type != TokenType::end) unexpected("a tag");
        if (!open_tags_.empty())
          fail("the template ends, but " + joined(ends) + " was expected for the tag '" +
               open_tags_.back().first + "' of line " + std::to_string(open_tags_.back().second));
        flush();
        return out;
    }
  }
}

Body Parser::branch(Ends ends) {
  skip_op(":");  // Python's colon is allowed
  expect(TokenType::block_end);
  return body(ends);
}

Body Parser::tag_body(std::string_view tag, std::string_view end) {
  (void)tag;
  Body out = branch({end});
  take();
  return out;
}

std::unique_ptr<Stmt> Parser::begin(StmtKind kind) {
  auto stmt = std::make_unique<Stmt>();
  stmt->kind = kind;
  stmt->line = now().line;
  return stmt;
}

std::unique_ptr<Stmt> Parser::statement() {
  using Method = std::unique_ptr<Stmt> (Parser::*)();
  static constexpr std::pair<std::string_view, Method> kTags[] = {
      {"for", &Parser::parse_for},         {"if", &Parser::parse_if},
      {"set", &Parser::parse_set},         {"macro", &Parser::parse_macro},
      {"call", &Parser::parse_call_block}, {"filter", &Parser::parse_filter_block},
      {"with", &Parser::parse_with},       {"block", &Parser::parse_block},
      {"print", &Parser::parse_print},     {"generation", &Parser::parse_generation},
  };
  if (now().type != TokenType::name) unexpected("the name of a tag");
  const std::string name = now().text;
  if (name == "break") return parse_loop_control(StmtKind::break_loop);
  if (name == "continue") return parse_loop_control(StmtKind::continue_loop);
  for (const auto& [tag, method] : kTags) {
    if (tag != name) continue;
    open_tags_.emplace_back(name, now().line);
    auto stmt = (this->*method)();
    open_tags_.pop_back();
    return stmt;
  }
  for (const std::string_view tag : {"include", "import", "from", "extends", "autoescape"})
    if (tag == name) fail("the tag '" + name + "' is not supported in a chat template");
  std::string message = "unknown tag '" + printable(name) + "'";
  if (!open_tags_.empty())
    message += "; the innermost open tag is '" + open_tags_.back().first + "' of line " +
               std::to_string(open_tags_.back().second);
  fail(message);
}

std::unique_ptr<Stmt> Parser::parse_for() {
  auto stmt = begin(StmtKind::loop);
  take();
  stmt->target = assign_target(false, "in");
  if (!skip_name("in")) unexpected("'in'");
  stmt->value = tuple(kNoConditional, "recursive");
  if (skip_name("if")) stmt->test = expression();
  stmt->recursive = skip_name("recursive");
  ++loops_;
  stmt->body = branch({"endfor", "else"});
  --loops_;
  if (take().text == "else") stmt->otherwise = tag_body("for", "endfor");
  return stmt;
}

std::unique_ptr<Stmt> Parser::parse_if() {
  auto stmt = begin(StmtKind::conditional);
  std::string tag;
  do {
    take();
    Branch next;
    if (tag != "else") next.test = tuple(kNoConditional);
    if (tag == "else")
      next.body = branch({"endif"});
    else
      next.body = branch({"elif", "else", "endif"});
    stmt->branches.push_back(std::move(next));
    tag = now().text;
  } while (tag != "endif");
  take();
  return stmt;
}

std::unique_ptr<Stmt> Parser::parse_set() {
  auto stmt = begin(StmtKind::set);
  take();
  stmt->target = assign_target(true);
  if (skip_op("=")) {
    stmt->value = tuple();
    return stmt;
  }
  stmt->kind = StmtKind::set_block;
  if (is_op("|")) stmt->value = filter(nullptr);
  stmt->body = tag_body("set", "endset");
  return stmt;
}

void Parser::parse_signature(Function& function) {
  expect_op("(");
  while (!is_op(")")) {
    if (!function.parameters.empty()) expect_op(",");
    Parameter parameter;
    parameter.name = expect_identifier();
    if (skip_op("="))
      parameter.fallback = expression();
    else if (!function.parameters.empty() && function.parameters.back().fallback)
      fail("the parameter '" + parameter.name + "' needs a default, as the one before it has one");
    function.parameters.push_back(std::move(parameter));
  }
  take();
}

std::unique_ptr<Stmt> Parser::parse_macro() {
  auto stmt = begin(StmtKind::macro);
  take();
  stmt->function = std::make_unique<Function>();
  stmt->function->name = expect_identifier();
  parse_signature(*stmt->function);
  const int loops = std::exchange(loops_, 0);
  stmt->function->body = tag_body("macro", "endmacro");
  loops_ = loops;
  return stmt;
}

std::unique_ptr<Stmt> Parser::parse_call_block() {
  auto stmt = begin(StmtKind::call_block);
  take();
  stmt->function = std::make_unique<Function>();
  if (is_op("(")) parse_signature(*stmt->function);
  stmt->value = expression();
  if (stmt->value->kind != ExprKind::call) fail_at(stmt->line, "a call was expected");
  const int loops = std::exchange(loops_, 0);
  stmt->function->body = tag_body("call", "endcall");
  loops_ = loops;
  return stmt;
}

std::unique_ptr<Stmt> Parser::parse_filter_block() {
  auto stmt = begin(StmtKind::filter_block);
  take();
  stmt->value = filter(nullptr);
  stmt->body = tag_body("filter", "endfilter");
  return stmt;
}

std::unique_ptr<Stmt> Parser::parse_with() {
  auto stmt = begin(StmtKind::with);
  take();
  while (now().type != TokenType::block_end) {
    if (!stmt->targets.empty()) expect_op(",");
    stmt->targets.push_back(assign_target(false));
    expect_op("=");
    stmt->exprs.push_back(expression());
  }
  stmt->body = tag_body("with", "endwith");
  return stmt;
}

std::unique_ptr<Stmt> Parser::parse_block() {
  auto stmt = begin(StmtKind::block);
  take();
  stmt->text = expect_identifier();
  skip_name("scoped");
  skip_name("required");
  stmt->function = std::make_unique<Function>();
  const int loops = std::exchange(loops_, 0);
  stmt->function->body = tag_body("block", "endblock");
  loops_ = loops;
  skip_name(stmt->text);
  return stmt;
}

std::unique_ptr<Stmt> Parser::parse_print() {
  auto stmt = begin(StmtKind::output);
  take();
  while (now().type != TokenType::block_end) {
    if (!stmt->exprs.empty()) expect_op(",");
    stmt->exprs.push_back(expression());
  }
  return stmt;
}

std::unique_ptr<Stmt> Parser::parse_generation() {
  auto stmt = begin(StmtKind::generation);
  take();
  stmt->function = std::make_unique<Function>();
  const int loops = std::exchange(loops_, 0);
  stmt->function->body = tag_body("generation", "endgeneration");
  loops_ = loops;
  return stmt;
}

std::unique_ptr<Stmt> Parser::parse_loop_control(StmtKind kind) {
  auto stmt = begin(kind);
  if (loops_ == 0) fail("'" + now().text + "' stands outside a loop");
  take();
  return stmt;
}

ExprPtr Parser::assign_target(bool with_namespace, std::string_view end_name) {
  ExprPtr target = tuple(kTargets | (with_namespace ? kNamespaces : kPlain), end_name);
  require_assignable(*target);
  return target;
}

void Parser::require_assignable(const Expr& target) const {
  if (target.kind == ExprKind::tuple) {
    for (const ExprPtr& kid : target.kids) require_assignable(*kid);
  } else if (target.kind != ExprKind::name && target.kind != ExprKind::namespace_attribute) {
    fail_at(target.line, "a variable was expected to assign to");
  }
}

std::unique_ptr<Template> parse(std::string_view source) {
  auto out = std::make_unique<Template>();
  out->main.body = Parser(tokenize(source)).parse_template();
  resolve_names(*out);
  return out;
}

}  // namespace bantam::chat::jinja
