// Writes GGUF version 3, alignment 32: same input, same bytes. Format: docs/gguf.md
// (ggml-org/ggml).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/file.h"
#include "files/metadata.h"
#include "files/tensor_writer.h"

namespace bantam::files {

class GgufWriter : public TensorWriter {
 public:
  // Creates the temporary file, so that a folder that cannot be written is known at once.
  explicit GgufWriter(const Path& target);
  // Several files of at most `bytes` of tensors each (a tensor that is larger alone has one of its
  // own), in place of the target NAME.gguf: NAME-00001-of-00003.gguf, ..., as llama-gguf-split cuts
  // and names them (tools/gguf-split, ggml-org/llama.cpp). Older parts of that name, of whatever
  // number, are removed when the new ones are complete; unless `replace`, writing throws Error when
  // there are any.
  void split(std::uint64_t bytes, bool replace);

  // Keys are written in the order in which they were first set; setting one again replaces its
  // value.
  void set(std::string_view key, bool value);
  void set(std::string_view key, std::uint8_t value);
  void set(std::string_view key, std::int8_t value);
  void set(std::string_view key, std::uint16_t value);
  void set(std::string_view key, std::int16_t value);
  void set(std::string_view key, std::uint32_t value);
  void set(std::string_view key, std::int32_t value);
  void set(std::string_view key, std::uint64_t value);
  void set(std::string_view key, std::int64_t value);
  void set(std::string_view key, float value);
  void set(std::string_view key, double value);
  void set(std::string_view key, std::string_view value);
  void set(std::string_view key, const char* value) { set(key, std::string_view(value)); }
  void set(std::string_view key, const std::string& value) { set(key, std::string_view(value)); }
  void set(std::string_view key, std::span<const std::string> values);
  void set(std::string_view key, std::span<const std::string_view> values);
  void set(std::string_view key, std::span<const bool> values);
  void set(std::string_view key, std::span<const std::uint32_t> values);
  void set(std::string_view key, std::span<const std::int32_t> values);
  void set(std::string_view key, std::span<const float> values);
  // A value of another file, whatever its type; its alignment is not taken over.
  void copy(const Metadata::Entry& entry);
  void remove(std::string_view key);
  // The text set for a key; empty when there is none.
  std::string text(std::string_view key) const;

  // Throws Error for a name that is empty or there already, or a width that the type's block does
  // not divide.
  void add_tensor(std::string name, Type type, const Shape& shape) override;
  // Also a type that this program only carries ("Q4_K"), for copying from another file.
  void add_tensor(std::string name, const GgufType& type, const Shape& shape);
  void finish(const FillTensor& fill) override;
  // The whole of the next tensor; after the last one, close(). finish() is these two in one.
  void write_tensor(std::span<const std::byte> bytes);
  void close();
  // The files, which are known once writing has begun.
  std::vector<Path> files() const;

 private:
  struct Value {
    std::string key, bytes;  // bytes: type and payload
  };
  struct Planned {
    std::string name;
    GgufType type;
    Shape shape;
    std::uint64_t offset, size;
  };
  std::string& slot(std::string_view key);
  void start();
  void plan_parts();
  void remove_older_parts() const;
  void write_head(std::size_t part);
  std::size_t end_of(std::size_t part) const;
  void put(std::span<const std::byte> part);
  void end_tensor();

  struct Part {
    std::unique_ptr<AtomicFile> file;
    std::size_t first;  // of tensors_
    Path path;
  };

  std::vector<Part> parts_;  // one, unless it is split
  std::string target_;
  std::uint64_t part_bytes_ = 0;  // 0: one file
  bool replace_ = false;
  std::vector<Value> values_;
  std::vector<Planned> tensors_;
  std::unordered_set<std::string> names_;
  std::uint64_t data_size_ = 0;
  bool started_ = false;
  std::size_t part_ = 0;       // being written
  std::size_t current_ = 0;    // tensor being written
  std::uint64_t written_ = 0;  // of its bytes
};

}  // namespace bantam::files
