#include "files/gguf_parts.h"

#include <dirent.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <memory>

#include "base/error.h"

namespace bantam::files {

namespace {

constexpr std::string_view kGgufEnding = ".gguf";

// Takes "WORD" and the five (or more) digits after it off the end of `name`.
std::optional<std::uint64_t> take_number(std::string& name, std::string_view word) {
  std::size_t digits = 0;
  while (digits < name.size() && digits < 9 && name[name.size() - 1 - digits] >= '0' &&
         name[name.size() - 1 - digits] <= '9')
    ++digits;
  if (digits < 5 || name.size() < digits + word.size()) return std::nullopt;
  const std::size_t start = name.size() - digits;
  if (name.compare(start - word.size(), word.size(), word) != 0) return std::nullopt;
  std::uint64_t number = 0;
  std::from_chars(name.data() + start, name.data() + name.size(), number);
  name.resize(start - word.size());
  return number;
}

}  // namespace

std::string gguf_part_suffix(std::uint64_t number, std::uint64_t count) {
  char text[64];
  std::snprintf(text, sizeof text, "-%05llu-of-%05llu.gguf",
                static_cast<unsigned long long>(number + 1),
                static_cast<unsigned long long>(count));
  return text;
}

Path gguf_part_path(const Path& prefix, std::uint64_t number, std::uint64_t count) {
  Path path = prefix;
  path += gguf_part_suffix(number, count);
  return path;
}

std::optional<GgufPartName> gguf_part_name(const Path& path) {
  std::string name = path.filename().string();
  if (!name.ends_with(kGgufEnding)) return std::nullopt;
  name.resize(name.size() - kGgufEnding.size());
  const auto count = take_number(name, "-of-");
  if (!count) return std::nullopt;
  const auto number = take_number(name, "-");
  if (!number || *number < 1 || *number > *count) return std::nullopt;
  return GgufPartName{path.parent_path() / name, *number - 1, *count};
}

Path gguf_part_prefix(const Path& whole) {
  Path prefix = whole;
  return prefix.replace_extension();
}

std::vector<Path> gguf_parts_named(const Path& prefix) {
  const auto close = [](DIR* folder) { closedir(folder); };
  const Path parent = prefix.has_parent_path() ? prefix.parent_path() : Path(".");
  // The standard library's iterator ends the program when memory runs out.
  const std::unique_ptr<DIR, decltype(close)> folder(opendir(parent.c_str()), close);
  std::vector<Path> found;
  if (!folder) return found;
  while (const dirent* entry = readdir(folder.get())) {
    const Path path = prefix.parent_path() / entry->d_name;
    std::error_code ignored;
    if (const auto part = gguf_part_name(path);
        part && part->prefix == prefix && !std::filesystem::is_directory(path, ignored))
      found.push_back(path);
  }
  std::ranges::sort(found);
  return found;
}

void require_no_parts(const Path& prefix) {
  const std::vector<Path> there = gguf_parts_named(prefix);
  if (there.empty()) return;
  throw Error(there.size() == 1
                  ? "exists; remove it, choose another name, or say --force"
                  : "exists, one of " + std::to_string(there.size()) +
                        " parts of this name; remove them, choose another name, or say --force")
      .in(there.front().string());
}

const Path& present_part(const Path& path) {
  std::error_code ignored;
  if (const auto part = gguf_part_name(path); part && !std::filesystem::exists(path, ignored))
    throw Error("part " + std::to_string(part->number + 1) + " of " + std::to_string(part->count) +
                " of the model is missing; get it too, into the same folder")
        .in(path.string());
  return path;
}

}  // namespace bantam::files
