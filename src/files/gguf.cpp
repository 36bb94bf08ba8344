#include "files/gguf.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>

#include "base/error.h"
#include "files/gguf_parts.h"
#include "files/foreign.h"
#include "files/utf8.h"

namespace bantam::files {

namespace {

constexpr std::uint64_t kMaxName = 65535;          // of a key, by the specification
constexpr std::uint64_t kMaxAlignment = 1u << 20;  // larger ones only blow a small file up
constexpr int kMaxArrayDepth = 4;
constexpr std::uint64_t kLeastKey = 8 + 1 + 4 + 1;             // length, name, type, value
constexpr std::uint64_t kLeastTensor = 8 + 1 + 4 + 8 + 4 + 8;  // .., dimensions, type, offset

std::string plural(std::uint64_t count, const char* noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

// Reads numbers and strings in turn, never past the end; every message says where.
class Cursor {
 public:
  Cursor(std::span<const std::byte> bytes, const std::string& file) : bytes_(bytes), file_(file) {}

  std::uint64_t at() const { return at_; }
  std::uint64_t left() const { return bytes_.size() - at_; }
  void skip(std::uint64_t count) { at_ += count; }  // count <= left()
  std::span<const std::byte> part(std::uint64_t from, std::uint64_t count) const {
    return bytes_.subspan(static_cast<std::size_t>(from), static_cast<std::size_t>(count));
  }

  // What is being read, for messages: "key 3 of 20", until its name is known.
  void begin(const char* what, std::uint64_t index, std::uint64_t total) {
    what_ = what, index_ = index, total_ = total, name_ = {};
  }
  void begin(const char* what) { begin(what, 0, 0); }
  void named(std::string_view name) { name_ = name; }

  Error fail(const std::string& message, std::uint64_t offset) const {
    std::string field(name_);
    if (field.empty()) field = what_;
    if (name_.empty() && total_ > 0)
      field += " " + std::to_string(index_ + 1) + " of " + std::to_string(total_);
    return Error(message).in(file_).field(field).at(offset);
  }

  template <class T>
  T number() {
    if (left() < sizeof(T))
      throw fail("the file is cut short: " + plural(sizeof(T), "byte") + " expected, " +
                     std::to_string(left()) + " left",
                 at_);
    T value;
    std::memcpy(&value, bytes_.data() + at_, sizeof value);
    at_ += sizeof value;
    return value;
  }

  std::string_view text(std::uint64_t limit) {
    const std::uint64_t start = at_;
    const auto length = number<std::uint64_t>();
    if (length > left())
      throw fail("a string of " + plural(length, "byte") +
                     " does not fit: " + std::to_string(left()) + " are left in the file",
                 start);
    if (length > limit)
      throw fail("a name of " + plural(length, "byte") + "; at most " + std::to_string(limit) +
                     " are allowed",
                 start);
    const std::string_view text(reinterpret_cast<const char*>(bytes_.data() + at_),
                                static_cast<std::size_t>(length));
    const std::size_t valid = utf8_prefix(text);
    if (valid != text.size()) throw fail("the text is not UTF-8", at_ + valid);
    at_ += length;
    return text;
  }

  // A key or the name of a tensor.
  std::string_view name() {
    const std::uint64_t start = at_;
    const std::string_view text = this->text(kMaxName);
    if (text.empty()) throw fail("the name is empty", start);
    if (text.find('\0') != text.npos) throw fail("the name holds a NUL byte", start);
    return text;
  }

 private:
  std::span<const std::byte> bytes_;
  const std::string& file_;
  std::uint64_t at_ = 0;
  const char* what_ = "";
  std::uint64_t index_ = 0, total_ = 0;
  std::string_view name_;
};

GgufValue value_type(Cursor& in) {
  const std::uint64_t start = in.at();
  const auto type = in.number<std::uint32_t>();
  if (type >= kGgufValues)
    throw in.fail("value type " + std::to_string(type) + " is unknown; 0 to 12 were expected",
                  start);
  return static_cast<GgufValue>(type);
}

void check_bools(Cursor& in, std::uint64_t count) {
  for (const std::byte value : in.part(in.at(), count)) {
    if (static_cast<unsigned>(value) > 1)
      throw in.fail(
          "a boolean is " + std::to_string(static_cast<unsigned>(value)) + "; 0 or 1 was expected",
          in.at());
    in.skip(1);
  }
}

void skip_array(Cursor& in, int depth);

// Walks over `count` values of one type that follow each other.
void skip_values(Cursor& in, GgufValue type, std::uint64_t count, int depth) {
  const std::uint32_t bytes = gguf_value_bytes(type);
  // A string takes at least its length, an array its type and length.
  const std::uint64_t least = bytes != 0 ? bytes : type == GgufValue::string ? 8 : 12;
  if (count > in.left() / least)
    throw in.fail("an array of " + plural(count, "element") +
                      " does not fit: " + plural(in.left(), "byte") + " are left in the file",
                  in.at());
  if (type == GgufValue::boolean) return check_bools(in, count);
  if (bytes != 0) return in.skip(count * bytes);
  for (std::uint64_t i = 0; i < count; ++i) {
    if (type == GgufValue::string)
      in.text(UINT64_MAX);
    else
      skip_array(in, depth + 1);
  }
}

void skip_array(Cursor& in, int depth) {
  if (depth > kMaxArrayDepth)
    throw in.fail("arrays are nested more than " + std::to_string(kMaxArrayDepth) + " deep",
                  in.at());
  const GgufValue element = value_type(in);
  const auto count = in.number<std::uint64_t>();
  skip_values(in, element, count, depth);
}

std::uint64_t checked_count(Cursor& in, const char* what, std::uint64_t least, std::uint64_t most) {
  in.begin(what);
  const std::uint64_t start = in.at();
  const auto count = in.number<std::uint64_t>();
  if (count > in.left() / least)
    throw in.fail(
        std::to_string(count) + " do not fit into a file of " + plural(in.at() + in.left(), "byte"),
        start);
  if (count > most)
    throw in.fail(
        "is " + std::to_string(count) + "; at most " + std::to_string(most) + " are supported",
        start);
  return count;
}

}  // namespace

// One pass over the head of the file.
class GgufReader {
 public:
  GgufReader(std::span<const std::byte> bytes, const std::string& file)
      : in_(bytes, file), bytes_(bytes), file_(file) {}

