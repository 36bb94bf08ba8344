// The keys and values at the head of a GGUF file, read in place: nothing is copied until it is
// asked for. A view: valid as long as the GgufFile that it belongs to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/rooms.h"
#include "files/gguf_types.h"

namespace bantam::files {

class Metadata {
 public:
  struct Entry {
    std::string_view key;
    GgufValue type;
    GgufValue element;                 // of an array; else the same as type
    std::uint64_t count;               // elements of an array; else 1
    std::uint64_t offset;              // of the entry in the file
    std::uint64_t value_offset;        // of `value` in the file
    std::span<const std::byte> value;  // a string's text, an array's first to last element
  };

  // An array longer than this is not copied out (find_strings, find_ints, find_floats throw): the
  // copy must stay small beside the file. Vocabularies have under a million entries.
  static constexpr std::uint64_t kMaxArray = std::uint64_t{1} << 22;
  static constexpr std::uint64_t kMaxKeys = 65536;

  std::span<const Entry> entries() const { return entries_; }  // in the order of the file
  const Entry* find(std::string_view key) const;
  bool has(std::string_view key) const { return find(key) != nullptr; }
  // Some keys hold one number or an array with one for each layer.
  bool is_array(std::string_view key) const {
    const Entry* entry = find(key);
    return entry != nullptr && entry->type == GgufValue::array;
  }

  // Absent: nullopt. Present with another type, or a number out of range (a negative one for
  // find_uint): throws Error with file, key and offset, what was expected and what is there.
  std::optional<std::uint64_t> find_uint(std::string_view key) const;  // any integer type
  std::optional<std::int64_t> find_int(std::string_view key) const;    // any integer type
  std::optional<double> find_float(std::string_view key) const;        // any number type
  std::optional<bool> find_bool(std::string_view key) const;
  std::optional<std::string_view> find_string(std::string_view key) const;  // into the map
  std::optional<std::vector<std::string_view>> find_strings(std::string_view key) const;
  std::optional<std::vector<std::int64_t>> find_ints(
      std::string_view key) const;                                            // any integers, bools
  std::optional<std::vector<float>> find_floats(std::string_view key) const;  // any numbers

  // The same; absent throws too.
  std::uint64_t need_uint(std::string_view key) const;
  std::int64_t need_int(std::string_view key) const;
  double need_float(std::string_view key) const;
  bool need_bool(std::string_view key) const;
  std::string_view need_string(std::string_view key) const;
  std::vector<std::string_view> need_strings(std::string_view key) const;
  std::vector<std::int64_t> need_ints(std::string_view key) const;
  std::vector<float> need_floats(std::string_view key) const;

  // For people: "u32", "arr[str]"; and a value on one line without control characters, long ones
  // cut.
  static std::string type_name(const Entry& entry);
  static std::string preview(const Entry& entry, std::size_t limit = 60);

 private:
  friend class GgufReader;
  const Entry* find_array(std::string_view key, std::string_view expected) const;
  std::string file_;
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> by_key_;  // indices into entries_, sorted by key
};

}  // namespace bantam::files
