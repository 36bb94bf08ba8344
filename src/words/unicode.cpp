// UTF-8 decoding, validation and repair; the table of character classes.
#include "words/unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <map>

#include "words/unicode_newer.h"

namespace bantam::words {
namespace {

// Well-formed sequences by lead byte (Unicode 15, table 3-7): the length, and the range of the
// second byte; the others are 80..BF. Length 0: no sequence begins with this byte.
struct Lead {
  std::uint8_t size, low, high;
};

constexpr std::array<Lead, 256> make_leads() {
  std::array<Lead, 256> leads{};
  for (unsigned b = 0; b < 0x80; ++b) leads[b] = {1, 0, 0};
  for (unsigned b = 0xC2; b < 0xE0; ++b) leads[b] = {2, 0x80, 0xBF};
  for (unsigned b = 0xE0; b < 0xF0; ++b) leads[b] = {3, 0x80, 0xBF};
  for (unsigned b = 0xF0; b < 0xF5; ++b) leads[b] = {4, 0x80, 0xBF};
  leads[0xE0].low = 0xA0;   // below: overlong
  leads[0xED].high = 0x9F;  // above: surrogates
  leads[0xF0].low = 0x90;
  leads[0xF4].high = 0x8F;  // above: beyond U+10FFFF
  return leads;
}
constexpr std::array<Lead, 256> kLeads = make_leads();

// The number of bytes at p that belong to one sequence, well-formed (`whole`) or cut short.
unsigned sequence_size(const unsigned char* p, std::size_t left, bool& whole) {
  const Lead lead = kLeads[*p];
  whole = lead.size == 1;
  if (lead.size < 2) return 1;
  if (left < 2 || p[1] < lead.low || p[1] > lead.high) return 1;
  unsigned n = 2;
  while (n < lead.size && n < left && (p[n] & 0xC0) == 0x80) ++n;
  whole = n == lead.size;
  return n;
}

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

Rune decode_rune(std::string_view text, std::size_t at) {
  const unsigned char* p = bytes(text) + at;
  bool whole = false;
  const unsigned size = sequence_size(p, text.size() - at, whole);
  if (!whole) return {kReplacement, size};
  static constexpr unsigned kLeadBits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
  char32_t value = *p & kLeadBits[size];
  for (unsigned i = 1; i < size; ++i) value = (value << 6) | (p[i] & 0x3Fu);
  return {value, size};
}

std::size_t valid_utf8_prefix(std::string_view text) {
  const unsigned char* const begin = bytes(text);
  const unsigned char* const end = begin + text.size();
  const unsigned char* p = begin;
  while (p != end) {
    if (*p < 0x80) {
      while (end - p >= 8) {
        std::uint64_t word;
        std::memcpy(&word, p, 8);
        if (word & 0x8080808080808080u) break;
        p += 8;
      }
      while (p != end && *p < 0x80) ++p;
      continue;
    }
    bool whole = false;
    const unsigned size = sequence_size(p, static_cast<std::size_t>(end - p), whole);
    if (!whole) break;
    p += size;
  }
  return static_cast<std::size_t>(p - begin);
}

std::string repair_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t valid = valid_utf8_prefix(text);
    out.append(text.substr(0, valid));
    text.remove_prefix(valid);
    if (text.empty()) break;
    append_utf8(out, kReplacement);
    text.remove_prefix(decode_rune(text, 0).size);
  }
  return out;
}

void append_utf8(std::string& out, char32_t value) {
  if (value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) value = kReplacement;
  const auto put = [&](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (value < 0x80) {
    put(value);
  } else if (value < 0x800) {
    put(0xC0 | (value >> 6));
    put(0x80 | (value & 0x3F));
  } else if (value < 0x10000) {
    put(0xE0 | (value >> 12));
    put(0x80 | ((value >> 6) & 0x3F));
    put(0x80 | (value & 0x3F));
  } else {
    put(0xF0 | (value >> 18));
    put(0x80 | ((value >> 12) & 0x3F));
    put(0x80 | ((value >> 6) & 0x3F));
    put(0x80 | (value & 0x3F));
  }
}

namespace {

std::uint16_t newer_class_of(char32_t value) {
  const auto range = std::partition_point(std::begin(kNewerRanges), std::end(kNewerRanges),
                                          [&](const NewerRange& r) { return r.last < value; });
  return range != std::end(kNewerRanges) && range->first <= value ? range->bits : char_class::other;
}

std::uint16_t class_of(char32_t value) {
  using namespace char_class;
  if ((value >= 0x09 && value <= 0x0D) || value == 0x85) return space;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(value))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LT:
      return upper;
    case UTF8PROC_CATEGORY_LL:
      return lower;
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
      return other_letter;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
      return mark;
    case UTF8PROC_CATEGORY_ND:
      return digit;
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return other_number;
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO:
      return punctuation;
    case UTF8PROC_CATEGORY_SM:
    case UTF8PROC_CATEGORY_SC:
    case UTF8PROC_CATEGORY_SK:
    case UTF8PROC_CATEGORY_SO:
      return symbol;
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return separator | space;
    case UTF8PROC_CATEGORY_CN:
      return newer_class_of(value);
    default:
      return other;
  }
}

}  // namespace

CharClasses::CharClasses(const Change& change) {
  std::map<std::array<std::uint16_t, 128>, std::uint32_t> known;
  index_.reserve(0x110000 / 128);
  for (char32_t first = 0; first < 0x110000; first += 128) {
    std::array<std::uint16_t, 128> block;
    for (char32_t i = 0; i < 128; ++i) block[i] = change(first + i, class_of(first + i));
    const auto [place, is_new] =
        known.try_emplace(block, static_cast<std::uint32_t>(blocks_.size()));
    if (is_new) blocks_.insert(blocks_.end(), block.begin(), block.end());
    index_.push_back(place->second);
  }
}

const CharClasses& CharClasses::get() {
  static const CharClasses classes([](char32_t, std::uint16_t bits) { return bits; });
  return classes;
}

}  // namespace bantam::words