  std::uint32_t version() {
    in_.begin("magic");
    if (bytes_.empty()) throw in_.fail("the file is empty; a GGUF file was expected", 0);
    const auto magic = in_.number<std::uint32_t>();
    if (magic != 0x46554747u)
      throw in_.fail(
          "a GGUF file was expected, which begins with the letters GGUF" + foreign_hint(bytes_), 0);
    in_.begin("version");
    const auto version = in_.number<std::uint32_t>();
    if (version != 0 && (version & 0xffffu) == 0)
      throw in_.fail("the file is big-endian; only little-endian files are read", 4);
    if (version != 2 && version != 3)
      throw in_.fail("version 2 or 3 was expected, not " + std::to_string(version), 4);
    tensors_ = checked_count(in_, "number of tensors", kLeastTensor, kMaxTensors);
    return version;
  }

  void metadata(Metadata& out) {
    const std::uint64_t count = checked_count(in_, "number of keys", kLeastKey, Metadata::kMaxKeys);
    out.file_ = file_;
    out.entries_.reserve(static_cast<std::size_t>(count));
    for (std::uint64_t i = 0; i < count; ++i) {
      in_.begin("key", i, count);
      out.entries_.push_back(entry());
    }
    out.by_key_.resize(out.entries_.size());
    std::iota(out.by_key_.begin(), out.by_key_.end(), 0u);
    const auto key = [&](std::uint32_t i) { return out.entries_[i].key; };
    std::ranges::sort(out.by_key_, [&](std::uint32_t a, std::uint32_t b) {
      const int order = key(a).compare(key(b));
      return order != 0 ? order < 0 : a < b;
    });
    const auto twin = std::ranges::adjacent_find(out.by_key_, {}, key);
    if (twin != out.by_key_.end()) {
      const Metadata::Entry& second = out.entries_[*(twin + 1)];
      in_.named(second.key);
      throw in_.fail("the key stands twice", second.offset);
    }
  }

