// Python's white space, stripping, splitting and character classes.
#include "chat/jinja_text.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstring>
#include <iterator>

#include "base/error.h"
#include "words/unicode.h"

namespace bantam::chat::jinja {

void Sink::append(std::string_view text) {
  if (text.size() > meter_.limit - meter_.live ||
      text_.size() > meter_.limit - meter_.live - text.size())
    meter_.take(meter_.limit);  // says so
  meter_.work(text.size());
  text_ += text;
}

void Sink::repeat(std::string_view text, std::int64_t count) {
  if (count <= 0 || text.empty()) return;
  const auto left = meter_.limit - meter_.live;
  if (static_cast<std::uint64_t>(count) > left / text.size()) meter_.take(meter_.limit + 1);
  if (text.size() == 1) return append(std::string(static_cast<std::size_t>(count), text[0]));
  for (std::int64_t i = 0; i < count; ++i) append(text);
}

bool is_space(char32_t c) {
  if (c < 0x80) return (c >= 9 && c <= 13) || (c >= 0x1C && c <= 0x20);
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

namespace {

utf8proc_category_t category(char32_t c) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(c));
}

// Numeric_Type=Digit beside category Nd (UnicodeData.txt, field 7), as ranges.
constexpr char32_t kOtherDigits[][2] = {
    {0xB2, 0xB3},       {0xB9, 0xB9},       {0x1369, 0x1371},   {0x19DA, 0x19DA},
    {0x2070, 0x2070},   {0x2074, 0x2079},   {0x2080, 0x2089},   {0x2460, 0x2468},
    {0x2474, 0x247C},   {0x2488, 0x2490},   {0x24EA, 0x24EA},   {0x24F5, 0x24FD},
    {0x24FF, 0x24FF},   {0x2776, 0x277E},   {0x2780, 0x2788},   {0x278A, 0x2792},
    {0x10A40, 0x10A43}, {0x10E60, 0x10E68}, {0x11052, 0x1105A}, {0x1F100, 0x1F10A}};

}  // namespace

bool is_alpha(char32_t c) {
  const auto kind = category(c);
  return kind >= UTF8PROC_CATEGORY_LU && kind <= UTF8PROC_CATEGORY_LO;
}

bool is_decimal(char32_t c) { return category(c) == UTF8PROC_CATEGORY_ND; }

bool is_digit(char32_t c) {
  return is_decimal(c) ||
         std::any_of(std::begin(kOtherDigits), std::end(kOtherDigits),
                     [c](const auto& range) { return c >= range[0] && c <= range[1]; });
}

bool is_numeric(char32_t c) {
  const auto kind = category(c);
  return kind >= UTF8PROC_CATEGORY_ND && kind <= UTF8PROC_CATEGORY_NO;
}

bool is_alnum(char32_t c) {
  if (c < 0x80) return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
  return is_alpha(c) || is_numeric(c);
}

bool is_title(char32_t c) { return category(c) == UTF8PROC_CATEGORY_LT; }

bool is_printable(char32_t c) {
  const auto kind = category(c);
  if (kind == UTF8PROC_CATEGORY_ZS) return c == ' ';
  return kind != UTF8PROC_CATEGORY_CN && kind < UTF8PROC_CATEGORY_ZL;
}

namespace {

template <class Strips>
std::string_view strip_if(std::string_view text, bool left, bool right, Strips strips) {
  while (left && !text.empty()) {
    const Rune rune = decode_rune(text, 0);
    if (!strips(rune.value)) break;
    text.remove_prefix(rune.size);
  }
  while (right && !text.empty()) {
    std::size_t at = text.size() - 1;
    while (at > 0 && (text[at] & 0xC0) == 0x80) --at;
    if (!strips(decode_rune(text, at).value)) break;
    text.remove_suffix(text.size() - at);
  }
  return text;
}

}  // namespace

std::string_view strip(std::string_view text, bool left, bool right) {
  return strip_if(text, left, right, is_space);
}

std::string_view strip(std::string_view text, std::string_view chars, bool left, bool right) {
  std::u32string set;
  for (std::size_t at = 0; at < chars.size();) {
    const Rune rune = decode_rune(chars, at);
    set += rune.value;
    at += rune.size;
  }
  std::sort(set.begin(), set.end());
  return strip_if(text, left, right,
                  [&](char32_t c) { return std::binary_search(set.begin(), set.end(), c); });
}

namespace {

void add_piece(Meter& meter, Pieces& pieces, std::string_view piece) {
  // What is pieced together here is on no account yet; a vector takes up to three times its items.
  if (pieces.size() * 4 * sizeof piece > meter.limit - meter.live) meter.take(meter.limit + 1);
  meter.work(piece.size() + 64);
  pieces.push_back(piece);
}

}  // namespace

