// A recursive-descent reader of the Ruby dialect that writes PCRE2's as it goes.
#include "text/regex_dialect.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/error.h"
#include "text/regex_properties.h"
#include "text/unicode.h"

namespace bantam {
namespace {

using namespace regex_properties;

constexpr std::size_t kMaxPattern = 1 << 16;
constexpr int kMaxNesting =
    100;  // PCRE2's own limit is 250; a class or a wrapped atom may add some

std::string negated(std::string_view items) { return "[^" + std::string(items) + "]"; }

// One character of a set: what a class, with all that is nested in it, comes to.
struct Set {
  std::string items;                // the insides of a class
  std::vector<std::string> others;  // expressions for one character, joined to it

  std::string expression() const {
    if (others.empty()) return "[" + items + "]";
    std::string out = "(?:";
    if (!items.empty()) out += "[" + items + "]|";
    for (const std::string& other : others) out += other + "|";
    out.back() = ')';
    return out;
  }
};

class Translator {
 public:
  explicit Translator(std::string_view in) : in_(in) {}

  PcrePattern run() {
    if (in_.size() > kMaxPattern) fail("a pattern of at most 65,536 bytes was expected", 0);
    if (!is_valid_utf8(in_)) fail("the pattern is not UTF-8", valid_utf8_prefix(in_));
    alternatives(0);
    if (!done()) fail("a ) without its (", at_);
    return {std::move(out_), std::move(places_)};
  }

 private:
  [[noreturn]] static void fail(const std::string& what, std::size_t where) {
    throw Error(what).field("regular expression").at(where);
  }
  bool done() const { return at_ == in_.size(); }
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < in_.size() ? in_[at_ + ahead] : '\0';
  }
  bool take(std::string_view text) {
    if (!in_.substr(at_).starts_with(text)) return false;
    at_ += text.size();
    return true;
  }

  // a|b|c up to the ) or the end.
  void alternatives(int depth) {
    if (depth > kMaxNesting) fail("groups are nested too deep", at_);
    const std::size_t first = at_;
    while (!done() && peek() != ')') {
      if (take("|")) {
        out_ += '|';
        continue;
      }
      places_.emplace_back(out_.size(), at_);
      const std::size_t atom = out_.size();
      const bool repeatable = element(depth, at_ == first);
      repetitions(atom, repeatable);
    }
  }

  // One element; whether a quantifier may follow it.
  bool element(int depth, bool first_of_group) {
    const char c = peek();
    if (c == '(') return group(depth, first_of_group);
    if (c == '[') {
      out_ += character_class(0);
      return true;
    }
    if (c == '\\') return escape();
    if (c == '*' || c == '+' || c == '?') fail("nothing to repeat", at_);
    if (c == '^' || c == '$') {
      out_ += c;
      ++at_;
      return false;
    }
    if (c == '.') {
      out_ += c;
      ++at_;
    } else {
      literal(out_, character());
    }
    return true;
  }

  char32_t character() {
    const Rune rune = decode_rune(in_, at_);
    at_ += rune.size;
    return rune.value;
  }
  static void literal(std::string& out, char32_t value) {
    if (value < 0x20 || value == 0x7F) {
      static constexpr char kDigits[] = "0123456789abcdef";
      out += "\\x{";
      out += kDigits[value >> 4];
      out += kDigits[value & 15];
      out += '}';
      return;
    }
    if (value < 0x80 && std::ispunct(static_cast<int>(value))) out += '\\';
    append_utf8(out, value);
  }

