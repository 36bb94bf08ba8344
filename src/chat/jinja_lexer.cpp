// The tokens of a template; see jinja_lexer.h.
#include "chat/jinja_lexer.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "chat/jinja_text.h"
#include "words/unicode.h"

namespace bantam::chat::jinja {

namespace {

// Every line break as \n, and one at the very end dropped.
std::string normalized(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      out += source[i];
    } else {
      out += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    }
  }
  if (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(normalized(source)) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) root();
    add(TokenType::end, {});
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void fail(const std::string& message) const { throw Error(message).line(line_); }

  bool starts(std::string_view text) const {
    return std::string_view(source_).substr(at_, text.size()) == text;
  }
  std::string_view rest() const { return std::string_view(source_).substr(at_); }

  // Moves on, counting lines.
  void advance(std::size_t count) {
    line_ += static_cast<std::uint64_t>(std::count(source_.begin() + static_cast<long>(at_),
                                                   source_.begin() + static_cast<long>(at_ + count),
                                                   '\n'));
    at_ += count;
  }
  void advance_past_space() { advance(rest().size() - strip(rest(), true, false).size()); }

  void add(TokenType type, std::string text) {
    Token token;
    token.type = type;
    token.line = line_;
    token.text = std::move(text);
    tokens_.push_back(std::move(token));
  }

  // Text up to the next tag, which has `sign` behind its opening; the tag strips it.
  void add_data(std::string_view text, char sign, bool is_variable) {
    std::string_view kept = text;
    if (sign == '-') {
      kept = strip(text, false, true);
    } else if (sign != '+' && !is_variable) {
      const std::size_t newline = text.rfind('\n');
      const std::size_t start = newline == std::string_view::npos ? 0 : newline + 1;
      if ((start > 0 || line_starting_) && strip(text.substr(start), true, false).empty())
        kept = text.substr(0, start);
    }
    if (!kept.empty()) add(TokenType::data, std::string(kept));
  }

  char sign_at(std::size_t at) const {
    const char c = at < source_.size() ? source_[at] : ' ';
    return c == '-' || c == '+' ? c : ' ';
  }

  // One stretch of text and the tag behind it.
  void root() {
    std::size_t open = at_;
    for (;; ++open) {
      open = source_.find('{', open);
      if (open == std::string::npos) {
        add(TokenType::data, std::string(rest()));
        at_ = source_.size();
        return;
      }
      const char next = open + 1 < source_.size() ? source_[open + 1] : ' ';
      if (next == '%' || next == '{' || next == '#') break;
    }
    const char kind = source_[open + 1];
    const char sign = sign_at(open + 2);
    add_data(std::string_view(source_).substr(at_, open - at_), sign, kind == '{');
    advance(open + (sign == ' ' ? 2 : 3) - at_);
    line_starting_ = false;
    if (kind == '#')
      comment();
    else if (kind == '{')
      tag(TokenType::variable_begin, TokenType::variable_end);
    else if (const std::size_t length = raw_tag_length())
      raw(length);
    else
      tag(TokenType::block_begin, TokenType::block_end);
  }

  // After the closing of a tag: "-" takes all white space, otherwise trim_blocks one line break.
  void after_tag(char sign, bool trims) {
    const std::size_t before = at_;
    if (sign == '-')
      advance_past_space();
    else if (trims && sign != '+' && at_ < source_.size() && source_[at_] == '\n')
      advance(1);
    line_starting_ = at_ > before && source_[at_ - 1] == '\n';
  }

  void comment() {
    const std::size_t close = source_.find("#}", at_);
    if (close == std::string::npos) fail("the comment is not closed; '#}' was expected");
    const char sign = close > at_ ? sign_at(close - 1) : ' ';
    advance(close + 2 - at_);
    after_tag(sign, true);
  }

  // How long the rest of "{% raw %}" is, or 0 when it is another tag.
  std::size_t raw_tag_length() const {
    std::string_view text = strip(rest(), true, false);
    if (text.substr(0, 3) != "raw") return 0;
    text = strip(text.substr(3), true, false);
    if (text.substr(0, 2) == "%}") return rest().size() - text.size() + 2;
    if (text.substr(0, 3) == "-%}")
      return rest().size() - strip(text.substr(3), true, false).size();
    return 0;
  }

