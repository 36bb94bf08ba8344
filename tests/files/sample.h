// Hand-made files for the tests of the readers: bytes are put together here without the writers.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/file.h"

namespace bantam::test {

// Appends little-endian numbers and length-prefixed strings; remembers where things stand.
class Bytes {
 public:
  template <class T>
  Bytes& number(T value) {
    char raw[sizeof value];
    std::memcpy(raw, &value, sizeof value);
    text_.append(raw, sizeof value);
    return *this;
  }
  Bytes& u32(std::uint32_t value) { return number(value); }
  Bytes& u64(std::uint64_t value) { return number(value); }
  Bytes& raw(std::string_view text) {
    text_ += text;
    return *this;
  }
  Bytes& text(std::string_view text) { return u64(text.size()).raw(text); }
  Bytes& mark(const std::string& name) {
    marks_[name] = text_.size();
    return *this;
  }
  Bytes& align(std::size_t alignment) {
    text_.resize((text_.size() + alignment - 1) / alignment * alignment, '\0');
    return *this;
  }
  Bytes& zeros(std::size_t count) {
    text_.append(count, '\0');
    return *this;
  }

  std::size_t at(const std::string& name) const { return marks_.at(name); }
  const std::map<std::string, std::size_t>& marks() const { return marks_; }
  const std::string& str() const { return text_; }

  // A copy with the number at a mark (or an offset) replaced.
  template <class T>
  std::string with(std::size_t offset, T value) const {
    std::string copy = text_;
    std::memcpy(copy.data() + offset, &value, sizeof value);
    return copy;
  }
  template <class T>
  std::string with(const std::string& name, T value) const {
    return with(at(name), value);
  }

 private:
  std::string text_;
  std::map<std::string, std::size_t> marks_;
};

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

// A small GGUF file with a key of every kind and three tensors, the last of a type that this
// program only lists. Nothing follows the last tensor's data.
inline Bytes gguf_sample(std::uint32_t version = 3) {
  Bytes b;
  b.mark("magic").raw("GGUF").mark("version").u32(version);
  b.mark("tensor count").u64(3).mark("key count").u64(8);
  b.mark("arch").text("general.architecture").u32(8).mark("arch value").text("llama");
  b.mark("layers").text("llama.block_count").mark("layers type").u32(4);
  b.mark("layers value").u32(5);
  b.mark("eps").text("llama.eps").u32(6).mark("eps value").number(1e-5f);
  b.mark("flag").text("flag").u32(7).mark("flag value").number(std::uint8_t{1});
  b.mark("ids").text("ids").u32(9).mark("ids element").u32(5).mark("ids count").u64(3);
  b.mark("ids value").number(std::int32_t{-1}).number(std::int32_t{7}).number(std::int32_t{2});
  b.mark("words").text("words").u32(9).u32(8).mark("words count").u64(3);
  b.mark("word").text("one").text("").text("三");
  b.mark("bools").text("bools").u32(9).u32(7).u64(2).mark("bools value").raw({"\1\0", 2});
  b.mark("nested").text("nested").u32(9).mark("nested element").u32(9).u64(1).u32(0).u64(2);
  b.raw("ab");
  b.mark("t1").text("token_embd.weight").mark("t1 rank").u32(2).mark("t1 dims").u64(4).u64(2);
  b.mark("t1 type").u32(0).mark("t1 offset").u64(0);
  b.mark("t2").text("norm").u32(1).mark("t2 dims").u64(3).u32(1).mark("t2 offset").u64(32);
  b.mark("t3").text("k").u32(2).mark("t3 dims").u64(256).u64(1).mark("t3 type").u32(12);
  b.mark("t3 offset").u64(64).mark("padding").align(32).mark("data");
  for (int i = 0; i < 8; ++i) b.number(static_cast<float>(i));
  b.raw({"\x00\x3c\x00\xc0\x01\x00", 6}).align(32).zeros(144);  // 1, -2, 2^-24 as F16
  return b;
}

// The error of a call, which must be of type Error.
template <class Call>
std::string error_of(Call call, std::optional<Error>* error = nullptr) {
  try {
    call();
  } catch (const Error& thrown) {
    if (error) *error = thrown;
    return thrown.what();
  }
  ADD_FAILURE() << "no error";
  return {};
}

// A folder of its own, removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "bantam-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "no temporary folder";
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const Path& path() const { return path_; }
  Path operator/(const std::string& name) const { return path_ / name; }

 private:
  Path path_;
};

}  // namespace bantam::test