  // ( ... ): the kinds that mean the same in both dialects.
  bool group(int depth, bool first_of_group) {
    const std::size_t open = at_;
    static constexpr std::string_view kKinds[] = {"(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>"};
    if (take("(?#")) {
      const std::size_t close = in_.find(')', at_);
      if (close == std::string_view::npos) fail("a ( without its )", open);
      at_ = close + 1;
      return false;
    }
    bool found = false;
    for (const std::string_view kind : kKinds)
      if (!found && take(kind)) {
        out_ += kind;
        found = true;
      }
    if (!found && take("(?")) {
      if (options(open, first_of_group)) return false;
    } else if (!found) {
      ++at_;
      out_ += '(';
    }
    alternatives(depth + 1);
    if (!take(")")) fail("a ( without its )", open);
    out_ += ')';
    return true;
  }

  // (?i: and (?i), (?m: (PCRE2's s); true when it is the second, without a group.
  bool options(std::size_t open, bool first_of_group) {
    out_ += "(?";
    for (; !done() && peek() != ':' && peek() != ')'; ++at_) {
      if (peek() == 'i' || peek() == '-') {
        out_ += peek();
      } else if (peek() == 'm') {
        out_ += 's';
      } else {
        fail("a kind of group that is not supported", open);
      }
    }
    if (done()) fail("a ( without its )", open);
    const bool bare = peek() == ')';
    // In Ruby the rest of the group, | included, then belongs to a group of its own: the same only
    // where nothing stands before.
    if (bare && !first_of_group) fail("options in the middle of a group are not supported", open);
    out_ += peek();
    ++at_;
    return bare;
  }

  void repetitions(std::size_t atom, bool repeatable) {
    for (bool again = false;; again = true) {
      std::string quantifier;
      const std::size_t where = at_;
      bool interval = false, fixed = false;
      const char c = peek();
      if (c == '*' || c == '+' || c == '?') {
        quantifier = c;
        ++at_;
      } else if (c == '{' && read_interval(quantifier, fixed)) {
        interval = true;
      } else {
        return;
      }
      if (!repeatable) fail("nothing to repeat", where);
      // In Ruby {n}? is optional, not lazy, and {n,m}+ repeats, is not possessive: the mark is then
      // read as a quantifier of its own in the next round.
      if (peek() == '?' && !(interval && fixed)) {
        quantifier += '?';
        ++at_;
      } else if (peek() == '+' && !interval) {
        quantifier += '+';
        ++at_;
      }
      if (again) {
        out_.insert(atom, "(?:");
        out_ += ')';
      }
      out_ += quantifier;
    }
  }

  // {n}, {n,}, {,m}, {n,m}; anything else is a brace that stands for itself.
  bool read_interval(std::string& quantifier, bool& fixed) {
    std::size_t p = at_ + 1;
    const auto number = [&] {
      const std::size_t begin = p;
      while (p < in_.size() && in_[p] >= '0' && in_[p] <= '9') ++p;
      return std::string(in_.substr(begin, p - begin));
    };
    const std::string low = number();
    fixed = p < in_.size() && in_[p] == '}' && !low.empty();
    std::string high;
    if (!fixed) {
      if (p >= in_.size() || in_[p] != ',') return false;
      ++p;
      high = number();
      if (p >= in_.size() || in_[p] != '}' || (low.empty() && high.empty())) return false;
    }
    at_ = p + 1;
    quantifier = "{" + (low.empty() ? "0" : low) + (fixed ? "" : "," + high) + "}";
    return true;
  }

  // A backslash outside a class.
  bool escape() {
    const std::size_t where = at_;
    const char c = peek(1);
    switch (c) {
      case 'b':
        out_ += word_boundary(false);
        break;
      case 'B':
        out_ += word_boundary(true);
        break;
      case 'A':
      case 'z':
      case 'Z':
        out_ += '\\';
        out_ += c;
        break;
      case 'R':
      case 'X':
        out_ += '\\';
        out_ += c;
        at_ += 2;
        return true;
      default: {
        if (c >= '1' && c <= '9') fail("back-references are not supported", where);
        Set set;
        if (set_escape(set)) {
          out_ += set.expression();
        } else {
          literal(out_, character_escape());
        }
        return true;
      }
    }
    at_ += 2;
    return false;
  }

