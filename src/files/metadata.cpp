#include "files/metadata.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <type_traits>
#include <utility>

#include "base/error.h"

namespace bantam::files {

namespace {

using Entry = Metadata::Entry;

template <class T>
T load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

// Calls `use` with the number that lies at `from`, in its own type. False: the type is no number.
template <class Use>
bool with_number(GgufValue type, const std::byte* from, Use use) {
  switch (type) {
    case GgufValue::uint8:
      return use(load<std::uint8_t>(from)), true;
    case GgufValue::int8:
      return use(load<std::int8_t>(from)), true;
    case GgufValue::uint16:
      return use(load<std::uint16_t>(from)), true;
    case GgufValue::int16:
      return use(load<std::int16_t>(from)), true;
    case GgufValue::uint32:
      return use(load<std::uint32_t>(from)), true;
    case GgufValue::int32:
      return use(load<std::int32_t>(from)), true;
    case GgufValue::float32:
      return use(load<float>(from)), true;
    case GgufValue::uint64:
      return use(load<std::uint64_t>(from)), true;
    case GgufValue::int64:
      return use(load<std::int64_t>(from)), true;
    case GgufValue::float64:
      return use(load<double>(from)), true;
    case GgufValue::boolean:
    case GgufValue::string:
    case GgufValue::array:
      return false;
  }
  return false;
}

bool is_float(GgufValue type) { return type == GgufValue::float32 || type == GgufValue::float64; }
bool is_number(GgufValue type) {
  return type != GgufValue::boolean && type != GgufValue::string && type != GgufValue::array;
}

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Splits the next string off an array of strings. The lengths were checked at opening; they are
// checked again because the file under the map may have changed since. nullopt: it has.
std::optional<std::string_view> next_string(std::span<const std::byte>& rest) {
  if (rest.size() < 8) return std::nullopt;
  const auto length = load<std::uint64_t>(rest.data());
  if (length > rest.size() - 8) return std::nullopt;
  const std::string_view text = text_of(rest.subspan(8, static_cast<std::size_t>(length)));
  rest = rest.subspan(8 + static_cast<std::size_t>(length));
  return text;
}

std::string number_text(GgufValue type, const std::byte* from) {
  if (type == GgufValue::boolean) return load<std::uint8_t>(from) != 0 ? "true" : "false";
  std::string out;
  with_number(type, from, [&](auto value) {
    char buffer[32];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
    out.assign(buffer, end);
  });
  return out;
}

Error wrong_type(const std::string& file, const Entry& entry, std::string_view expected) {
  return Error(std::string(expected) + " was expected, not " + Metadata::preview(entry) + " (" +
               Metadata::type_name(entry) + ")")
      .in(file)
      .field(std::string(entry.key))
      .at(entry.offset);
}

// The value of an integer key as T; throws when it is none, or does not fit.
template <class T>
T integer(const std::string& file, const Entry& entry, std::string_view expected) {
  T result{};
  bool fits = false;
  with_number(entry.type, entry.value.data(), [&](auto value) {
    if constexpr (std::is_integral_v<decltype(value)>) {
      fits = std::in_range<T>(value);
      result = static_cast<T>(value);
    }
  });
  if (!fits) throw wrong_type(file, entry, expected);
  return result;
}

constexpr std::string_view kUint = "an integer of 0 or more";
constexpr std::string_view kInt = "an integer";
constexpr std::string_view kFloat = "a number";
constexpr std::string_view kBool = "true or false";
constexpr std::string_view kString = "a text";
constexpr std::string_view kStrings = "an array of texts";
constexpr std::string_view kInts = "an array of integers";
constexpr std::string_view kFloats = "an array of numbers";

template <class T>
T needed(std::optional<T> value, const std::string& file, std::string_view key,
         std::string_view expected) {
  if (value) return *std::move(value);
  throw Error("the key is missing; it should hold " + std::string(expected))
      .in(file)
      .field(std::string(key));
}

}  // namespace

const Entry* Metadata::find(std::string_view key) const {
  const auto found = std::ranges::lower_bound(by_key_, key, {},
                                              [this](std::uint32_t i) { return entries_[i].key; });
  if (found == by_key_.end() || entries_[*found].key != key) return nullptr;
  return &entries_[*found];
}

std::optional<std::uint64_t> Metadata::find_uint(std::string_view key) const {
  const Entry* entry = find(key);
  if (!entry) return std::nullopt;
  return integer<std::uint64_t>(file_, *entry, kUint);
}

std::optional<std::int64_t> Metadata::find_int(std::string_view key) const {
  const Entry* entry = find(key);
  if (!entry) return std::nullopt;
  return integer<std::int64_t>(file_, *entry, kInt);
}

std::optional<double> Metadata::find_float(std::string_view key) const {
  const Entry* entry = find(key);
  if (!entry) return std::nullopt;
  double result = 0;
  if (!with_number(entry->type, entry->value.data(),
                   [&](auto value) { result = static_cast<double>(value); }))
    throw wrong_type(file_, *entry, kFloat);
  return result;
}

std::optional<bool> Metadata::find_bool(std::string_view key) const {
  const Entry* entry = find(key);
  if (!entry) return std::nullopt;
  if (entry->type != GgufValue::boolean) throw wrong_type(file_, *entry, kBool);
  return load<std::uint8_t>(entry->value.data()) != 0;
}

std::optional<std::string_view> Metadata::find_string(std::string_view key) const {
  const Entry* entry = find(key);
  if (!entry) return std::nullopt;
  if (entry->type != GgufValue::string) throw wrong_type(file_, *entry, kString);
  return text_of(entry->value);
}

// The entry if it is an array that may be copied out; null if it is absent. Element types are for
// the caller to check.
const Entry* Metadata::find_array(std::string_view key, std::string_view expected) const {
  const Entry* entry = find(key);
  if (!entry) return nullptr;
  if (entry->type != GgufValue::array) throw wrong_type(file_, *entry, expected);
  if (entry->count > kMaxArray)
    throw Error("the array has " + std::to_string(entry->count) + " elements; at most " +
                std::to_string(kMaxArray) + " are read")
        .in(file_)
        .field(std::string(key))
        .at(entry->offset);
  return entry;
}

std::optional<std::vector<std::string_view>> Metadata::find_strings(std::string_view key) const {
  const Entry* entry = find_array(key, kStrings);
  if (!entry) return std::nullopt;
  if (entry->element != GgufValue::string) throw wrong_type(file_, *entry, kStrings);
  std::vector<std::string_view> strings;
  strings.reserve(static_cast<std::size_t>(entry->count));
  std::span<const std::byte> rest = entry->value;
  for (std::uint64_t i = 0; i < entry->count; ++i) {
    const auto text = next_string(rest);
    if (!text)
      throw Error("the file changed while it was read")
          .in(file_)
          .field(std::string(key))
          .at(entry->offset);
    strings.push_back(*text);
  }
  return strings;
}

std::optional<std::vector<std::int64_t>> Metadata::find_ints(std::string_view key) const {
  const Entry* entry = find_array(key, kInts);
  if (!entry) return std::nullopt;
  const bool boolean = entry->element == GgufValue::boolean;
  if (!boolean && (!is_number(entry->element) || is_float(entry->element)))
    throw wrong_type(file_, *entry, kInts);
  const GgufValue element = boolean ? GgufValue::uint8 : entry->element;
  const std::uint32_t width = gguf_value_bytes(element);
  std::vector<std::int64_t> ints;
  ints.reserve(static_cast<std::size_t>(entry->count));
  for (std::uint64_t i = 0; i < entry->count; ++i) {
    with_number(element, entry->value.data() + i * width, [&](auto value) {
      if constexpr (std::is_integral_v<decltype(value)>) {
        if (!std::in_range<std::int64_t>(value))
          throw Error("element " + std::to_string(i) + " is " + std::to_string(value) +
                      "; integers up to 2^63 are read")
              .in(file_)
              .field(std::string(key))
              .at(entry->value_offset + i * width);
        ints.push_back(static_cast<std::int64_t>(value));
      }
    });
  }
  return ints;
}

std::optional<std::vector<float>> Metadata::find_floats(std::string_view key) const {
  const Entry* entry = find_array(key, kFloats);
  if (!entry) return std::nullopt;
  if (!is_number(entry->element)) throw wrong_type(file_, *entry, kFloats);
  const std::uint32_t width = gguf_value_bytes(entry->element);
  std::vector<float> floats;
  floats.reserve(static_cast<std::size_t>(entry->count));
  for (std::uint64_t i = 0; i < entry->count; ++i)
    with_number(entry->element, entry->value.data() + i * width,
                [&](auto value) { floats.push_back(static_cast<float>(value)); });
  return floats;
}

std::uint64_t Metadata::need_uint(std::string_view key) const {
  return needed(find_uint(key), file_, key, kUint);
}
std::int64_t Metadata::need_int(std::string_view key) const {
  return needed(find_int(key), file_, key, kInt);
}
double Metadata::need_float(std::string_view key) const {
  return needed(find_float(key), file_, key, kFloat);
}
bool Metadata::need_bool(std::string_view key) const {
  return needed(find_bool(key), file_, key, kBool);
}
std::string_view Metadata::need_string(std::string_view key) const {
  return needed(find_string(key), file_, key, kString);
}
std::vector<std::string_view> Metadata::need_strings(std::string_view key) const {
  return needed(find_strings(key), file_, key, kStrings);
}
std::vector<std::int64_t> Metadata::need_ints(std::string_view key) const {
  return needed(find_ints(key), file_, key, kInts);
}
std::vector<float> Metadata::need_floats(std::string_view key) const {
  return needed(find_floats(key), file_, key, kFloats);
}

std::string Metadata::type_name(const Entry& entry) {
  std::string name(gguf_value_name(entry.type));
  if (entry.type == GgufValue::array)
    name += "[" + std::string(gguf_value_name(entry.element)) + "]";
  return name;
}

std::string Metadata::preview(const Entry& entry, std::size_t limit) {
  const auto quoted = [](std::string_view text, std::size_t most) {
    return "\"" + printable(text, most) + "\"";
  };
  if (entry.type == GgufValue::string) return quoted(text_of(entry.value), limit);
  if (entry.type != GgufValue::array) return number_text(entry.type, entry.value.data());
  if (entry.element == GgufValue::array) return "[" + std::to_string(entry.count) + " arrays]";
  std::string out = "[";
  std::span<const std::byte> rest = entry.value;
  for (std::uint64_t i = 0; i < entry.count; ++i) {
    if (i > 0) out += ", ";
    if (out.size() >= limit) return out + "...]";
    if (entry.element == GgufValue::string) {
      const auto text = next_string(rest);
      if (!text) break;
      out += quoted(*text, limit - std::min(limit - 1, out.size()));
    } else {
      out += number_text(entry.element, entry.value.data() + i * gguf_value_bytes(entry.element));
    }
  }
  return out + "]";
}

}  // namespace bantam::files
