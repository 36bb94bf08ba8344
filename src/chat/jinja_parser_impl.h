// The parser's class, shared by its files: statements, expressions, and what follows expressions.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/rooms.h"
#include "chat/jinja_ast.h"
#include "chat/jinja_lexer.h"

namespace bantam::chat::jinja {

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}
  Body parse_template();

 private:
  // Counts nested statements or expressions as long as it lives.
  class Nested {
   public:
    Nested(Parser& parser, int limit);
    ~Nested() { --parser_.nesting_; }
    Nested(const Nested&) = delete;
    Nested& operator=(const Nested&) = delete;

   private:
    Parser& parser_;
  };

  const Token& now() const { return tokens_[at_]; }
  const Token& ahead() const { return tokens_[at_ + 1 < tokens_.size() ? at_ + 1 : at_]; }
  const Token& take();
  bool is_op(std::string_view op) const { return now().type == TokenType::op && now().text == op; }
  bool is_name(std::string_view name) const {
    return now().type == TokenType::name && now().text == name;
  }
  bool skip_op(std::string_view op);
  bool skip_name(std::string_view name);
  void expect_op(std::string_view op);
  std::string expect_identifier();
  void expect(TokenType type);
  [[noreturn]] void fail(const std::string& message) const;
  [[noreturn]] void fail_at(std::uint64_t line, const std::string& message) const;
  [[noreturn]] void unexpected(const std::string& wanted) const;

  // Statements (jinja_parser.cpp).
  using Ends = std::initializer_list<std::string_view>;
  // Up to the tag that is one of `ends`, whose name is then the current token.
  Body body(Ends ends);
  // The body of a tag and its end tag, both included.
  Body tag_body(std::string_view tag, std::string_view end);
  Body branch(Ends ends);
  std::unique_ptr<Stmt> statement();
  std::unique_ptr<Stmt> begin(StmtKind kind);
  std::unique_ptr<Stmt> parse_for();
  std::unique_ptr<Stmt> parse_if();
  std::unique_ptr<Stmt> parse_set();
  std::unique_ptr<Stmt> parse_macro();
  std::unique_ptr<Stmt> parse_call_block();
  std::unique_ptr<Stmt> parse_filter_block();
  std::unique_ptr<Stmt> parse_with();
  std::unique_ptr<Stmt> parse_block();
  std::unique_ptr<Stmt> parse_print();
  std::unique_ptr<Stmt> parse_generation();
  std::unique_ptr<Stmt> parse_loop_control(StmtKind kind);
  void parse_signature(Function& function);
  ExprPtr assign_target(bool with_namespace, std::string_view end_name = {});
  void require_assignable(const Expr& target) const;

  // Expressions (jinja_parser_expr.cpp), each level of precedence calling the next.
  enum TupleFlags : unsigned {
    kPlain = 0,
    kNoConditional = 1,
    kParenthesised = 2,
    kTargets = 4,
    kNamespaces = 8
  };
  ExprPtr tuple(unsigned flags = kPlain, std::string_view end_name = {});
  ExprPtr expression();
  ExprPtr conditional();
  ExprPtr disjunction();
  ExprPtr conjunction();
  ExprPtr negation();
  ExprPtr comparison();
  ExprPtr sum();
  ExprPtr concatenation();
  ExprPtr product();
  ExprPtr power();
  ExprPtr unary(bool with_filters);
  ExprPtr primary(bool with_namespace = false);
  ExprPtr list_literal();
  ExprPtr dict_literal();
  // And what follows them (jinja_parser_postfix.cpp).
  ExprPtr postfix(ExprPtr node);
  ExprPtr filters_and_tests(ExprPtr node);
  ExprPtr subscript(ExprPtr node);
  ExprPtr subscript_part(std::uint64_t line, std::vector<ExprPtr>& slice);
  ExprPtr call(ExprPtr node);
  std::unique_ptr<CallSyntax> call_arguments();
  ExprPtr filter(ExprPtr node);
  ExprPtr test(ExprPtr node);
  std::string dotted_name();
  ExprPtr make(ExprKind kind, std::uint64_t line, std::vector<ExprPtr> kids = {}) const;
  ExprPtr binary(BinaryOp op, std::uint64_t line, ExprPtr left, ExprPtr right) const;
  // Notes how deep the tree of a call's arguments makes the node.
  void deepen(Expr& node) const;

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int nesting_ = 0;
  int loops_ = 0;  // that break and continue can leave
  std::vector<std::pair<std::string, std::uint64_t>> open_tags_;
};

template <class... Kids>
std::vector<ExprPtr> kids_of(Kids... kids) {
  std::vector<ExprPtr> out;
  (out.push_back(std::move(kids)), ...);
  return out;
}

}  // namespace bantam::chat::jinja
