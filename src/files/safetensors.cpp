#include "files/safetensors.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <numeric>
#include <tuple>

#include "base/error.h"
#include "base/json.h"
#include "files/foreign.h"

namespace bantam::files {

namespace {

constexpr std::uint64_t kMaxHeader = 100'000'000;        // safetensors/src/tensor.rs
constexpr std::size_t kMaxToken = std::size_t{4} << 20;  // of one text or number in the header
constexpr std::size_t kMaxMetadata = 4096;               // entries

struct Dtype {
  std::string_view name;
  std::uint32_t bits;
};
constexpr std::array kDtypes{
    // Dtype in safetensors/src/tensor.rs
    Dtype{"BOOL", 8},        Dtype{"F4", 4},         Dtype{"F6_E2M3", 6}, Dtype{"F6_E3M2", 6},
    Dtype{"U8", 8},          Dtype{"I8", 8},         Dtype{"F8_E5M2", 8}, Dtype{"F8_E4M3", 8},
    Dtype{"F8_E8M0", 8},     Dtype{"I16", 16},       Dtype{"U16", 16},    Dtype{"F16", 16},
    Dtype{"BF16", 16},       Dtype{"I32", 32},       Dtype{"U32", 32},    Dtype{"F32", 32},
    Dtype{"C64", 64},        Dtype{"F64", 64},       Dtype{"I64", 64},    Dtype{"U64", 64},
    Dtype{"F8_E4M3FNUZ", 8}, Dtype{"F8_E5M2FNUZ", 8}};

// Bounds what the parser must hold at once: its buffers grow to twice the longest text.
void check_tokens(std::string_view json, const std::string& file) {
  std::size_t start = 0;
  bool in_text = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (i - start > kMaxToken)
      throw Error("a text or number in the header is longer than 4 MiB")
          .in(file)
          .field("header")
          .at(8 + start);
    if (in_text && c == '\\') {
      ++i;
    } else if (c == '"') {
      in_text = !in_text;
      start = i;
    } else if (!in_text && (c == ',' || c == ':' || c == ' ' || c == '[' || c == ']' || c == '{' ||
                            c == '}' || c == '\n' || c == '\r' || c == '\t')) {
      start = i;
    }
  }
}

// Collects what the header says while it is read.
class Header : public JsonHandler {
 public:
  struct Span {
    std::uint64_t begin = 0, end = 0;  // data_offsets
  };

  Header(std::string_view json, const std::string& file) : json_(json), file_(file) {}

  std::vector<TensorInfo> infos;
  std::vector<Span> spans;  // of each of infos
  std::vector<std::pair<std::string, std::string>> metadata;

  // An error about a tensor: at the place in the file where its name stands.
  Error fail(const std::string& name, const std::string& message) const {
    Error error(message);
    error.in(file_).field(name.empty() ? "header" : name);
    const std::string quoted = '"' + name + '"';
    const std::size_t at = name.empty() ? 0 : json_.find(quoted);
    return error.at(8 + (at == json_.npos ? 0 : at));
  }

  Error trailing(std::uint64_t offset, std::uint64_t bytes) const {
    return Error("the tensors' data end here, but " + std::to_string(bytes) + " bytes follow")
        .in(file_)
        .field("data")
        .at(8 + json_.size() + offset);
  }

  void begin_object() override {
    if (level_ == Level::outside) return void(level_ = Level::top);
    if (level_ != Level::top || !keyed_) throw unexpected("an object");
    level_ = name_ == "__metadata__" ? Level::metadata : Level::tensor;
    if (level_ == Level::metadata) {
      if (has_metadata_) throw fail(name_, "the key stands twice");
      has_metadata_ = true;
    } else {
      if (infos.size() == kMaxTensors)
        throw fail(name_, "the file has more than " + std::to_string(kMaxTensors) + " tensors");
      infos.emplace_back();
      infos.back().name = name_;
      infos.back().file = file_;
      spans.emplace_back();
      has_dtype_ = has_shape_ = has_offsets_ = false;
    }
    keyed_ = false;
  }

  void key(std::string& name) override {
    if (level_ == Level::top)
      name_ = name;
    else
      member_ = name;
    keyed_ = true;
  }

  void end_object() override {
    if (level_ == Level::tensor) {
      const char* missing = !has_dtype_     ? "dtype"
                            : !has_shape_   ? "shape"
                            : !has_offsets_ ? "data_offsets"
                                            : nullptr;
      if (missing) throw fail(name_, "the tensor has no " + std::string(missing));
    }
    level_ = level_ == Level::top ? Level::outside : Level::top;
  }