  static std::string word_boundary(bool negative) {
    const std::string word = "[" + std::string(kWord) + "]";
    const std::string both = "(?<=" + word + ")(?" + (negative ? "=" : "!") + word + ")";
    const std::string none = "(?<!" + word + ")(?" + (negative ? "!" : "=") + word + ")";
    return "(?:" + both + "|" + none + ")";
  }

  // \s \S \w \W \d \D \h \H \p{} \P{}, joined to `set`; false when it is another escape.
  bool set_escape(Set& set) {
    const char c = peek(1);
    std::string_view items;
    switch (c) {
      case 's':
      case 'S':
        items = kSpace;
        break;
      case 'w':
      case 'W':
        items = kWord;
        break;
      case 'd':
      case 'D':
        items = "\\p{Nd}";
        break;
      case 'h':
      case 'H':
        items = kHex;
        break;
      case 'p':
      case 'P':
        property(set);
        return true;
      default:
        return false;
    }
    at_ += 2;
    add(set, items, c < 'a');
    return true;
  }
  static void add(Set& set, std::string_view items, bool negative) {
    if (negative) {
      set.others.push_back(negated(items));
    } else {
      set.items += items;
    }
  }

  // \p{Name}, \P{Name}, \p{^Name}.
  void property(Set& set) {
    const std::size_t where = at_;
    bool negative = peek(1) == 'P';
    at_ += 2;
    if (!take("{")) fail("\\p{..} was expected", where);
    if (take("^")) negative = !negative;
    const std::size_t close = in_.find('}', at_);
    if (close == std::string_view::npos) fail("\\p{ without its }", where);
    const std::string_view name = in_.substr(at_, close - at_);
    at_ = close + 1;
    std::string plain;
    for (const char c : name) {
      if (c == ' ' || c == '_' || c == '-') continue;
      if (!std::isalnum(static_cast<unsigned char>(c))) fail("a property name was expected", where);
      plain += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    if (plain.empty()) fail("a property name was expected", where);
    if (std::find(kCategories.begin(), kCategories.end(), plain) != kCategories.end()) {
      plain[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(plain[0])));
      add(set, "\\p{" + plain + "}", negative);
      return;
    }
    const auto known = std::find_if(kProperties.begin(), kProperties.end(),
                                    [&](const Property& p) { return p.name == plain; });
    // What is left is the name of a script; PCRE2 refuses it otherwise.
    add(set, known != kProperties.end() ? std::string(known->items) : "\\p{sc:" + plain + "}",
        negative);
  }

  // A backslash that stands for one character, in a class or outside.
  char32_t character_escape() {
    const std::size_t where = at_;
    const char c = peek(1);
    if (at_ + 1 == in_.size()) fail("a \\ at the end", where);
    at_ += 1;
    static constexpr std::string_view kNames = "tnrfaev";
    static constexpr std::string_view kValues = "\t\n\r\f\a\x1B\v";
    if (const auto i = kNames.find(c); i != std::string_view::npos) {
      ++at_;
      return static_cast<unsigned char>(kValues[i]);
    }
    if (c == 'x' || c == 'u') return hexadecimal(where);
    if (c == '0' && !(peek(1) >= '0' && peek(1) <= '7')) {
      ++at_;
      return 0;
    }
    if (std::isalnum(static_cast<unsigned char>(c))) fail("an escape that is not supported", where);
    return character();
  }

