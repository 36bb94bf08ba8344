// BPE at run time against the plainest way to do it, and its two written forms.
#include <gtest/gtest.h>

#include "base/file.h"
#include "files/gguf_writer.h"
#include "tokenizer/stream_decoder.h"
#include "tokenizer/tokenizer_spec.h"
#include "tokenizer_support.h"

namespace bantam::test {
namespace {

const char* const kTexts[] = {
    "",
    "a",
    " ",
    "  hello   world  ",
    "ab ab abab\n\n\tabc",
    "It's 2024, don't they're I'LL 12345",
    "漢字かな交じり文。",
    "emoji 👩‍👩‍👧‍👦 é e\u0301",
    "\xF0\x9F\x98 cut, \xC0\xAF overlong, \xFF lone",
    "<|begin|>x<|im_end|> <|begin|",
    "\r\n\r\n",
};

TEST(ByteBpe, MergesAsThePlainestWayDoesInShortAndLongWords) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const TrainedTokenizer t = random_bpe(seed, 60, "abc");
    const auto tokenizer = make_tokenizer(t);
    for (const std::size_t size : {1u, 2u, 3u, 7u, 27u, 28u, 63u, 64u, 65u, 66u, 130u, 700u}) {
      const std::string word = random_text(seed * 100 + size, size, seed % 2 ? "abc" : "ab");
      EXPECT_EQ(tokenizer->encode(word), plain_bpe(t, word)) << "seed " << seed << ": " << word;
    }
  }
}

TEST(ByteBpe, OneLetterRepeatedMergesLikeAnyText) {
  const TrainedTokenizer t = random_bpe(3, 40, "a");
  const auto tokenizer = make_tokenizer(t);
  for (std::size_t size = 1; size < 300; ++size) {
    const std::string word(size, 'a');
    EXPECT_EQ(tokenizer->encode(word), plain_bpe(t, word)) << size;
  }
}

TEST(ByteBpe, DecodesWhatItEncoded) {
  const auto tokenizer = make_tokenizer(random_bpe(7, 100, "abcdehlorw t"));
  for (const std::string text : kTexts) {
    const Ids ids = tokenizer->encode(text, {.add_special = false, .parse_special = false});
    const std::string back = tokenizer->decode(ids);
    if (text.find('\xFF') == std::string::npos) {
      EXPECT_EQ(back, text);
    }
    std::string bytes;
    for (const std::int32_t id : ids) bytes += tokenizer->token_bytes(id);
    EXPECT_EQ(bytes, back);
  }
}

TEST(ByteBpe, IllFormedBytesAreOneReplacementPerMaximalSubpart) {
  const auto tokenizer = make_tokenizer(random_bpe(7, 0, "a"));
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("a\xE4\xBD")), "a\uFFFD");
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("\xC0\xAF")), "\uFFFD\uFFFD");
  EXPECT_EQ(tokenizer->decode(Ids{0xE4, 0xBD, 'a'}), "\uFFFDa");
}

TEST(ByteBpe, ControlTokensAreTokensOnlyWhereTheyAreParsed) {
  TrainedTokenizer t = random_bpe(5, 0, "a");
  t.add_bos = true;
  const auto tokenizer = make_tokenizer(t);
  const Ids begin{256}, end{257};
  EXPECT_EQ(tokenizer->encode("a<|im_end|>"), (Ids{256, 'a', 257}));
  EXPECT_EQ(tokenizer->encode("a<|im_end|>", {.add_special = false}), (Ids{'a', 257}));
  EXPECT_EQ(tokenizer->encode("<|im_end|>", {.add_special = false, .parse_special = false}).size(),
            10u);
  EXPECT_EQ(tokenizer->encode(""), begin);
  EXPECT_EQ(tokenizer->decode(Ids{256, 'a', 257}), "a");
  EXPECT_EQ(tokenizer->decode(Ids{256, 'a', 257}, false), "<|begin|>a<|im_end|>");
  EXPECT_TRUE(tokenizer->special(257));
  EXPECT_FALSE(tokenizer->special('a'));
  EXPECT_EQ(tokenizer->token_bytes(257), "");
  EXPECT_TRUE(tokenizer->ends(257));  // by its name and as eos
  EXPECT_FALSE(tokenizer->ends(256));
  EXPECT_FALSE(tokenizer->ends(-1));
  EXPECT_FALSE(tokenizer->ends(1 << 20));
  EXPECT_EQ(tokenizer->find("<|begin|>"), 256);
  EXPECT_EQ(tokenizer->find("nothing"), std::nullopt);
  EXPECT_EQ(tokenizer->piece(' '), "Ġ");
}