  void begin_array() override {
    if (level_ != Level::tensor || in_array_ || !keyed_) throw unexpected("an array");
    const bool shape = member_ == "shape";
    if (!shape && member_ != "data_offsets") throw unexpected("an array");
    if (shape ? has_shape_ : has_offsets_) throw fail(name_, member_ + " stands twice");
    in_array_ = true;
    count_ = 0;
  }

  void end_array() override {
    in_array_ = keyed_ = false;
    if (member_ == "shape") {
      has_shape_ = true;
      infos.back().shape = Shape(std::span<const std::int64_t>(numbers_.data(), count_));
      return;
    }
    if (count_ != 2) throw fail(name_, "data_offsets has not two numbers");
    has_offsets_ = true;
    spans.back().begin = static_cast<std::uint64_t>(numbers_[0]);
    spans.back().end = static_cast<std::uint64_t>(numbers_[1]);
  }

  void string(std::string& value) override {
    if (level_ == Level::metadata && keyed_) {
      if (metadata.size() == kMaxMetadata)
        throw fail("__metadata__", "it has more than 4096 entries");
      metadata.emplace_back(member_, value);
    } else if (level_ == Level::tensor && keyed_ && member_ == "dtype" && !in_array_) {
      if (has_dtype_) throw fail(name_, "dtype stands twice");
      has_dtype_ = true;
      infos.back().type_name = value;
    } else {
      throw unexpected("a text");
    }
    keyed_ = false;
  }

  void integer(std::int64_t value) override {
    if (!in_array_) throw unexpected("a number");
    if (value < 0) throw fail(name_, member_ + " holds " + std::to_string(value));
    if (count_ == numbers_.size())
      throw fail(name_, "a tensor of more than 4 dimensions is not supported");
    numbers_[count_++] = value;
  }
  void real(double) override {
    if (!in_array_) throw unexpected("a number");
    throw fail(name_, member_ + " holds a number that is not an integer under 2^63");
  }
  void boolean(bool) override { throw unexpected("true or false"); }
  void null() override { throw unexpected("null"); }

 private:
  enum class Level { outside, top, metadata, tensor };

  Error unexpected(const char* what) const {
    switch (level_) {
      case Level::outside:
        return fail("", "an object of tensors was expected, not " + std::string(what));
      case Level::top:
        return fail(name_, "dtype, shape and data_offsets were expected, not " + std::string(what));
      case Level::metadata:
        return fail("__metadata__", "the entry " + printable(member_) + " should be a text, not " +
                                        std::string(what));
      case Level::tensor:
        break;
    }
    return fail(name_, "its entry " + printable(member_) + " is not as expected: " + what);
  }