  void tensors(TensorTable& table, std::uint64_t alignment, std::uint64_t& data_offset) {
    infos_.reserve(static_cast<std::size_t>(tensors_));
    places_.reserve(static_cast<std::size_t>(tensors_));
    for (std::uint64_t i = 0; i < tensors_; ++i) {
      in_.begin("tensor", i, tensors_);
      infos_.push_back(tensor(alignment));
    }
    data_offset = (in_.at() + alignment - 1) / alignment * alignment;
    place(data_offset);
    if (const TensorInfo* twin = table.assign(std::move(infos_))) {
      in_.named(twin->name);
      throw in_.fail("two tensors have this name",
                     places_[static_cast<std::size_t>(twin - table.tensors().data())].start);
    }
  }

 private:
  struct Place {
    std::uint64_t start;         // of the tensor's description
    std::uint64_t offset_field;  // where its offset is written
    std::uint64_t offset, size;  // of its data, from the start of all data
  };

  Metadata::Entry entry() {
    Metadata::Entry entry{};
    entry.offset = in_.at();
    entry.key = in_.name();
    in_.named(entry.key);
    entry.type = entry.element = value_type(in_);
    entry.count = 1;
    if (entry.type == GgufValue::array) {
      entry.element = value_type(in_);
      entry.count = in_.number<std::uint64_t>();
      entry.value_offset = in_.at();
      skip_values(in_, entry.element, entry.count, 1);
    } else if (entry.type == GgufValue::string) {
      const std::string_view text = in_.text(UINT64_MAX);
      entry.value_offset = in_.at() - text.size();
    } else {
      entry.value_offset = in_.at();
      const std::uint32_t bytes = gguf_value_bytes(entry.type);
      if (in_.left() < bytes)
        throw in_.fail("the file is cut short: " + plural(bytes, "byte") + " expected, " +
                           std::to_string(in_.left()) + " left",
                       in_.at());
      skip_values(in_, entry.type, 1, 1);
    }
    entry.value = in_.part(entry.value_offset, in_.at() - entry.value_offset);
    return entry;
  }

  TensorInfo tensor(std::uint64_t alignment) {
    TensorInfo info;
    Place place{};
    place.start = in_.at();
    info.name = in_.name();
    name_ = info.name;
    in_.named(name_);
    const std::uint64_t shape_at = in_.at();
    info.shape = shape();
    const std::uint64_t type_at = in_.at();
    const auto id = in_.number<std::uint32_t>();
    const GgufType* type = find_gguf_type(id);
    if (const std::string_view name = removed_gguf_type(id); !name.empty())
      throw in_.fail("tensor type " + std::to_string(id) + " (" + std::string(name) +
                         ") was removed from the format; get the model in another type",
                     type_at);
    if (!type) throw in_.fail("tensor type " + std::to_string(id) + " is unknown", type_at);
    const auto width = static_cast<std::uint64_t>(info.shape.back());
    if (width % type->block != 0)
      throw in_.fail("rows of " + std::to_string(width) + " elements cannot be " +
                         std::string(type->name) + ", which packs " + std::to_string(type->block) +
                         " at a time",
                     shape_at);
    const auto blocks = static_cast<std::uint64_t>(info.shape.count()) / type->block;
    if (__builtin_mul_overflow(blocks, std::uint64_t{type->bytes}, &place.size))
      throw in_.fail("the tensor " + info.shape.text() + " is larger than any file", shape_at);
    place.offset_field = in_.at();
    place.offset = in_.number<std::uint64_t>();
    if (place.offset % alignment != 0)
      throw in_.fail("its data begin at " + std::to_string(place.offset) +
                         ", which is not a multiple of the alignment " + std::to_string(alignment),
                     place.offset_field);
    info.type_name = type->name;
    info.format = find_format_by_gguf(id);
    info.file = file_;
    places_.push_back(place);
    return info;
  }

