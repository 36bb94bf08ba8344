// NFC, NFD, NFKC and NFKD (UAX #15) with the tables of utf8proc. Its own function sorts marks in
// quadratic time and takes the whole text at once; here only the stretches that can change are
// treated, and sorted properly.
#include <utf8proc.h>

#include <algorithm>

#include "base/error.h"
#include "words/unicode_form.h"
#include "words/unicode.h"

namespace bantam::words {

namespace {

// Starters that the form does not change and that never compose with what stands before them.
bool is_inert(char32_t value, UnicodeForm form) {
  if (value < 0x80 || (value >= 0x4E00 && value <= 0x9FFF) || value == 0x2581) return true;
  return form == UnicodeForm::nfc && value < 0x300;
}

std::int32_t combining_class(std::int32_t value) {
  return utf8proc_get_property(value)->combining_class;
}

class FormWriter {
 public:
  FormWriter(UnicodeForm form, std::string& out)
      : form_(form), compose_(form == UnicodeForm::nfc || form == UnicodeForm::nfkc), out_(out) {}

  // The normalised form of a stretch.
  void put(std::string_view text) {
    const bool compatible = form_ == UnicodeForm::nfkc || form_ == UnicodeForm::nfkd;
    const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE |
                                                        (compatible ? UTF8PROC_COMPAT : 0));
    runes_.clear();
    for (std::size_t at = 0; at < text.size();) {
      const Rune rune = decode_rune(text, at);
      at += rune.size;
      utf8proc_int32_t part[32];  // the longest decomposition has 18 characters
      const auto size = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(rune.value), part, 32,
                                                options, nullptr);
      if (size < 0 || size > 32) throw Error("the Unicode tables of utf8proc failed");
      runes_.insert(runes_.end(), part, part + size);
    }
    sort_marks();
    auto size = static_cast<utf8proc_ssize_t>(runes_.size());
    if (compose_)
      size = utf8proc_normalize_utf32(
          runes_.data(), size, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
    for (utf8proc_ssize_t i = 0; i < size; ++i)
      append_utf8(out_, static_cast<char32_t>(runes_[static_cast<std::size_t>(i)]));
  }

 private:
  // The canonical order: marks between starters by their class, equal ones as they stood.
  void sort_marks() {
    for (auto begin = runes_.begin(); begin != runes_.end();) {
      if (combining_class(*begin) == 0) {
        ++begin;
        continue;
      }
      const auto end = std::find_if(begin, runes_.end(),
                                    [](std::int32_t value) { return combining_class(value) == 0; });
      std::stable_sort(begin, end, [](std::int32_t a, std::int32_t b) {
        return combining_class(a) < combining_class(b);
      });
      begin = end;
    }
  }

  UnicodeForm form_;
  bool compose_;
  std::string& out_;
  std::vector<utf8proc_int32_t> runes_;
};

}  // namespace

std::string to_unicode_form(std::string_view text, UnicodeForm form) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  FormWriter writer(form, out);
  std::size_t done = 0;  // before it everything is written
  std::size_t last = 0;  // the last character seen, inert
  for (std::size_t at = 0; at < text.size();) {
    const Rune rune = decode_rune(text, at);
    if (is_inert(rune.value, form)) {
      last = at;
      at += rune.size;
      continue;
    }
    // A stretch: the inert character before it (a mark may join it) up to the next inert one.
    out.append(text.substr(done, last - done));
    std::size_t end = at;
    while (end < text.size()) {
      const Rune next = decode_rune(text, end);
      if (is_inert(next.value, form)) break;
      end += next.size;
    }
    writer.put(text.substr(last, end - last));
    done = last = at = end;
  }
  out.append(text.substr(done));
  return out;
}

}  // namespace bantam::words
