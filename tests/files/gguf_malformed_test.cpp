// Files that no GGUF reader may accept: every class is refused with a message that names the file,
// the field and the offset.
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/random.h"
#include "files/gguf.h"
#include "files/sample.h"

namespace bantam {
namespace {

using test::Bytes;
using test::bytes_of;
using test::error_of;
using test::gguf_sample;

struct BadGguf {
  std::string name;
  std::string bytes;
  std::string field;
  std::size_t offset;
  std::string says;  // a part of the message
};

void expect_refused(const BadGguf& c) {
  SCOPED_TRACE(c.name);
  std::optional<Error> error;
  error_of([&] { GgufFile(bytes_of(c.bytes), "bad.gguf"); }, &error);
  if (!error) return;
  EXPECT_EQ(error->file(), "bad.gguf");
  EXPECT_EQ(error->field(), c.field);
  EXPECT_EQ(error->offset(), c.offset);
  EXPECT_NE(error->message().find(c.says), std::string::npos) << error->message();
}

constexpr std::uint64_t kHuge = std::uint64_t{1} << 63;
constexpr std::uint64_t kGigabyte = std::uint64_t{1} << 30;

TEST(GgufMalformed, Header) {
  const Bytes s = gguf_sample();
  const std::string rest = s.str().substr(4);
  for (const BadGguf& c : {
           BadGguf{"empty", "", "magic", 0, "the file is empty"},
           BadGguf{"3 bytes", "GGU", "magic", 0, "cut short"},
           BadGguf{"magic", "GGML" + rest, "magic", 0, "begins with the letters GGUF"},
           BadGguf{"swapped", "FUGG" + rest, "magic", 0, "bytes swapped"},
           BadGguf{"pickle", "PK\x03\x04" + rest, "magic", 0, "Python pickle"},
           BadGguf{"page", "<!DOCTYPE html>" + rest, "magic", 0, "web page"},
           BadGguf{"pointer", "version https://git-lfs.github.com/spec/v1\n", "magic", 0, "LFS"},
           BadGguf{"text", "Once upon a time, \xe4\xb8\xad\xe6", "magic", 0, "it looks like text: call it .txt"},
           BadGguf{"no text", "Once upon\x01", "magic", 0, "begins with the letters GGUF"},
           BadGguf{"document", "%PDF-1.7" + rest, "magic", 0, "save it as text"},
           BadGguf{"office", "PK\x03\x04" + std::string(26, '\0') + "[Content_Types].xml", "magic", 0, "save it as text"},
           BadGguf{"version 0", s.with("version", 0u), "version", 4, "2 or 3 was expected, not 0"},
           BadGguf{"version 1", s.with("version", 1u), "version", 4, "2 or 3 was expected, not 1"},
           BadGguf{"version 4", s.with("version", 4u), "version", 4, "2 or 3 was expected, not 4"},
           BadGguf{"version 2^31", s.with("version", 1u << 31), "version", 4, "big-endian"},
           BadGguf{"big-endian", s.with("version", 3u << 24), "version", 4, "big-endian"},
       })
    expect_refused(c);
}

TEST(GgufMalformed, Counts) {
  const Bytes s = gguf_sample();
  const std::size_t tensors = s.at("tensor count"), keys = s.at("key count");
  for (const BadGguf& c : {
           BadGguf{"tensors 2^63", s.with(tensors, kHuge), "number of tensors", tensors,
                   "do not fit"},
           BadGguf{"tensors 2^40", s.with(tensors, std::uint64_t{1} << 40), "number of tensors",
                   tensors, "do not fit"},
           BadGguf{"keys 2^63", s.with(keys, kHuge), "number of keys", keys, "do not fit"},
           BadGguf{"keys 2^40", s.with(keys, std::uint64_t{1} << 40), "number of keys", keys,
                   "do not fit"},
           BadGguf{"one tensor more", s.with(tensors, std::uint64_t{4}), "tensor 4 of 4",
                   s.at("padding"), "the name is empty"},
       })
    expect_refused(c);
  // What a tensor's description says when it is taken for a key depends on its shape: an error, but
  // which is not ours to choose.
  error_of([&] { GgufFile(bytes_of(s.with(keys, std::uint64_t{9})), "bad.gguf"); });
}

TEST(GgufMalformed, MoreKeysOrTensorsThanSupported) {
  Bytes keys;
  keys.raw("GGUF").u32(3).u64(0).u64(Metadata::kMaxKeys + 1).zeros(1 << 20);
  expect_refused({"keys", keys.str(), "number of keys", 16, "at most 65536"});
  Bytes tensors;
  tensors.raw("GGUF").u32(3).u64(kMaxTensors + 1).u64(0).zeros(std::size_t{5} << 20);
  expect_refused({"tensors", tensors.str(), "number of tensors", 8, "at most 131072"});
}

TEST(GgufMalformed, CutAnywhere) {
  const Bytes s = gguf_sample();
  std::vector<std::size_t> places;
  for (const auto& [name, at] : s.marks()) places.push_back(at);
  const Random random(7, 0);
  for (std::uint64_t i = 0; i < 50; ++i) places.push_back(random.below(i, s.str().size()));
  for (const std::size_t length : places) {
    std::optional<Error> error;
    error_of([&] { GgufFile(bytes_of(s.str()).first(length), "bad.gguf"); }, &error);
    ASSERT_TRUE(error) << "cut at " << length;
    EXPECT_EQ(error->file(), "bad.gguf");
    EXPECT_FALSE(error->field().empty()) << error->what();
    ASSERT_TRUE(error->offset()) << error->what();
    EXPECT_LE(*error->offset(), std::max<std::size_t>(length, s.at("data"))) << error->what();
  }
}

TEST(GgufMalformed, Strings) {
  const Bytes s = gguf_sample();
  const auto key = [](const std::string& name) {  // one key of this name
    Bytes b;
    b.raw("GGUF").u32(3).u64(0).u64(1).text(name).u32(4).u32(1);
    return b.str();
  };
  Bytes twice;
  twice.raw("GGUF").u32(3).u64(0).u64(3).text("a").u32(4).u32(1).text("b").u32(4).u32(1);
  twice.mark("second").text("a").u32(4).u32(1);
  std::string bad_value = s.str(), bad_word = s.str();
  bad_value[s.at("arch value") + 8 + 2] = '\xff';
  bad_word[s.at("word") + 8] = '\xc0';
  const std::size_t left = s.str().size() - s.at("arch value") - 8;
  for (const BadGguf& c : {
           BadGguf{"2^63", s.with("arch value", kHuge), "general.architecture", s.at("arch value"),
                   "does not fit"},
           BadGguf{"past the end", s.with("arch value", std::uint64_t{left + 1}),
                   "general.architecture", s.at("arch value"), std::to_string(left) + " are left"},
           BadGguf{"1 GB", s.with("arch value", kGigabyte), "general.architecture",
                   s.at("arch value"), "does not fit"},
           BadGguf{"key of 2^63", s.with("layers", kHuge), "key 2 of 8", s.at("layers"),
                   "does not fit"},
           BadGguf{"empty key", key(""), "key 1 of 1", 24, "the name is empty"},
           BadGguf{"key with NUL", key({"a\0b", 3}), "key 1 of 1", 24, "NUL"},
           BadGguf{"long key", key(std::string(70000, 'k')), "key 1 of 1", 24, "at most 65535"},
           BadGguf{"key not UTF-8", key("ab\xff"), "key 1 of 1", 24 + 8 + 2, "not UTF-8"},
           BadGguf{"value not UTF-8", bad_value, "general.architecture", s.at("arch value") + 8 + 2,
                   "not UTF-8"},
           BadGguf{"element not UTF-8", bad_word, "words", s.at("word") + 8, "not UTF-8"},
           BadGguf{"element of 2^63", s.with("word", kHuge), "words", s.at("word"), "does not fit"},
           BadGguf{"key twice", twice.str(), "a", twice.at("second"), "stands twice"},
       })
    expect_refused(c);
}

Bytes one_array(std::uint32_t element, std::uint64_t count) {
  Bytes b;
  b.raw("GGUF").u32(3).u64(0).u64(1).text("a").u32(9).u32(element).u64(count).mark("value");
  return b;
}

TEST(GgufMalformed, Values) {
  const Bytes s = gguf_sample();
  Bytes deep;
  deep.raw("GGUF").u32(3).u64(0).u64(1).text("a").u32(9);
  for (int i = 0; i < 10000; ++i) deep.u32(9).u64(1);
  deep.u32(0).u64(0);
  Bytes long_array = one_array(0, kGigabyte);
  long_array.zeros(100);
  for (const BadGguf& c : {
           BadGguf{"nested 10,000 deep", deep.str(), "a", 24 + 9 + 4 + 4 * 12, "nested more than"},
           BadGguf{"count times size over 2^64", one_array(10, std::uint64_t{1} << 61).str(), "a",
                   one_array(10, 0).at("value"), "does not fit"},
           BadGguf{"longer than the file", long_array.str(), "a", long_array.at("value"),
                   "does not fit"},
           BadGguf{"arrays", one_array(9, kHuge).str(), "a", one_array(9, 0).at("value"),
                   "does not fit"},
           BadGguf{"strings", one_array(8, std::uint64_t{1} << 61).str(), "a",
                   one_array(8, 0).at("value"), "does not fit"},
           BadGguf{"unknown type", s.with("layers type", 13u), "llama.block_count",
                   s.at("layers type"), "value type 13 is unknown"},
           BadGguf{"unknown element type", s.with("ids element", 0xffffffffu), "ids",
                   s.at("ids element"), "is unknown"},
           BadGguf{"bool of 7", s.with("flag value", std::uint8_t{7}), "flag", s.at("flag value"),
                   "a boolean is 7"},
           BadGguf{"bool of 2 in an array", s.with(s.at("bools value") + 1, std::uint8_t{2}),
                   "bools", s.at("bools value") + 1, "a boolean is 2"},
       })
    expect_refused(c);
}

TEST(GgufMalformed, Tensors) {
  const Bytes s = gguf_sample();
  const std::string embedding = "token_embd.weight";
  const std::size_t dims = s.at("t1 dims");
  Bytes names;
  names.raw("GGUF").u32(3).u64(2).u64(0).text("k").u32(1).u64(1).u32(0).u64(0);
  names.mark("second").text("k").u32(1).u64(1).u32(0).u64(32).align(32).zeros(64);
  for (const BadGguf& c : {
           BadGguf{"0 dimensions", s.with("t1 rank", 0u), embedding, s.at("t1 rank"),
                   "0 dimensions; 1 to 4"},
           BadGguf{"9 dimensions", s.with("t1 rank", 9u), embedding, s.at("t1 rank"),
                   "9 dimensions; 1 to 4"},
           BadGguf{"a dimension of 0", s.with(dims, std::uint64_t{0}), embedding, dims,
                   "a dimension is 0"},
           BadGguf{"a dimension of 2^62", s.with(dims, std::uint64_t{1} << 62), embedding, dims + 8,
                   "beyond any file"},
           BadGguf{"a dimension of 2^63", s.with(dims, kHuge), embedding, dims, "beyond any file"},
           BadGguf{"bytes beyond 2^64", s.with(dims, std::uint64_t{1} << 61), embedding, dims - 4,
                   "larger than any file"},
           BadGguf{"bytes beyond the file", s.with(dims, std::uint64_t{1} << 40), embedding,
                   s.at("t1 offset"), "do not fit"},
           BadGguf{"width that the block does not divide", s.with("t3 dims", std::uint64_t{32}),
                   "k", s.at("t3 dims") - 4, "packs 256 at a time"},
           BadGguf{"unknown type", s.with("t1 type", 99u), embedding, s.at("t1 type"),
                   "tensor type 99 is unknown"},
           BadGguf{"removed type", s.with("t1 type", 31u), embedding, s.at("t1 type"),
                   "tensor type 31 (Q4_0_4_4) was removed from the format; get the model in another type"},
           BadGguf{"offset unaligned", s.with("t2 offset", std::uint64_t{33}), "norm",
                   s.at("t2 offset"), "not a multiple of the alignment 32"},
           BadGguf{"offset past the end", s.with("t2 offset", std::uint64_t{1} << 40), "norm",
                   s.at("t2 offset"), "do not fit"},
           BadGguf{"offset near 2^64", s.with("t2 offset", std::uint64_t{0} - 32), "norm",
                   s.at("t2 offset"), "do not fit"},
           BadGguf{"overlap", s.with("t2 offset", std::uint64_t{0}), "norm", s.at("t2 offset"),
                   "overlap those of token_embd.weight"},
           BadGguf{"same name", names.str(), "k", names.at("second"), "two tensors have this name"},
       })
    expect_refused(c);
}

TEST(GgufMalformed, Alignment) {
  for (const std::uint32_t alignment : {0u, 3u, 4u, 24u, 1u << 30, 1u << 31}) {
    Bytes b;
    b.raw("GGUF").u32(3).u64(0).u64(1).text("general.alignment").u32(4).mark("v").u32(alignment);
    expect_refused({std::to_string(alignment), b.str(), "general.alignment", b.at("v"),
                    "an alignment of " + std::to_string(alignment)});
  }
  Bytes text;
  text.raw("GGUF").u32(3).u64(0).u64(1).text("general.alignment").u32(8).text("32");
  expect_refused({"text", text.str(), "general.alignment", 24, "not \"32\" (str)"});
}

// ggml-org/llama.cpp#27188: about 43 bytes with an array of 2^63 elements; a reader of that time
// never ended.
TEST(GgufMalformed, FilesThatHungOrOverranOtherReaders) {
  const Bytes hang = one_array(0, kHuge);
  ASSERT_EQ(hang.str().size(), 49u);
  expect_refused({"array of 2^63", hang.str(), "a", 49, "does not fit"});
  expect_refused({"cut in the count", hang.str().substr(0, 43), "a", 41, "cut short"});
  Bytes nested = one_array(9, 1);
  nested.u32(0).u64(std::uint64_t{1} << 62);
  expect_refused({"nested array of 2^62", nested.str(), "a", nested.str().size(), "does not fit"});
  // ggml-org/ggml#1516: 160 bytes that ask for a string of 1 GiB, or for an alignment of 1 GiB.
  Bytes large;
  large.raw("GGUF").u32(3).u64(0).u64(1).text("a").u32(8).mark("length").u64(kGigabyte).zeros(99);
  expect_refused({"string of 1 GiB", large.str(), "a", large.at("length"), "does not fit"});
}

// ggml-org/llama.cpp#26690: scores declared as bytes were read as floats, beyond their end.
TEST(GgufMalformed, NarrowArraysAreReadByTheirOwnElementType) {
  Bytes b;
  b.raw("GGUF").u32(3).u64(0).u64(1).text("tokenizer.ggml.scores").u32(9).u32(0).u64(3);
  b.raw({"\x01\x02\xff", 3});
  const GgufFile file(bytes_of(b.str()), "m");
  EXPECT_EQ(file.metadata().need_floats("tokenizer.ggml.scores"), (std::vector<float>{1, 2, 255}));
  EXPECT_EQ(file.metadata().need_ints("tokenizer.ggml.scores"),
            (std::vector<std::int64_t>{1, 2, 255}));
}

TEST(GgufMalformed, AnArrayThatIsLongForItsFileIsNotCopiedOut) {
  const std::uint64_t count = Metadata::kMaxArray + 1;
  Bytes b = one_array(0, count);
  b.zeros(count);
  const GgufFile file(bytes_of(b.str()), "m");
  EXPECT_NE(error_of([&] { file.metadata().find_ints("a"); }).find("at most 4194304 are read"),
            std::string::npos);
}

// Any byte changed: either the file still makes sense, or an Error says why not.
TEST(GgufMalformed, NoChangedByteCrashes) {
  const std::string sample = gguf_sample().str();
  const Random random(1, 0);
  for (std::uint64_t i = 0; i < 30000; ++i) {
    std::string bytes = sample;
    const std::uint64_t changes = 1 + random.below(8 * i, 3);
    for (std::uint64_t c = 0; c < changes; ++c)
      bytes[random.below(8 * i + 2 * c + 1, bytes.size())] =
          static_cast<char>(random.bits(8 * i + 2 * c + 2));
    try {
      const GgufFile file(bytes_of(bytes), "changed");
      for (const Metadata::Entry& entry : file.metadata().entries()) Metadata::preview(entry);
      for (const TensorInfo& tensor : file.tensors())
        ASSERT_LE(tensor.offset + tensor.data.size(), bytes.size());
    } catch (const Error& error) {
      ASSERT_EQ(error.file(), "changed") << error.what();
      ASSERT_FALSE(error.field().empty()) << error.what();
      ASSERT_TRUE(error.offset()) << error.what();
    }
  }
}

}  // namespace
}  // namespace bantam