  Shape shape() {
    const std::uint64_t start = in_.at();
    const auto rank = in_.number<std::uint32_t>();
    if (rank < 1 || rank > 4)
      throw in_.fail("a tensor of " + plural(rank, "dimension") + "; 1 to 4 were expected", start);
    std::array<std::int64_t, 4> dims{};
    std::int64_t count = 1;
    for (std::uint32_t i = 0; i < rank; ++i) {
      const std::uint64_t dim_at = in_.at();
      const auto dim = in_.number<std::uint64_t>();
      if (dim == 0 || dim > INT64_MAX ||
          __builtin_mul_overflow(count, static_cast<std::int64_t>(dim), &count))
        throw in_.fail(dim == 0 ? "a dimension is 0"
                                : "a dimension of " + std::to_string(dim) + " is beyond any file",
                       dim_at);
      dims[rank - 1 - i] = static_cast<std::int64_t>(dim);
    }
    return Shape(std::span<const std::int64_t>(dims.data(), rank));
  }

  // Gives every tensor its bytes; throws when they are not in the file or not its own.
  void place(std::uint64_t data_offset) {
    const std::uint64_t available = bytes_.size() > data_offset ? bytes_.size() - data_offset : 0;
    for (std::size_t i = 0; i < infos_.size(); ++i) {
      TensorInfo& info = infos_[i];
      const Place& p = places_[i];
      in_.named(info.name);
      if (p.offset > available || p.size > available - p.offset)
        throw in_.fail("its " + plural(p.size, "byte") + " of data at offset " +
                           std::to_string(p.offset) + " do not fit: the file has " +
                           std::to_string(available) + " of data; it may be cut short",
                       p.offset_field);
      info.offset = data_offset + p.offset;
      info.data = in_.part(info.offset, p.size);
    }
    std::vector<std::uint32_t> order(infos_.size());
    std::iota(order.begin(), order.end(), 0u);
    std::ranges::sort(order, [&](std::uint32_t a, std::uint32_t b) {
      return places_[a].offset != places_[b].offset ? places_[a].offset < places_[b].offset : a < b;
    });
    for (std::size_t i = 1; i < order.size(); ++i) {
      const Place& before = places_[order[i - 1]];
      const Place& after = places_[order[i]];
      if (before.offset + before.size <= after.offset) continue;
      in_.named(infos_[order[i]].name);
      throw in_.fail("its data overlap those of " + printable(infos_[order[i - 1]].name),
                     after.offset_field);
    }
  }

  Cursor in_;
  std::span<const std::byte> bytes_;
  const std::string& file_;
  std::uint64_t tensors_ = 0;
  std::vector<TensorInfo> infos_;
  std::vector<Place> places_;
  std::string name_;  // of the tensor being read, for messages
};

GgufFile::GgufFile(const Path& path, Alone)
    : mapped_(path), bytes_(mapped_->bytes()), name_(path.string()) {
  read();
}

GgufFile::GgufFile(const Path& path) : GgufFile(present_part(path), Alone{}) { gather(); }

GgufFile::GgufFile(std::span<const std::byte> bytes, std::string name)
    : bytes_(bytes), name_(std::move(name)) {
  read();
}

void GgufFile::read() {
  GgufReader reader(bytes_, name_);
  version_ = reader.version();
  reader.metadata(metadata_);
  if (const auto* entry = metadata_.find("general.alignment")) {
    alignment_ = metadata_.need_uint("general.alignment");
    if (alignment_ % 8 != 0 || (alignment_ & (alignment_ - 1)) != 0 || alignment_ == 0 ||
        alignment_ > kMaxAlignment)
      throw Error("an alignment of " + std::to_string(alignment_) +
                  "; a power of two from 8 to 1048576 was expected")
          .in(name_)
          .field(std::string(entry->key))
          .at(entry->value_offset);
  }
  reader.tensors(table_, alignment_, data_offset_);
}

}  // namespace bantam::files
