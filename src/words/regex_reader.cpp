// Escapes, properties and classes of the Ruby dialect.
#include "words/regex_reader.h"

#include <algorithm>
#include <cctype>

#include "base/error.h"
#include "words/regex_properties.h"
#include "words/unicode.h"

namespace bantam::words {

using namespace regex_properties;

namespace {

std::string negated(std::string_view items) { return "[^" + std::string(items) + "]"; }

std::string_view items_of(std::string_view property) {
  for (const Property& known : kProperties)
    if (known.name == property) return known.items;
  return {};
}

}  // namespace

void RegexSet::add(std::string_view more, bool negative) {
  if (negative) {
    others.push_back(negated(more));
  } else {
    items += more;
  }
}

std::string RegexSet::expression() const {
  if (others.empty()) return "[" + items + "]";
  std::string out = "(?:";
  if (!items.empty()) out += "[" + items + "]|";
  for (const std::string& other : others) out += other + "|";
  out.back() = ')';
  return out;
}

void PatternReader::fail(const std::string& what, std::size_t where) {
  throw Error(what).field("regular expression").at(where);
}

bool PatternReader::take(std::string_view text) {
  if (!in_.substr(at_).starts_with(text)) return false;
  at_ += text.size();
  return true;
}

char32_t PatternReader::character() {
  const Rune rune = decode_rune(in_, at_);
  at_ += rune.size;
  return rune.value;
}

void PatternReader::append_literal(std::string& out, char32_t value) {
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

// \s \S \w \W \d \D \h \H \p{} \P{}, joined to `set`; false when it is another escape.
bool PatternReader::set_escape(RegexSet& set, bool in_class) {
  const char c = peek(1);
  std::string_view items;
  switch (c) {
    case 's':
    case 'S':
      items = kSpace;
      break;
    case 'w':
    case 'W':
      items = in_class ? kWord : kWordAlone;
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
      property(set, in_class);
      return true;
    default:
      return false;
  }
  at_ += 2;
  set.add(items, c < 'a');
  return true;
}

// \p{Name}, \P{Name}, \p{^Name}.
void PatternReader::property(RegexSet& set, bool in_class) {
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
    set.add("\\p{" + plain + "}", negative);
    return;
  }
  std::string_view items = items_of(plain);
  if (plain == "word" && !in_class) items = kWordAlone;
  // What is left is the name of a script; PCRE2 refuses it otherwise.
  set.add(items.empty() ? "\\p{sc:" + plain + "}" : std::string(items), negative);
}

// A backslash that stands for one character, in a class or outside.
char32_t PatternReader::character_escape() {
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
char32_t PatternReader::hexadecimal(std::size_t where) {
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
std::string PatternReader::character_class(int depth) {
  const std::size_t open = at_;
  if (depth > kMaxRegexNesting) fail("classes are nested too deep", open);
  ++at_;
  const bool negative = take("^");
  std::string left;  // what stands before &&
  RegexSet set;
  bool empty = true;
  for (;; empty = false) {
    if (done()) fail("a [ without its ]", open);
    if (peek() == ']') break;
    if (take("&&")) {
      if (empty || set.empty()) fail("nothing before &&", at_ - 2);
      left += "(?=" + set.expression() + ")";
      set = {};
    } else {
      class_item(set, depth);
    }
  }
  if (set.empty()) fail("an empty class", open);
  ++at_;
  if (negative && left.empty() && set.others.empty()) return negated(set.items);
  std::string expression = set.expression();
  if (!left.empty()) expression = "(?:" + left + expression + ")";
  return negative ? "(?:(?!" + expression + ")(?s:.))" : expression;
}

void PatternReader::class_item(RegexSet& set, int depth) {
  if (peek() == '[') {
    if (peek(1) == ':') return posix(set);
    set.others.push_back(character_class(depth + 1));
    return;
  }
  if (peek() == '\\' && set_escape(set, true)) {
    // A hyphen after a set stands for itself.
    if (peek() == '-' && peek(1) != ']') {
      set.items += "\\-";
      ++at_;
    }
    return;
  }
  const std::size_t where = at_;
  const char32_t first = class_character();
  append_literal(set.items, first);
  if (peek() != '-' || peek(1) == ']' || at_ + 1 >= in_.size()) return;
  ++at_;
  if (peek() == '[' ||
      (peek() == '\\' && std::string_view("sSwWdDhHpP").find(peek(1)) != std::string_view::npos))
    fail("a range must end in a character", where);
  const char32_t last = class_character();
  if (last < first) fail("an empty range", where);
  set.items += '-';
  append_literal(set.items, last);
}

char32_t PatternReader::class_character() {
  if (peek() != '\\') return character();
  if (peek(1) != 'b') return character_escape();
  at_ += 2;
  return 8;
}

// [:name:] and [:^name:] inside a class.
void PatternReader::posix(RegexSet& set) {
  const std::size_t where = at_, close = in_.find(":]", at_ + 2);
  at_ += 2;
  const bool negative = take("^");
  static constexpr std::string_view kNames[] = {"alpha", "digit", "space",  "alnum", "upper",
                                                "lower", "word",  "xdigit", "cntrl", "punct"};
  if (close != std::string_view::npos && close >= at_) {
    const std::string_view name = in_.substr(at_, close - at_);
    if (std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames)) {
      at_ = close + 2;
      return set.add(items_of(name), negative);
    }
  }
  fail("a [:class:] that is not supported", where);
}

}  // namespace bantam::words