  void raw(std::size_t tag_length) {
    advance(tag_length);
    line_starting_ = source_[at_ - 1] == '\n';
    for (std::size_t open = at_;; ++open) {
      open = source_.find("{%", open);
      if (open == std::string::npos)
        fail("the raw block is not closed; '{% endraw %}' was expected");
      const char sign = sign_at(open + 2);
      const std::string_view all = source_;
      std::string_view text = strip(all.substr(open + 2 + (sign != ' ')), true, false);
      if (text.substr(0, 6) != "endraw") continue;
      text = strip(text.substr(6), true, false);
      const char end_sign = text.empty() ? ' ' : text[0];
      if (end_sign == '-' || end_sign == '+') text.remove_prefix(1);
      if (text.substr(0, 2) != "%}") continue;
      add_data(all.substr(at_, open - at_), sign, false);
      advance(all.size() - text.size() + 2 - at_);
      after_tag(end_sign, true);
      return;
    }
  }

  // What stands between {{ and }}, or {% and %}.
  void tag(TokenType begin, TokenType end) {
    const bool is_block = begin == TokenType::block_begin;
    const std::string_view closing = is_block ? "%}" : "}}";
    add(begin, {});
    std::string open_brackets;
    while (at_ < source_.size()) {
      if (open_brackets.empty()) {
        const char sign = sign_at(at_);
        const bool signed_end =
            (sign == '-' || (sign == '+' && is_block)) && source_.compare(at_ + 1, 2, closing) == 0;
        if (signed_end || starts(closing)) {
          add(end, {});
          advance(signed_end ? 3 : 2);
          after_tag(signed_end ? sign : ' ', is_block);
          return;
        }
      }
      const std::size_t before = at_;
      advance_past_space();
      if (at_ == before) token(open_brackets);
    }
  }

  void token(std::string& open_brackets) {
    const char c = source_[at_];
    if (is_digit_char(c)) return number();
    if (c == '\'' || c == '"') return string();
    const Rune rune = decode_rune(source_, at_);
    if (rune.value == '_' || is_alnum(rune.value)) return name();
    operation(open_brackets);
  }

  void name() {
    std::size_t end = at_;
    while (end < source_.size()) {
      const Rune rune = decode_rune(source_, end);
      const std::uint16_t kind = CharClasses::get()[rune.value];
      if (rune.value != '_' && !is_alnum(rune.value) && !(kind & char_class::mark)) break;
      end += rune.size;
    }
    add(TokenType::name, source_.substr(at_, end - at_));
    at_ = end;
  }

  void operation(std::string& open_brackets) {
    static constexpr std::string_view kOperators[] = {
        "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[",
        "]",  "(",  ")",  "{",  "}",  ">",  "<", "=", ".", ":", "|", ",", ";"};
    for (const std::string_view op : kOperators) {
      if (!starts(op)) continue;
      if (op == "(" || op == "[" || op == "{") {
        open_brackets += op == "(" ? ')' : op == "[" ? ']' : '}';
      } else if (op == ")" || op == "]" || op == "}") {
        if (open_brackets.empty()) fail("unexpected '" + std::string(op) + "'");
        if (open_brackets.back() != op[0])
          fail("unexpected '" + std::string(op) + "', expected '" + open_brackets.back() + "'");
        open_brackets.pop_back();
      }
      add(TokenType::op, std::string(op));
      at_ += op.size();
      return;
    }
    const Rune rune = decode_rune(source_, at_);
    fail("unexpected character '" + printable(rest().substr(0, rune.size)) + "'");
  }

  // Digits that may have single underscores between them; returns where they end.
  template <class IsDigit>
  std::size_t digits(std::size_t at, IsDigit is_digit) const {
    while (at < source_.size() &&
           (is_digit(source_[at]) ||
            (source_[at] == '_' && at + 1 < source_.size() && is_digit(source_[at + 1]))))
      ++at;
    return at;
  }

  // Where a number with a fraction or an exponent ends that starts here, or at_.
  std::size_t real_end() const {
    if (at_ > 0 && source_[at_ - 1] == '.') return at_;
    const std::size_t whole = digits(at_, is_digit_char);
    std::size_t end = whole;
    const auto char_at = [&](std::size_t i) { return i < source_.size() ? source_[i] : ' '; };
    if (char_at(whole) == '.' && is_digit_char(char_at(whole + 1)))
      end = digits(whole + 1, is_digit_char);
    if ((char_at(end) | 32) == 'e') {
      const std::size_t sign = char_at(end + 1) == '+' || char_at(end + 1) == '-' ? 1 : 0;
      if (is_digit_char(char_at(end + 1 + sign))) end = digits(end + 1 + sign, is_digit_char);
    }
    return end == whole ? at_ : end;
  }

