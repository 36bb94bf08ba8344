#include "judge/python_text.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <utf8proc.h>

#include "base/error.h"
#include "words/unicode.h"

namespace bantam::judge {

namespace {

// str.isspace: bidirectional class WS, B or S, or category Zs.
bool is_python_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 ||
         c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
         c == 0x202f || c == 0x205f || c == 0x3000;
}

}  // namespace

std::size_t right_edge(std::string_view text) {
  std::size_t end = text.size();
  while (end > 0) {
    std::size_t at = end - 1;
    while (at > 0 && end - at < 4 && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) --at;
    if (!is_python_space(decode_rune(text.substr(0, end), at).value)) break;
    end = at;
  }
  return end;
}

std::size_t left_edge(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const Rune rune = decode_rune(text, at);
    if (!is_python_space(rune.value)) break;
    at += rune.size;
  }
  return at;
}

std::string_view strip(std::string_view text) {
  text = text.substr(0, right_edge(text));
  return text.substr(left_edge(text));
}

std::size_t code_points(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); at += decode_rune(text, at).size) ++count;
  return count;
}

std::string capitalize(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const Rune rune = decode_rune(text, at);
    const auto c = static_cast<utf8proc_int32_t>(rune.value);
    append_utf8(out, static_cast<char32_t>(at == 0 ? utf8proc_totitle(c) : utf8proc_tolower(c)));
    at += rune.size;
  }
  return out;
}

std::string lower(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const Rune rune = decode_rune(text, at);
    append_utf8(out, static_cast<char32_t>(
                         utf8proc_tolower(static_cast<utf8proc_int32_t>(rune.value))));
    at += rune.size;
  }
  return out;
}

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  for (std::size_t at = 0;;) {
    const std::size_t next = text.find(from, at);
    out += text.substr(at, next == std::string_view::npos ? next : next - at);
    if (next == std::string_view::npos) return out;
    out += to;
    at = next + from.size();
  }
}

std::size_t split_count(std::string_view text) {
  std::size_t pieces = 1;
  bool in_space = false;
  for (std::size_t at = 0; at < text.size();) {
    const Rune rune = decode_rune(text, at);
    const bool space = is_python_space(rune.value);
    if (space && !in_space) ++pieces;
    in_space = space;
    at += rune.size;
  }
  return pieces;
}

std::vector<std::string> split_spaces(std::string_view text) {
  std::vector<std::string> out;
  for (std::size_t at = 0;;) {
    const std::size_t next = text.find(' ', at);
    out.emplace_back(text.substr(at, next == std::string_view::npos ? next : next - at));
    if (next == std::string_view::npos) return out;
    at = next + 1;
  }
}

struct Pattern::Program {
  std::string pattern;
  pcre2_code* code = nullptr;
  pcre2_match_context* limits = nullptr;
  ~Program() {
    pcre2_code_free(code);
    pcre2_match_context_free(limits);
  }
};

Pattern::Pattern(std::string_view pattern) : program_(std::make_unique<Program>()) {
  program_->pattern = pattern;
  int wrong = 0;
  std::size_t where = 0;
  program_->code =
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                    PCRE2_UTF | PCRE2_UCP, &wrong, &where, nullptr);
  if (program_->code == nullptr) {
    PCRE2_UCHAR reason[160] = {};
    pcre2_get_error_message(wrong, reason, sizeof reason);
    throw Error("the pattern \"" + printable(pattern, 80) + "\" cannot be read: " +
                reinterpret_cast<const char*>(reason))
        .at(where);
  }
  program_->limits = pcre2_match_context_create(nullptr);
  if (program_->limits == nullptr) throw std::bad_alloc();
  pcre2_set_match_limit(program_->limits, 50'000'000);
  pcre2_set_heap_limit(program_->limits, 64 << 10);
}

Pattern::~Pattern() = default;
Pattern::Pattern(Pattern&&) noexcept = default;
Pattern& Pattern::operator=(Pattern&&) noexcept = default;

// Calls take(borders of the groups) for each match; borders are pairs of offsets.
template <class Take>
void Pattern::each(std::string_view text, const Take& take) const {
  struct Data {
    pcre2_match_data* data;
    ~Data() { pcre2_match_data_free(data); }
  } data{pcre2_match_data_create_from_pattern(program_->code, nullptr)};
  if (data.data == nullptr) throw std::bad_alloc();
  std::size_t at = 0;
  bool after_empty = false;
  while (at <= text.size()) {
    // As re: an empty match may not stand where one ended that was empty; try a longer one there.
    const std::uint32_t flags = after_empty ? PCRE2_NOTEMPTY_ATSTART | PCRE2_ANCHORED : 0;
    const int found = pcre2_match(program_->code, reinterpret_cast<PCRE2_SPTR>(text.data()),
                                  text.size(), at, flags, data.data, program_->limits);
    if (found == PCRE2_ERROR_NOMATCH) {
      if (!after_empty) return;
      at += at < text.size() ? decode_rune(text, at).size : 1;
      after_empty = false;
      continue;
    }
    if (found < 0)
      throw Error("the pattern \"" + printable(program_->pattern, 80) +
                  "\" takes too many steps on a text");
    const std::size_t* borders = pcre2_get_ovector_pointer(data.data);
    take(borders, pcre2_get_ovector_count(data.data));
    after_empty = borders[1] == borders[0];
    at = borders[1];
  }
}

std::vector<Pattern::Groups> Pattern::find_all(std::string_view given) const {
  const std::string text = repair_utf8(given);
  std::vector<Groups> out;
  each(text, [&](const std::size_t* borders, std::uint32_t count) {
    Groups groups(count);
    for (std::size_t i = 0; i < count; ++i)
      if (borders[2 * i] != PCRE2_UNSET)
        groups[i] = text.substr(borders[2 * i], borders[2 * i + 1] - borders[2 * i]);
    out.push_back(std::move(groups));
  });
  return out;
}

bool Pattern::found_in(std::string_view text) const { return !find_all(text).empty(); }

std::string Pattern::removed_from(std::string_view given) const {
  const std::string text = repair_utf8(given);
  std::string out;
  std::size_t kept = 0;
  each(text, [&](const std::size_t* borders, std::uint32_t) {
    out += text.substr(kept, borders[0] - kept);
    kept = borders[1];
  });
  return out + text.substr(kept);
}

}  // namespace bantam::judge
