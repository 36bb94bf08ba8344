// A recursive-descent reader of the Ruby dialect that writes PCRE2's as it goes.
#include "words/regex_dialect.h"

#include <utility>

#include "words/regex_properties.h"
#include "words/regex_reader.h"
#include "words/unicode.h"

namespace bantam::words {
namespace {

using namespace regex_properties;

constexpr std::size_t kMaxPattern = 1 << 16;

class Translator : PatternReader {
 public:
  explicit Translator(std::string_view in) : PatternReader(in) {}

  PcrePattern run() {
    if (in_.size() > kMaxPattern) fail("a pattern of at most 65,536 bytes was expected", 0);
    if (!is_valid_utf8(in_)) fail("the pattern is not UTF-8", valid_utf8_prefix(in_));
    alternatives(0);
    if (!done()) fail("a ) without its (", at_);
    return {std::move(out_), std::move(places_)};
  }

 private:
  // a|b|c up to the ) or the end.
  void alternatives(int depth) {
    if (depth > kMaxRegexNesting) fail("groups are nested too deep", at_);
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
      out_ += character_class();
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
      append_literal(out_, character());
    }
    return true;
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
        RegexSet set;
        if (set_escape(set, false)) {
          out_ += set.expression();
        } else {
          append_literal(out_, character_escape());
        }
        return true;
      }
    }
    at_ += 2;
    return false;
  }

  static std::string word_boundary(bool negative) {
    const std::string word = "[" + std::string(kWordAlone) + "]";
    const std::string both = "(?<=" + word + ")(?" + (negative ? "=" : "!") + word + ")";
    const std::string none = "(?<!" + word + ")(?" + (negative ? "!" : "=") + word + ")";
    return "(?:" + both + "|" + none + ")";
  }

  std::string out_;
  std::vector<std::pair<std::size_t, std::size_t>> places_;
};

}  // namespace

PcrePattern to_pcre2(std::string_view pattern) { return Translator(pattern).run(); }

}  // namespace bantam::words
