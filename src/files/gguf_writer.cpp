#include "files/gguf_writer.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "blocks/format.h"
#include "files/gguf_parts.h"
#include "files/utf8.h"

namespace bantam::files {

namespace {

constexpr std::uint64_t kAlignment = 32;
constexpr std::size_t kMaxKey = 65535;
constexpr std::size_t kMaxTensorName = 63;  // GGML_MAX_NAME in ggml/include/ggml.h, less its NUL

std::uint64_t aligned(std::uint64_t size) {
  return (size + kAlignment - 1) / kAlignment * kAlignment;
}

template <class T>
void append(std::string& out, T value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

void append(std::string& out, std::string_view text) {
  append(out, static_cast<std::uint64_t>(text.size()));
  out += text;
}

template <class T>
std::string scalar(GgufValue type, T value) {
  std::string out;
  append(out, static_cast<std::uint32_t>(type));
  append(out, value);
  return out;
}

std::string array_head(GgufValue element, std::uint64_t count) {
  std::string out;
  append(out, static_cast<std::uint32_t>(GgufValue::array));
  append(out, static_cast<std::uint32_t>(element));
  append(out, count);
  return out;
}

template <class T>
std::string array(GgufValue element, std::span<const T> values) {
  std::string out = array_head(element, values.size());
  if (!values.empty())
    out.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  return out;
}

void require_utf8(std::string_view key, std::string_view text, const std::string& file) {
  if (utf8_prefix(text) == text.size()) return;
  throw Error("a text that is not UTF-8 cannot be written: " + printable(text))
      .in(file)
      .field(std::string(key));
}

template <class Text>
std::string strings(std::string_view key, std::span<const Text> values, const std::string& file) {
  std::string out = array_head(GgufValue::string, values.size());
  for (const Text& value : values) {
    require_utf8(key, value, file);
    append(out, std::string_view(value));
  }
  return out;
}

}  // namespace

GgufWriter::GgufWriter(const Path& target) : target_(target.string()) {
  parts_.push_back({std::make_unique<AtomicFile>(target), 0, target});
}

void GgufWriter::split(std::uint64_t bytes, bool replace) {
  part_bytes_ = bytes;
  replace_ = replace;
}

std::string& GgufWriter::slot(std::string_view key) {
  if (key.empty() || key.size() > kMaxKey || key.find('\0') != key.npos)
    throw Error("a key of 1 to 65535 bytes without NUL was expected")
        .in(target_)
        .field(std::string(key.substr(0, 80)));
  require_utf8(key, key, target_);
  const auto found = std::ranges::find(values_, key, &Value::key);
  if (found != values_.end()) return found->bytes;
  return values_.emplace_back(Value{std::string(key), {}}).bytes;
}

void GgufWriter::set(std::string_view key, bool value) {
  slot(key) = scalar(GgufValue::boolean, static_cast<std::uint8_t>(value ? 1 : 0));
}
void GgufWriter::set(std::string_view key, std::uint8_t value) {
  slot(key) = scalar(GgufValue::uint8, value);
}
void GgufWriter::set(std::string_view key, std::int8_t value) {
  slot(key) = scalar(GgufValue::int8, value);
}
void GgufWriter::set(std::string_view key, std::uint16_t value) {
  slot(key) = scalar(GgufValue::uint16, value);
}
void GgufWriter::set(std::string_view key, std::int16_t value) {
  slot(key) = scalar(GgufValue::int16, value);
}
void GgufWriter::set(std::string_view key, std::uint32_t value) {
  slot(key) = scalar(GgufValue::uint32, value);
}
void GgufWriter::set(std::string_view key, std::int32_t value) {
  slot(key) = scalar(GgufValue::int32, value);
}
void GgufWriter::set(std::string_view key, std::uint64_t value) {
  slot(key) = scalar(GgufValue::uint64, value);
}
void GgufWriter::set(std::string_view key, std::int64_t value) {
  slot(key) = scalar(GgufValue::int64, value);
}
void GgufWriter::set(std::string_view key, float value) {
  slot(key) = scalar(GgufValue::float32, value);
}
void GgufWriter::set(std::string_view key, double value) {
  slot(key) = scalar(GgufValue::float64, value);
}
void GgufWriter::set(std::string_view key, std::string_view value) {
  require_utf8(key, value, target_);
  slot(key) = scalar(GgufValue::string, value);
}
void GgufWriter::set(std::string_view key, std::span<const std::string> values) {
  slot(key) = strings(key, values, target_);
}
void GgufWriter::set(std::string_view key, std::span<const std::string_view> values) {
  slot(key) = strings(key, values, target_);
}
void GgufWriter::set(std::string_view key, std::span<const bool> values) {
  std::string out = array_head(GgufValue::boolean, values.size());
  for (const bool value : values) append(out, static_cast<std::uint8_t>(value ? 1 : 0));
  slot(key) = std::move(out);
}
void GgufWriter::set(std::string_view key, std::span<const std::uint32_t> values) {
  slot(key) = array(GgufValue::uint32, values);
}
void GgufWriter::set(std::string_view key, std::span<const std::int32_t> values) {
  slot(key) = array(GgufValue::int32, values);
}
void GgufWriter::set(std::string_view key, std::span<const float> values) {
  slot(key) = array(GgufValue::float32, values);
}

void GgufWriter::copy(const Metadata::Entry& entry) {
  if (entry.key == "general.alignment") return;
  std::string out;
  if (entry.type == GgufValue::array)
    out = array_head(entry.element, entry.count);
  else
    append(out, static_cast<std::uint32_t>(entry.type));
  if (entry.type == GgufValue::string) append(out, static_cast<std::uint64_t>(entry.value.size()));
  out.append(reinterpret_cast<const char*>(entry.value.data()), entry.value.size());
  slot(entry.key) = std::move(out);
}

std::string GgufWriter::text(std::string_view key) const {
  constexpr std::size_t kHead = 4 + 8;  // type and length
  const auto found = std::ranges::find(values_, key, &Value::key);
  if (found == values_.end() || found->bytes.size() < kHead ||
      !found->bytes.starts_with(scalar(GgufValue::string, std::string_view()).substr(0, 4)))
    return {};
  return found->bytes.substr(kHead);
}

void GgufWriter::remove(std::string_view key) {
  std::erase_if(values_, [key](const Value& value) { return value.key == key; });
}

void GgufWriter::add_tensor(std::string name, Type type, const Shape& shape) {
  add_tensor(std::move(name), *find_gguf_type(format(type).gguf_id), shape);
}

void GgufWriter::add_tensor(std::string name, const GgufType& type, const Shape& shape) {
  const auto refuse = [&](const std::string& message) {
    throw Error(message).in(target_).field(name);
  };
  if (name.empty() || name.size() > kMaxTensorName || name.find('\0') != name.npos ||
      utf8_prefix(name) != name.size())
    refuse("a tensor name of 1 to 63 bytes of UTF-8 was expected");
  if (!names_.insert(name).second) refuse("two tensors have this name");
  if (shape.count() <= 0) refuse("the shape " + shape.text() + " has no elements");
  if (shape.back() % type.block != 0)
    refuse("rows of " + std::to_string(shape.back()) + " elements cannot be " +
           std::string(type.name) + ", which packs " + std::to_string(type.block) + " at a time");
  const auto size = static_cast<std::uint64_t>(shape.count() / type.block) * type.bytes;
  tensors_.push_back({std::move(name), type, shape, data_size_, size});
  data_size_ += aligned(size);
}

std::size_t GgufWriter::end_of(std::size_t part) const {
  return part + 1 < parts_.size() ? parts_[part + 1].first : tensors_.size();
}

// Cuts the tensors into files, and gives the files their names.
void GgufWriter::plan_parts() {
  std::vector<std::size_t> firsts{0};
  std::uint64_t size = 0;
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    const std::uint64_t bytes = aligned(tensors_[i].size);
    if (size != 0 && size + bytes > part_bytes_) {
      firsts.push_back(i);
      size = 0;
    }
    size += bytes;
  }
  if (firsts.size() > kMaxGgufParts)
    throw Error("would take " + std::to_string(firsts.size()) + " files; at most " +
                std::to_string(kMaxGgufParts) + " are written: let them be larger")
        .in(target_);
  const Path prefix = gguf_part_prefix(target_);
  parts_.clear();
  if (!replace_) require_no_parts(prefix);
  for (std::size_t i = 0; i < firsts.size(); ++i) {
    const Path path = gguf_part_path(prefix, i, firsts.size());
    std::error_code ignored;
    if (!replace_ && std::filesystem::exists(std::filesystem::symlink_status(path, ignored)))
      throw Error("exists; remove it, choose another name, or say --force").in(path.string());
    parts_.push_back({std::make_unique<AtomicFile>(path), firsts[i], path});
  }
}

void GgufWriter::write_head(std::size_t part) {
  const std::span<const Planned> tensors =
      std::span(tensors_).subspan(parts_[part].first, end_of(part) - parts_[part].first);
  // All that is said of the model stands in the first part.
  std::vector<Value> values;
  if (part == 0) values = values_;
  if (part_bytes_ > 0) {
    const auto u16 = [](std::size_t value) {
      return scalar(GgufValue::uint16, static_cast<std::uint16_t>(value));
    };
    values.push_back({kSplitNo, u16(part)});
    values.push_back({kSplitCount, u16(parts_.size())});
    values.push_back({kSplitTensors,
                      scalar(GgufValue::int32, static_cast<std::int32_t>(tensors_.size()))});
  }
  std::string head = "GGUF";
  append(head, std::uint32_t{3});
  append(head, static_cast<std::uint64_t>(tensors.size()));
  append(head, static_cast<std::uint64_t>(values.size()));
  for (const Value& value : values) {
    append(head, std::string_view(value.key));
    head += value.bytes;
  }
  for (const Planned& tensor : tensors) {
    append(head, std::string_view(tensor.name));
    const int rank = std::max(1, tensor.shape.rank());  // a single number is a row of one
    append(head, static_cast<std::uint32_t>(rank));
    if (tensor.shape.rank() == 0) append(head, std::uint64_t{1});
    for (int i = tensor.shape.rank() - 1; i >= 0; --i)
      append(head, static_cast<std::uint64_t>(tensor.shape[i]));
    append(head, tensor.type.id);
    append(head, tensor.offset - tensors.front().offset);
  }
  head.resize(static_cast<std::size_t>(aligned(head.size())), '\0');
  parts_[part].file->write(head);
}

void GgufWriter::start() {
  if (started_) return;
  started_ = true;
  for (const char* key : {kSplitNo, kSplitCount, kSplitTensors}) remove(key);
  if (part_bytes_ > 0) plan_parts();
  for (std::size_t part = 0; part < parts_.size(); ++part) write_head(part);
}

void GgufWriter::put(std::span<const std::byte> part) {
  const Planned& tensor = tensors_[current_];
  if (part.size() > tensor.size - written_)
    throw Error("more bytes were written than its " + std::to_string(tensor.size))
        .in(target_)
        .field(tensor.name);
  parts_[part_].file->write(part);
  written_ += part.size();
}

void GgufWriter::end_tensor() {
  const Planned& tensor = tensors_[current_];
  if (written_ != tensor.size)
    throw Error("only " + std::to_string(written_) + " of its " + std::to_string(tensor.size) +
                " bytes were written")
        .in(target_)
        .field(tensor.name);
  parts_[part_].file->write(
      std::string(static_cast<std::size_t>(aligned(written_) - written_), '\0'));
  written_ = 0;
  ++current_;
  while (part_ + 1 < parts_.size() && current_ == parts_[part_ + 1].first) ++part_;
}

void GgufWriter::write_tensor(std::span<const std::byte> bytes) {
  start();
  if (current_ == tensors_.size())
    throw Error("more tensors were written than announced").in(target_);
  put(bytes);
  end_tensor();
}

void GgufWriter::close() {
  start();
  if (current_ != tensors_.size())
    throw Error("the tensor was not written").in(target_).field(tensors_[current_].name);
  // The first part last: where it is, all are.
  std::size_t left = parts_.size();
  try {
    for (; left > 0; --left) parts_[left - 1].file->commit();
  } catch (...) {
    std::error_code ignored;
    for (std::size_t i = left; i < parts_.size(); ++i)
      std::filesystem::remove(parts_[i].path, ignored);
    throw;
  }
  if (part_bytes_ > 0) remove_older_parts();
}

void GgufWriter::remove_older_parts() const {
  for (const Path& path : gguf_parts_named(gguf_part_prefix(target_))) {
    if (std::ranges::find(parts_, path, &Part::path) != parts_.end()) continue;
    std::error_code problem;
    std::filesystem::remove(path, problem);
    if (problem)
      throw Error("the new parts are written, but this older one cannot be removed: " + problem.message())
          .in(path.string());
  }
}

std::vector<Path> GgufWriter::files() const {
  std::vector<Path> all;
  for (const Part& part : parts_) all.push_back(part.path);
  return all;
}

void GgufWriter::finish(const FillTensor& fill) {
  start();
  while (current_ < tensors_.size()) {
    fill(current_, [this](std::span<const std::byte> part) { put(part); });
    end_tensor();
  }
  close();
}

}  // namespace bantam::files