  std::string_view json_;
  const std::string& file_;
  Level level_ = Level::outside;
  bool keyed_ = false, in_array_ = false;
  bool has_metadata_ = false, has_dtype_ = false, has_shape_ = false, has_offsets_ = false;
  std::string name_, member_;
  std::array<std::int64_t, 4> numbers_{};
  std::size_t count_ = 0;
};

// Bytes that dtype and shape ask for; throws when they cannot be told.
std::uint64_t expected_bytes(const Header& header, const TensorInfo& info) {
  const auto dtype = std::ranges::find(kDtypes, info.type_name, &Dtype::name);
  if (dtype == kDtypes.end())
    throw header.fail(info.name, "the dtype " + printable(info.type_name) + " is unknown");
  std::uint64_t bits = dtype->bits;
  bool empty = false, overflow = false;
  for (int i = 0; i < info.shape.rank(); ++i) {
    const auto dim = static_cast<std::uint64_t>(info.shape[i]);
    empty = empty || dim == 0;
    overflow = overflow || __builtin_mul_overflow(bits, dim, &bits);
  }
  if (empty) return 0;
  if (overflow || bits > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    throw header.fail(info.name, "the shape " + info.shape.text() + " is larger than any file");
  if (bits % 8 != 0)
    throw header.fail(info.name, "the shape " + info.shape.text() + " of " + info.type_name +
                                     " does not fill whole bytes");
  return bits / 8;
}

// The header's text; throws when its length is not what the file can hold.
std::string_view header_text(std::span<const std::byte> bytes, const std::string& file) {
  const auto fail = [&](const std::string& message) {
    throw Error(message).in(file).field("header length").at(0);
  };
  if (bytes.empty()) fail("the file is empty; a safetensors file was expected");
  if (bytes.size() < 8)
    fail("the file is cut short: 8 bytes expected, not " + std::to_string(bytes.size()));
  std::uint64_t length;
  std::memcpy(&length, bytes.data(), sizeof length);
  const bool begins = bytes.size() > 8 && static_cast<char>(bytes[8]) == '{';
  const std::string hint = begins ? "" : foreign_hint(bytes);
  if (!hint.empty()) fail("a safetensors file was expected" + hint);
  if (length < 2) fail("is " + std::to_string(length) + "; a JSON object was expected");
  if (length > bytes.size() - 8)
    fail("is " + std::to_string(length) + ", but " + std::to_string(bytes.size() - 8) +
         " bytes follow in the file");
  if (length > kMaxHeader)
    fail("is " + std::to_string(length) + "; at most " + std::to_string(kMaxHeader) +
         " are allowed");
  if (!begins)
    throw Error("a JSON object was expected, beginning with {").in(file).field("header").at(8);
  return {reinterpret_cast<const char*>(bytes.data()) + 8, static_cast<std::size_t>(length)};
}

void parse(std::string_view json, const std::string& file, Header& header) {
  JsonLimits limits;
  limits.bytes = kMaxHeader;
  limits.depth = 3;
  limits.values = kMaxTensors * 12 + 2 * kMaxMetadata;  // dtype, shape, offsets of each
  try {
    check_tokens(json, file);
    read_json(json, file, header, limits);
  } catch (Error& error) {
    if (error.field().empty() && error.offset())  // the parser counts from the header's first byte
      throw Error(error.message()).in(file).field("header").at(8 + *error.offset());
    error.field("header").at(8);
    throw;
  }
}

// The tensors in the order of their data, each of the size that its shape asks for, without gaps or
// overlaps, up to the end of the file.
void check_spans(const Header& header, std::span<const TensorInfo> infos, std::uint64_t available) {
  const auto& spans = header.spans;
  std::vector<std::uint32_t> order(infos.size());
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::sort(order, {},
                    [&](std::uint32_t i) { return std::tuple(spans[i].begin, spans[i].end, i); });
  std::uint64_t next = 0;
  for (const std::uint32_t i : order) {
    const auto [begin, end] = spans[i];
    const TensorInfo& info = infos[i];
    const std::string span = "[" + std::to_string(begin) + ", " + std::to_string(end) + ")";
    if (end < begin) throw header.fail(info.name, "data_offsets are reversed: " + span);
    if (end > available)
      throw header.fail(info.name, "its data " + span + " do not fit: the file has " +
                                       std::to_string(available) +
                                       " bytes of data; it may be cut short");
    const std::uint64_t expected = expected_bytes(header, info);
    if (expected != end - begin)
      throw header.fail(info.name, "its data " + span + " should be " + std::to_string(expected) +
                                       " bytes by its shape " + info.shape.text() + " of " +
                                       info.type_name);
    if (begin != next)
      throw header.fail(info.name, (begin < next ? "its data overlap another tensor's: "
                                                 : "there is a gap before its data: ") +
                                       span + " where " + std::to_string(next) + " was expected");
    next = end;
  }
  if (next != available) throw header.trailing(next, available - next);
}

}  // namespace

SafetensorsFile::SafetensorsFile(const Path& path)
    : mapped_(path), bytes_(mapped_->bytes()), name_(path.string()) {
  read();
}

SafetensorsFile::SafetensorsFile(std::span<const std::byte> bytes, std::string name)
    : bytes_(bytes), name_(std::move(name)) {
  read();
}

void SafetensorsFile::read() {
  const std::string_view json = header_text(bytes_, name_);
  Header header(json, name_);
  parse(json, name_, header);
  metadata_ = std::move(header.metadata);
  if (const TensorInfo* twin = table_.assign(std::move(header.infos)))
    throw header.fail(twin->name, "two tensors have this name");
  const std::uint64_t data = 8 + json.size();
  check_spans(header, table_.tensors(), bytes_.size() - data);
  for (std::size_t i = 0; i < table_.rows().size(); ++i) {
    TensorInfo& info = table_.rows()[i];
    info.offset = data + header.spans[i].begin;
    info.data =
        bytes_.subspan(static_cast<std::size_t>(info.offset),
                       static_cast<std::size_t>(header.spans[i].end - header.spans[i].begin));
    info.format = find_format_by_safetensors(info.type_name);
  }
}

void SafetensorsFile::release(const TensorInfo&, std::span<const std::byte> part) const {
  if (mapped_) mapped_->release(part);
}

void SafetensorsFile::release_all() const {
  if (mapped_) mapped_->release(bytes_);
}

}  // namespace bantam::files