  void number() {
    std::size_t end = real_end();
    const bool is_real = end > at_;
    int base = 10;
    std::size_t prefix = 0;
    if (!is_real) {
      const char mark = static_cast<char>(at_ + 1 < source_.size() ? source_[at_ + 1] | 32 : ' ');
      const int bases = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 10;
      const auto fits = [bases](char c) {
        const int digit = is_digit_char(c) ? c - '0' : (c | 32) >= 'a' ? (c | 32) - 'a' + 10 : 99;
        return digit < bases;
      };
      if (source_[at_] == '0' && bases != 10) {
        end = digits(at_ + 2, fits);
        if (end > at_ + 2) base = bases, prefix = 2;
      }
      if (prefix == 0)
        end = source_[at_] == '0' ? digits(at_, [](char c) { return c == '0'; })
                                  : digits(at_, is_digit_char);
    }
    std::string text = source_.substr(at_ + prefix, end - at_ - prefix);
    std::erase(text, '_');
    add(is_real ? TokenType::real : TokenType::integer, text);
    Token& token = tokens_.back();
    const char *first = text.data(), *last = first + text.size();
    const auto result = is_real ? std::from_chars(first, last, token.real)
                                : std::from_chars(first, last, token.integer, base);
    if (result.ec != std::errc()) fail("the number " + printable(text, 40) + " is out of range");
    at_ = end;
  }

  void string() {
    const char quote = source_[at_];
    std::size_t end = at_ + 1;
    while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2U : 1U;
    if (end >= source_.size()) fail("the string is not closed");
    add(TokenType::string, unescape(std::string_view(source_).substr(at_ + 1, end - at_ - 1)));
    advance(end + 1 - at_);
  }

  // Up to `most` digits of the base at `at`, which moves behind them.
  static char32_t code(std::string_view text, std::size_t& at, std::size_t most, int base,
                       std::size_t* count = nullptr) {
    std::uint32_t value = 0;
    const char* first = text.data() + at;
    const auto result =
        std::from_chars(first, first + std::min(most, text.size() - at), value, base);
    const auto used = result.ec == std::errc() ? static_cast<std::size_t>(result.ptr - first) : 0;
    at += used;
    if (count) *count = used;
    return value;
  }

  // Python's unicode-escape, but a pair of surrogates makes one character, a lone one U+FFFD.
  std::string unescape(std::string_view text) const {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
      const char c = text[at++];
      if (c != '\\') {
        out += c;
        continue;
      }
      const char escape = text[at++];
      static constexpr std::string_view kFrom = "abfnrtv\\'\"", kTo = "\a\b\f\n\r\t\v\\'\"";
      if (const std::size_t known = kFrom.find(escape); known != std::string_view::npos) {
        out += kTo[known];
      } else if (escape == 'x' || escape == 'u' || escape == 'U') {
        const std::size_t wanted = escape == 'x' ? 2 : escape == 'u' ? 4 : 8;
        std::size_t count = 0;
        char32_t value = code(text, at, wanted, 16, &count);
        if (count != wanted || value > 0x10FFFF)
          fail("the string has a bad \\" + std::string(1, escape) + " escape");
        if (value >= 0xD800 && value < 0xDC00 && text.substr(at, 2) == "\\u") {
          std::size_t behind = at + 2;
          const char32_t low = code(text, behind, 4, 16);
          if (low >= 0xDC00 && low < 0xE000) {
            value = 0x10000 + ((value - 0xD800) << 10) + (low - 0xDC00);
            at = behind;
          }
        }
        append_utf8(out, value);
      } else if (escape >= '0' && escape <= '7') {
        --at;
        append_utf8(out, code(text, at, 3, 8));
      } else if (escape == 'N') {
        fail("characters by name (\\N) are not supported");
      } else if (escape != '\n') {
        out += '\\';
        out += escape;
      }
    }
    return out;
  }

  std::string source_;
  std::size_t at_ = 0;
  std::uint64_t line_ = 1;
  bool line_starting_ = true;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view source) { return Lexer(source).run(); }

}  // namespace bantam::chat::jinja