TEST(ByteBpe, IdsOutsideTheVocabularyAreErrorsThatNameThem) {
  const auto tokenizer = make_tokenizer(random_bpe(5, 0, "a"));
  for (const std::int32_t id : {-1, 258, INT32_MAX}) {
    const std::string number = std::to_string(id);
    EXPECT_NE(message_of([&] { tokenizer->piece(id); }).find(number), std::string::npos);
    EXPECT_NE(message_of([&] { tokenizer->token_bytes(id); }).find(number), std::string::npos);
    EXPECT_NE(message_of([&] { tokenizer->decode(Ids{id}); }).find(number), std::string::npos);
    StreamDecoder stream(tokenizer);
    EXPECT_NE(message_of([&] { stream.feed(id); }).find(number), std::string::npos);
  }
}

TEST(ByteBpe, TheWrittenFormsEncodeTheSame) {
  for (const char* pre : {"gpt-2", "qwen2", "llama-bpe", "smollm", "falcon", "deepseek-llm"}) {
    TrainedTokenizer t = random_bpe(11, 200, "abcdehlorw t'1.\n");
    t.pre_tokenizer = pre;
    t.add_bos = true;
    t.chat_template = "{{ bos_token }}";
    const auto tokenizer = make_tokenizer(t);
    EXPECT_EQ(tokenizer->pre_tokenizer(), pre);
    TemporaryFolder folder;
    write_file(folder / "tokenizer.json", tokenizer_json(*tokenizer));
    write_file(folder / "tokenizer_config.json", tokenizer_config_json(*tokenizer));
    GgufWriter writer(folder / "x.gguf");
    writer.set("general.architecture", "llama");
    write_tokenizer(*tokenizer, writer, tokenizer->size() + 6);
    writer.close();
    const auto json = open_tokenizer(folder.path());
    const auto gguf = open_tokenizer(folder / "x.gguf");
    EXPECT_EQ(gguf->size(), tokenizer->size() + 6);
    for (const auto& again : {json, gguf}) {
      EXPECT_EQ(again->bos(), tokenizer->bos());
      EXPECT_EQ(again->eos(), tokenizer->eos());
      EXPECT_EQ(again->chat_template(), tokenizer->chat_template());
      EXPECT_EQ(std::vector(again->end_ids().begin(), again->end_ids().end()),
                std::vector(tokenizer->end_ids().begin(), tokenizer->end_ids().end()));
      for (const bool flag : {false, true})
        for (const std::string text : kTexts)
          EXPECT_EQ(again->encode(text, {.add_special = flag, .parse_special = !flag}),
                    tokenizer->encode(text, {.add_special = flag, .parse_special = !flag}))
              << pre << ": " << text;
    }
  }
}

TEST(StreamDecoder, GivesWholeCharactersAndInAllTheSameText) {
  const auto tokenizer = make_tokenizer(random_bpe(9, 30, "ab"));
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    // Random ids: most bytes are no UTF-8.
    Ids ids;
    for (const char c : random_text(seed, seed % 40, "\xF0\x9F\x98\x80\xE4\xBD\xC3\xA9 ab\xFF\x80"))
      ids.push_back(static_cast<unsigned char>(c));
    StreamDecoder stream(tokenizer);
    std::string text;
    for (const std::int32_t id : ids) {
      const std::string part = stream.feed(id);
      if (!part.empty()) {
        EXPECT_NE(static_cast<unsigned char>(part[0]) & 0xC0, 0x80);
      }
      text += part;
    }
    text += stream.finish();
    EXPECT_EQ(text, tokenizer->decode(ids));
    EXPECT_EQ(stream.finish(), "");
  }
}

}  // namespace
}  // namespace bantam::test