std::size_t find_first(Meter& meter, std::string_view text, std::string_view part) {
  if (part.empty()) return 0;
  const auto* found =
      static_cast<const char*>(memmem(text.data(), text.size(), part.data(), part.size()));
  const std::size_t at = found ? static_cast<std::size_t>(found - text.data()) : text.size();
  // Short parts may be compared at every place.
  meter.work(at * std::min<std::size_t>(part.size() / 16 + 1, 16));
  return found ? at : std::string_view::npos;
}

std::size_t find_last(Meter& meter, std::string_view text, std::string_view part) {
  if (part.size() <= 16) {
    meter.work(text.size());
    return text.rfind(part);
  }
  const std::string backwards(text.rbegin(), text.rend()), wanted(part.rbegin(), part.rend());
  const std::size_t at = find_first(meter, backwards, wanted);
  return at == std::string::npos ? at : text.size() - at - part.size();
}

Pieces split_space(Meter& meter, std::string_view text, std::int64_t limit) {
  Pieces parts;
  text = strip(text, true, false);
  while (!text.empty()) {
    if (limit >= 0 && static_cast<std::int64_t>(parts.size()) == limit) {
      add_piece(meter, parts, text);
      break;
    }
    std::size_t end = 0;
    while (end < text.size()) {
      const Rune rune = decode_rune(text, end);
      if (is_space(rune.value)) break;
      end += rune.size;
    }
    add_piece(meter, parts, text.substr(0, end));
    text = strip(text.substr(end), true, false);
  }
  return parts;
}

Pieces rsplit_space(Meter& meter, std::string_view text, std::int64_t limit) {
  if (limit < 0) return split_space(meter, text, -1);
  Pieces parts;
  text = strip(text, false, true);
  while (!text.empty()) {
    if (static_cast<std::int64_t>(parts.size()) == limit) {
      add_piece(meter, parts, text);
      break;
    }
    std::size_t start = text.size();
    while (start > 0) {
      std::size_t at = start - 1;
      while (at > 0 && (text[at] & 0xC0) == 0x80) --at;
      if (is_space(decode_rune(text, at).value)) break;
      start = at;
    }
    add_piece(meter, parts, text.substr(start));
    text = strip(text.substr(0, start), false, true);
  }
  std::reverse(parts.begin(), parts.end());
  return parts;
}

Pieces split_at(Meter& meter, std::string_view text, std::string_view separator,
                std::int64_t limit) {
  Pieces parts;
  while (limit < 0 || static_cast<std::int64_t>(parts.size()) < limit) {
    const std::size_t at = find_first(meter, text, separator);
    if (at == std::string_view::npos) break;
    add_piece(meter, parts, text.substr(0, at));
    text.remove_prefix(at + separator.size());
  }
  add_piece(meter, parts, text);
  return parts;
}

Pieces rsplit_at(Meter& meter, std::string_view text, std::string_view separator,
                 std::int64_t limit) {
  Pieces parts;
  while (limit < 0 || static_cast<std::int64_t>(parts.size()) < limit) {
    const std::size_t at = find_last(meter, text, separator);
    if (at == std::string_view::npos) break;
    add_piece(meter, parts, text.substr(at + separator.size()));
    text = text.substr(0, at);
  }
  add_piece(meter, parts, text);
  std::reverse(parts.begin(), parts.end());
  return parts;
}

Pieces split_lines(Meter& meter, std::string_view text, bool keep_ends) {
  Pieces lines;
  std::size_t start = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Rune rune = decode_rune(text, at);
    const char32_t c = rune.value;
    const bool ends =
        (c >= 10 && c <= 13) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
    std::size_t next = at + rune.size;
    if (ends) {
      if (c == '\r' && next < text.size() && text[next] == '\n') ++next;
      add_piece(meter, lines, text.substr(start, (keep_ends ? next : at) - start));
      start = next;
    }
    at = next;
  }
  if (start < text.size()) add_piece(meter, lines, text.substr(start));
  return lines;
}

std::size_t byte_of(const Value& text, std::size_t index) {
  const Str& str = text.as<Str>();
  if (str.ascii) return std::min(index, str.text.size());
  std::size_t at = 0;
  for (; index > 0 && at < str.text.size(); --index) at += decode_rune(str.text, at).size;
  return at;
}

std::string_view rune_slice(const Value& text, std::size_t from, std::size_t to) {
  if (to <= from) return {};
  const std::size_t first = byte_of(text, from);
  const std::string_view all = text.text();
  if (text.as<Str>().ascii) return all.substr(first, std::min(to, all.size()) - first);
  std::size_t last = first;
  for (std::size_t i = from; i < to && last < all.size(); ++i) last += decode_rune(all, last).size;
  return all.substr(first, last - first);
}

}  // namespace bantam::chat::jinja
