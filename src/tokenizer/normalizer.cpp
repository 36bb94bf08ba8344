#include "tokenizer/normalizer.h"

#include <utf8proc.h>

#include "base/error.h"
#include "words/byte_alphabet.h"
#include "tokenizer/charsmap.h"
#include "words/regex.h"
#include "words/unicode.h"

namespace bantam::tokenizer {

namespace {

// What a file may make of a text at most: a sequence of replacements could double it at each step.
void check_growth(std::size_t before, std::size_t after) {
  if (after > before * 256 + 65536)
    throw Error("the normalizers make " + std::to_string(before) + " bytes of text more than " +
                std::to_string(before * 256 + 65536))
        .field("normalizer");
}

// Calls put(out, value) for each character.
template <class Put>
void map_runes(std::string& text, Put put) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Rune rune = decode_rune(text, at);
    put(out, rune.value);
    at += rune.size;
  }
  text = std::move(out);
}

// As char::to_lowercase of Rust: the one character whose lower case is two is U+0130.
void put_lower(std::string& out, char32_t value) {
  if (value < 0x80) {
    out += static_cast<char>(value >= 'A' && value <= 'Z' ? value + 32 : value);
  } else if (value == 0x130) {
    out += "i\u0307";
  } else {
    append_utf8(out, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(value))));
  }
}

void lower_case(std::string& text) { map_runes(text, put_lower); }

class FormOp final : public NormalizeOp {
 public:
  explicit FormOp(UnicodeForm form) : form_(form) {}
  void apply(std::string& text, bool) const override { text = to_unicode_form(text, form_); }

 private:
  UnicodeForm form_;
};

class LowercaseOp final : public NormalizeOp {
 public:
  void apply(std::string& text, bool) const override { lower_case(text); }
};

class StripOp final : public NormalizeOp {
 public:
  explicit StripOp(const NormalizeStep& step) : left_(step.left), right_(step.right) {}
  void apply(std::string& text, bool) const override {
    std::size_t begin = text.size(), end = 0;
    for (std::size_t at = 0; at < text.size();) {
      const Rune rune = decode_rune(text, at);
      if (!is_white_space(rune.value)) {
        begin = std::min(begin, at);
        end = at + rune.size;
      }
      at += rune.size;
    }
    if (!left_) begin = 0;
    if (!right_) end = text.size();
    text = begin < end ? text.substr(begin, end - begin) : std::string();
  }

 private:
  bool left_, right_;
};

class StripAccentsOp final : public NormalizeOp {
 public:
  void apply(std::string& text, bool) const override {
    map_runes(text, [](std::string& out, char32_t value) {
      if (!(CharClasses::get()[value] & char_class::mark)) append_utf8(out, value);
    });
  }
};

class PrependOp final : public NormalizeOp {
 public:
  explicit PrependOp(const NormalizeStep& step) : content_(step.content) {}
  void apply(std::string& text, bool) const override {
    if (!text.empty()) text.insert(0, content_);
  }

 private:
  std::string content_;
};

class ReplaceTextOp final : public NormalizeOp {
 public:
  explicit ReplaceTextOp(const NormalizeStep& step)
      : pattern_(step.pattern), content_(step.content) {
    if (pattern_.empty()) throw Error("a pattern was expected, not an empty one").field("Replace");
  }
  void apply(std::string& text, bool) const override {
    std::size_t found = text.find(pattern_);
    if (found == std::string::npos) return;
    std::string out;
    out.reserve(text.size() + text.size() / 4);
    std::size_t done = 0;
    for (; found != std::string::npos; found = text.find(pattern_, done)) {
      out.append(text, done, found - done).append(content_);
      done = found + pattern_.size();
      check_growth(text.size(), out.size());
    }
    text = out.append(text, done);
  }

 private:
  std::string pattern_, content_;
};

class ReplaceRegexOp final : public NormalizeOp {
 public:
  explicit ReplaceRegexOp(const NormalizeStep& step)
      : regex_(step.pattern), content_(step.content) {}
  void apply(std::string& text, bool) const override {
    std::string out;
    std::size_t done = 0;
    regex_.find_all(text, [&](Regex::Match match) {
      out.append(text, done, match.begin - done).append(content_);
      done = match.end;
      check_growth(text.size(), out.size());
    });
    text = out.append(text, done);
  }

 private:
  Regex regex_;
  std::string content_;
};

// BertNormalizer (tokenizers/src/normalizers/bert.rs).
class BertOp final : public NormalizeOp {
 public:
  explicit BertOp(const NormalizeStep& step)
      : clean_(step.clean_text),
        chinese_(step.chinese_chars),
        lower_(step.lower),
        accents_(step.accents.value_or(step.lower)) {}

