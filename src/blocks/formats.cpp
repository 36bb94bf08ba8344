// The table of types: one row each, in the order of the enumeration Type.
#include <algorithm>
#include <array>
#include <bit>

#include "blocks/codecs.h"
#include "blocks/format.h"

namespace bantam {

static_assert(std::endian::native == std::endian::little, "files are read in place");

namespace {

// Built at first use: constants of other files are not constant expressions here.
const std::array<Format, 5>& table() {
  static const std::array<Format, 5> rows{kF32Format, kF16Format, kBf16Format, kQ8_0Format,
                                          kI32Format};
  return rows;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

template <class Predicate>
const Format* find_if(Predicate wanted) {
  const auto found = std::ranges::find_if(table(), wanted);
  return found == table().end() ? nullptr : &*found;
}

}  // namespace

std::span<const Format> formats() { return table(); }

const Format& format(Type type) { return table()[static_cast<std::size_t>(type)]; }

const Format* find_format(std::string_view name) {
  return find_if([&](const Format& f) { return equal_ignoring_case(f.name, name); });
}

const Format* find_format_by_gguf(std::uint32_t gguf_id) {
  return find_if([&](const Format& f) { return f.gguf_id == gguf_id; });
}

const Format* find_format_by_safetensors(std::string_view dtype) {
  return find_if([&](const Format& f) { return !dtype.empty() && f.safetensors == dtype; });
}

}  // namespace bantam