  // \xHH below 80, \x{H..}, \uHHHH.
  char32_t hexadecimal(std::size_t where) {
    const bool unicode = peek() == 'u';
    ++at_;
    const bool braces = !unicode && take("{");
    const std::size_t most = braces ? 8 : unicode ? 4 : 2;
    std::size_t digits = 0;
    char32_t value = 0;
    for (; digits < most && std::isxdigit(static_cast<unsigned char>(peek())); ++digits, ++at_) {
      const char d = peek();
      const int low = d <= '9' ? d - '0' : (d | 0x20) - 'a' + 10;
      value = value * 16 + static_cast<char32_t>(low);
    }
    if (digits == 0 || (braces && !take("}")) || (unicode && digits != 4))
      fail("hexadecimal digits were expected", where);
    if (value > 0x10FFFF || (value >= 0xD800 && value < 0xE000))
      fail("a Unicode scalar value was expected", where);
    // In Oniguruma \x80 to \xFF is a byte of a character, not a character.
    if (!braces && !unicode && value > 0x7F) fail("a byte above 7F is not a character", where);
    return value;
  }

  // [ ... ] with what is nested in it: an expression for one character.
  std::string character_class(int depth) {
    const std::size_t open = at_;
    if (depth > kMaxNesting) fail("classes are nested too deep", open);
    ++at_;
    const bool negative = take("^");
    std::string left;  // what stands before &&
    Set set;
    bool empty = true;
    for (;; empty = false) {
      if (done()) fail("a [ without its ]", open);
      if (peek() == ']') break;
      if (take("&&")) {
        if (empty || (set.items.empty() && set.others.empty())) fail("nothing before &&", at_ - 2);
        left += "(?=" + set.expression() + ")";
        set = {};
      } else {
        class_item(set, depth);
      }
    }
    if (set.items.empty() && set.others.empty()) fail("an empty class", open);
    ++at_;
    if (negative && left.empty() && set.others.empty()) return negated(set.items);
    std::string expression = set.expression();
    if (!left.empty()) expression = "(?:" + left + expression + ")";
    return negative ? "(?:(?!" + expression + ")(?s:.))" : expression;
  }

  void class_item(Set& set, int depth) {
    if (peek() == '[') {
      if (peek(1) == ':') return posix(set);
      set.others.push_back(character_class(depth + 1));
      return;
    }
    if (peek() == '\\' && set_escape(set)) {
      // A hyphen after a set stands for itself.
      if (peek() == '-' && peek(1) != ']') {
        set.items += "\\-";
        ++at_;
      }
      return;
    }
    const std::size_t where = at_;
    const char32_t first = class_character();
    literal(set.items, first);
    if (peek() != '-' || peek(1) == ']' || at_ + 1 >= in_.size()) return;
    ++at_;
    if (peek() == '[' ||
        (peek() == '\\' && std::string_view("sSwWdDhHpP").find(peek(1)) != std::string_view::npos))
      fail("a range must end in a character", where);
    const char32_t last = class_character();
    if (last < first) fail("an empty range", where);
    set.items += '-';
    literal(set.items, last);
  }
  char32_t class_character() {
    if (peek() != '\\') return character();
    if (peek(1) != 'b') return character_escape();
    at_ += 2;
    return 8;
  }

  // [:name:] and [:^name:] inside a class.
  void posix(Set& set) {
    const std::size_t where = at_, close = in_.find(":]", at_ + 2);
    at_ += 2;
    const bool negative = take("^");
    static constexpr std::string_view kNames[] = {"alpha", "digit", "space",  "alnum", "upper",
                                                  "lower", "word",  "xdigit", "cntrl"};
    if (close != std::string_view::npos && close >= at_) {
      const std::string_view name = in_.substr(at_, close - at_);
      if (std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames)) {
        at_ = close + 2;
        const auto known = std::find_if(kProperties.begin(), kProperties.end(),
                                        [&](const Property& p) { return p.name == name; });
        return add(set, known->items, negative);
      }
    }
    fail("a [:class:] that is not supported", where);
  }

  std::string_view in_;
  std::size_t at_ = 0;
  std::string out_;
  std::vector<std::pair<std::size_t, std::size_t>> places_;
};

}  // namespace

PcrePattern to_pcre2(std::string_view pattern) { return Translator(pattern).run(); }

}  // namespace bantam