  void apply(std::string& text, bool) const override {
    if (clean_) map_runes(text, put_clean);
    if (chinese_)
      map_runes(text, [](std::string& out, char32_t value) {
        const bool apart = is_ideograph(value);
        if (apart) out += ' ';
        append_utf8(out, value);
        if (apart) out += ' ';
      });
    if (accents_) {
      text = to_unicode_form(text, UnicodeForm::nfd);
      map_runes(text, [](std::string& out, char32_t value) {
        const bool mark = CharClasses::get()[value] & char_class::mark;
        if (!mark ||
            utf8proc_category(static_cast<utf8proc_int32_t>(value)) != UTF8PROC_CATEGORY_MN)
          append_utf8(out, value);
      });
    }
    if (lower_) lower_case(text);
  }

 private:
  static void put_clean(std::string& out, char32_t value) {
    if (is_white_space(value)) {
      out += ' ';
    } else if (value != 0 && value != kReplacement && !is_control(value)) {
      append_utf8(out, value);
    }
  }
  static bool is_control(char32_t value) {
    if (!(CharClasses::get()[value] & char_class::other)) return value < 0x20 || value == 0x85;
    return utf8proc_category(static_cast<utf8proc_int32_t>(value)) != UTF8PROC_CATEGORY_CN;
  }
  // The blocks of CJK ideographs as the original lists them, the slip 2B920 included.
  static bool is_ideograph(char32_t v) {
    return (v >= 0x4E00 && v <= 0x9FFF) || (v >= 0x3400 && v <= 0x4DBF) ||
           (v >= 0x20000 && v <= 0x2A6DF) || (v >= 0x2A700 && v <= 0x2B73F) ||
           (v >= 0x2B740 && v <= 0x2B81F) || (v >= 0x2B920 && v <= 0x2CEAF) ||
           (v >= 0xF900 && v <= 0xFAFF) || (v >= 0x2F800 && v <= 0x2FA1F);
  }

  bool clean_, chinese_, lower_, accents_;
};

// Nmt (tokenizers/src/normalizers/unicode.rs).
class NmtOp final : public NormalizeOp {
 public:
  void apply(std::string& text, bool) const override {
    map_runes(text, [](std::string& out, char32_t v) {
      const bool gone = (v >= 1 && v <= 8) || v == 0x0B || (v >= 0x0E && v <= 0x1F) || v == 0x7F ||
                        v == 0x8F || v == 0x9F;
      const bool space = v == 0x09 || v == 0x0A || v == 0x0C || v == 0x0D || v == 0x1680 ||
                         (v >= 0x200B && v <= 0x200F) || v == 0x2028 || v == 0x2029 ||
                         v == 0x2581 || v == 0xFEFF || v == 0xFFFD;
      if (space)
        out += ' ';
      else if (!gone)
        append_utf8(out, v);
    });
  }
};

class ByteLevelOp final : public NormalizeOp {
 public:
  void apply(std::string& text, bool) const override { text = ByteAlphabet::get().encode(text); }
};

}  // namespace

std::unique_ptr<NormalizeOp> make_normalize_op(const NormalizeStep& step) {
  using Kind = NormalizeStep::Kind;
  switch (step.kind) {
    case Kind::nfc:
      return std::make_unique<FormOp>(UnicodeForm::nfc);
    case Kind::nfd:
      return std::make_unique<FormOp>(UnicodeForm::nfd);
    case Kind::nfkc:
      return std::make_unique<FormOp>(UnicodeForm::nfkc);
    case Kind::nfkd:
      return std::make_unique<FormOp>(UnicodeForm::nfkd);
    case Kind::lowercase:
      return std::make_unique<LowercaseOp>();
    case Kind::strip:
      return std::make_unique<StripOp>(step);
    case Kind::strip_accents:
      return std::make_unique<StripAccentsOp>();
    case Kind::replace:
      if (step.literal) return std::make_unique<ReplaceTextOp>(step);
      return std::make_unique<ReplaceRegexOp>(step);
    case Kind::prepend:
      return std::make_unique<PrependOp>(step);
    case Kind::bert:
      return std::make_unique<BertOp>(step);
    case Kind::precompiled:
      return make_charsmap_op(step.content, step.by_prefix);
    case Kind::nmt:
      return std::make_unique<NmtOp>();
    case Kind::byte_level:
      return std::make_unique<ByteLevelOp>();
    case Kind::sentencepiece:
      return make_sentencepiece_space_op(step);
  }
  throw Error("the normalizer is not known");
}

Normalizer::Normalizer(const std::vector<NormalizeStep>& steps) {
  for (const NormalizeStep& step : steps) ops_.push_back(make_normalize_op(step));
}

std::string Normalizer::apply(std::string_view text, bool first) const {
  std::string out(text);
  for (const auto& op : ops_) {
    op->apply(out, first);
    check_growth(text.size(), out.size());
  }
  return out;
}

}  // namespace bantam::tokenizer
