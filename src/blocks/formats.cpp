// The table of types: one row each, in the order of the enumeration Type.
#include <algorithm>
#include <array>
#include <bit>
#include <vector>

#include "blocks/codecs.h"
#include "blocks/format.h"

namespace bantam::blocks {

static_assert(std::endian::native == std::endian::little, "files are read in place");

namespace {

// Built at first use: constants of other files are not constant expressions here.
std::span<const Format> table() {
  static const std::array rows{
      kF32Format,   kF16Format,    kBf16Format,  kQ8_0Format,  kI32Format,    kQ4_0Format,
      kQ6_KFormat,  kQ4_1Format,   kQ5_0Format,  kQ5_1Format,  kQ2_KFormat,   kQ3_KFormat,
      kQ4_KFormat,  kQ5_KFormat,   kIq4NLFormat, kIq4XSFormat, kTq1_0Format,  kTq2_0Format,
      kMxfp4Format, kIq2XXSFormat, kIq2XSFormat, kIq2SFormat,  kIq3XXSFormat, kIq3SFormat,
      kIq1SFormat,  kIq1MFormat,
  };
  return rows;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

template <class Predicate>
const Format* find_if(Predicate wanted) {
  for (const Format& f : table())
    if (wanted(f)) return &f;
  return nullptr;
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

std::string upper_name(const Format& format) {
  std::string name(format.name);
  for (char& c : name) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return name;
}

std::string names_of_formats(bool (*wanted)(const Format&)) {
  std::vector<std::string> names;
  for (const Format& f : table())
    if (wanted(f)) names.push_back(upper_name(f));
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i)
    text += (i == 0 ? "" : i + 1 == names.size() ? " and " : ", ") + names[i];
  return text;
}

}  // namespace bantam::blocks
