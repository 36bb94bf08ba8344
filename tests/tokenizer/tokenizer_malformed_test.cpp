// Files that are wrong: each is refused with a message that names the place, none takes more than
// its size justifies.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <functional>
#include <limits>

#include "base/file.h"
#include "files/gguf.h"
#include "files/gguf_writer.h"
#include "tokenizer/sentencepiece_model.h"
#include "support/effort.h"
#include "tokenizer_support.h"

namespace bantam::test {
namespace {

// A tokenizer.json of three letters and two merges, with some of its parts replaced.
struct JsonFile {
  std::string added = "[]", normalizer = "null", pre = "null", post = "null", decoder = "null";
  std::string model_head = R"("type":"BPE")";
  std::string vocab = R"({"a":0,"b":1,"c":2,"ab":3,"abc":4})";
  std::string merges = R"(["a b","ab c"])";

  std::string text() const {
    return R"({"added_tokens":)" + added + R"(,"normalizer":)" + normalizer +
           R"(,"pre_tokenizer":)" + pre + R"(,"post_processor":)" + post + R"(,"decoder":)" +
           decoder + R"(,"model":{)" + model_head + R"(,"vocab":)" + vocab + R"(,"merges":)" +
           merges + "}}";
  }
};

TEST(TokenizerJson, ThatIsRightIsRead) {
  EXPECT_EQ(from_json(JsonFile{}.text())->encode("abcab"), (Ids{4, 3}));
  JsonFile pairs;
  pairs.merges = R"([["a","b"],["ab","c"]])";
  EXPECT_EQ(from_json(pairs.text())->encode("abcab"), (Ids{4, 3}));
  JsonFile late;  // merges may stand before the vocabulary that they need
  late.model_head = R"("type":"BPE","merges":["a b","ab c"])";
  const std::string text = late.text();
  const std::string first = text.substr(0, text.rfind(R"(,"merges")")) + "}}";
  EXPECT_EQ(from_json(first)->encode("abcab"), (Ids{4, 3}));
}

std::string added(const char* content, const char* id, const char* flag = "true") {
  return std::string(R"([{"id":)") + id + R"(,"content":)" + content + R"(,"special":)" + flag +
         "}]";
}

TEST(TokenizerJson, ThatIsWrongIsRefusedByName) {
  const auto with = [](std::string JsonFile::*part, const std::string& value) {
    JsonFile file;
    file.*part = value;
    return file.text();
  };
  std::string deep = "{\"normalizer\":";
  for (int i = 0; i < 10000; ++i) deep += '[';
  const struct {
    std::string text, says;
  } kCases[] = {
      {"", "not valid JSON"},
      {"{", "not valid JSON"},
      {"[]", "model"},
      {"{}", "model"},
      {R"({"model":7})", "model"},
      {deep, "nested"},
      {R"({"model":{"type":"BPE","type":"BPE"}})", "type"},
      {with(&JsonFile::model_head, R"("type":"WordLevel")"), "WordLevel"},
      {with(&JsonFile::model_head, R"("type":"BPE\u001b[2J")"), "\\x1b[2J"},
      {with(&JsonFile::model_head, R"("type":"BPE","dropout":0.1)"), "dropout"},
      {with(&JsonFile::model_head, R"("type":"BPE","unk_token":"<u>")"), "<u>"},
      {with(&JsonFile::model_head, R"("type":"BPE","fuse_unk":7)"), "fuse_unk"},
      {with(&JsonFile::vocab, "{}"), "vocab"},
      {with(&JsonFile::vocab, R"({"a":0,"b":1,"c":2,"ab":4,"abc":5})"), "no token has the id 3"},
      {with(&JsonFile::vocab, R"({"a":0,"b":1,"c":1,"ab":3,"abc":4})"), "\"b\" has already"},
      {with(&JsonFile::vocab, R"({"a":0,"a":1})"), "twice"},
      {with(&JsonFile::vocab, R"({"a":-1})"), "-1"},
      {with(&JsonFile::vocab, R"({"a":4294967296})"), "4294967296"},
      {with(&JsonFile::vocab, R"({"a":"0"})"), "model.vocab"},
      {with(&JsonFile::vocab, R"({"a":0.5})"), "model.vocab"},
      {with(&JsonFile::vocab, R"({"a":{"b":0}})"), "model.vocab"},
      {with(&JsonFile::vocab, R"([["a",0],["b"]])"), "model.vocab"},
      {with(&JsonFile::vocab, R"([["a",1e400]])"), "too large"},
      {with(&JsonFile::vocab, R"([["a",0,0]])"), "model.vocab"},
      {with(&JsonFile::merges, R"(["a x"])"), "\"x\""},
      {with(&JsonFile::merges, R"(["b c"])"), "\"bc\""},
      {with(&JsonFile::merges, R"(["a b c"])"), "a b c"},
      {with(&JsonFile::merges, R"(["ab"])"), "ab"},
      {with(&JsonFile::merges, R"([["a"]])"), "merges"},
      {with(&JsonFile::merges, R"([["a","b","c"]])"), "merges"},
      {with(&JsonFile::merges, "[7]"), "merges"},
      {with(&JsonFile::added, added("\"\"", "5")), "empty"},
      {with(&JsonFile::added, R"([{"content":"x"}])"), "no id"},
      {with(&JsonFile::added, added("\"x\"", "9")), "no token has the id 5"},
      {with(&JsonFile::added, added("\"a\"", "5")), "but the vocabulary says 0"},
      {with(&JsonFile::added, added("\"x\"", "0")), "has already"},
      {with(&JsonFile::added, added("\"x\"", "\"5\"")), "objects with id"},
      {with(&JsonFile::added, added("5", "5")), "objects with id"},
      {with(&JsonFile::added, added("\"x\"", "5", "\"true\"")), "objects with id"},
      {with(&JsonFile::added, added("\"x\"", "5", "1")), "objects with id"},
      {with(&JsonFile::added, added("{}", "5")), "objects with id"},
      {with(&JsonFile::added, "[5]"), "objects with id"},
      {with(&JsonFile::added, "[[]]"), "objects with id"},
      {with(&JsonFile::added, "[\"x\"]"), "objects with id"},
      {with(&JsonFile::added, "0"), "objects with id"},
      {with(&JsonFile::added, "{}"), "objects with id"},
      {with(&JsonFile::added, "null"), "objects with id"},
      {with(&JsonFile::normalizer, R"({"type":"Rot13"})"), "Rot13"},
      {with(&JsonFile::normalizer, "7"), "normalizer"},
      {with(&JsonFile::normalizer, R"({"type":"Sequence"})"), "normalizers"},
      {with(&JsonFile::normalizer, R"({"type":"Replace","pattern":{"Regex":"("},"content":""})"),
       "("},
      {with(&JsonFile::normalizer, R"({"type":"Replace","pattern":"x","content":""})"), "pattern"},
      {with(&JsonFile::normalizer, R"({"type":"Precompiled","precompiled_charsmap":"!"})"),
       "base64"},
      {with(&JsonFile::normalizer, R"({"type":"Precompiled","precompiled_charsmap":"AAAA"})"),
       "cut"},
      {with(&JsonFile::pre, R"({"type":"UnicodeScripts"})"), "UnicodeScripts"},
      {with(&JsonFile::pre, R"({"type":"Split","pattern":{"Regex":"[a"},"behavior":"Isolated",
                                "invert":false})"),
       "[a"},
      {with(&JsonFile::pre, R"({"type":"Split","pattern":{"Regex":"a"},"behavior":"Blue",
                                "invert":false})"),
       "Blue"},
      {with(&JsonFile::pre, R"({"type":"FixedLength","length":0})"), "length"},
      {with(&JsonFile::pre, R"({"type":"Metaspace","replacement":""})"), "replacement"},
      {with(&JsonFile::pre, R"({"type":"Metaspace","replacement":"▁","prepend_scheme":"last"})"),
       "prepend_scheme"},
      {with(&JsonFile::post, R"({"type":"Sandwich"})"), "Sandwich"},
      {with(&JsonFile::post, R"({"type":"BertProcessing","sep":["x",99],"cls":["a",0]})"), "99"},
      {with(&JsonFile::post, R"({"type":"TemplateProcessing","single":[],"special_tokens":{}})"),
       "one Sequence"},
      {with(&JsonFile::post, R"({"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"z",
        "type_id":0}},{"Sequence":{"id":"A","type_id":0}}],"special_tokens":{}})"),
       "\"z\""},
      {with(&JsonFile::decoder, R"({"type":"Enigma"})"), "Enigma"},
      {with(&JsonFile::decoder, R"({"type":"Strip","content":"","start":1,"stop":0})"), "content"},
      {with(&JsonFile::decoder, R"({"type":"Strip","content":"x","start":-1,"stop":0})"), "start"},
  };
  for (const auto& [text, says] : kCases) {
    const std::string message = message_of([&, &json = text] { from_json(json); });
    EXPECT_NE(message.find(says), std::string::npos) << says << " is not in: " << message;
    EXPECT_EQ(message.find('\x1b'), std::string::npos);
  }
}

TEST(TokenizerJson, CutAnywhereIsRefused) {
  JsonFile file;
  file.added = added("\"<x>\"", "5");
  file.normalizer = R"({"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Lowercase"}]})";
  const std::string text = file.text();
  ASSERT_EQ(message_of([&] { from_json(text); }), "");
  for (std::size_t size = 0; size < text.size(); ++size)
    EXPECT_NE(message_of([&] { from_json(text.substr(0, size)); }), "") << size;
}

TEST(TokenizerJson, UnigramsThatAreWrongAreRefused) {
  const auto file = [](const std::string& head, const std::string& vocab) {
    return R"({"model":{"type":"Unigram",)" + head + R"(,"vocab":)" + vocab + "}}";
  };
  EXPECT_EQ(message_of([&] { from_json(file(R"("unk_id":0)", R"([["u",0],["a",-1]])")); }), "");
  EXPECT_NE(
      message_of([&] { from_json(file(R"("unk_id":2)", R"([["u",0],["a",-1]])")); }).find("unk_id"),
      std::string::npos);
  EXPECT_NE(message_of([&] { from_json(file(R"("unk_id":0)", R"({"u":0})")); }).find("scores"),
            std::string::npos);
  const auto no_unk = from_json(file(R"("unk_id":null)", R"([["a",-1]])"));
  EXPECT_NE(message_of([&] { no_unk->encode("b"); }), "");
  const std::string longest(2000, 'x');
  EXPECT_NE(message_of([&] {
              from_json(file(R"("unk_id":0)", R"([["u",0],[")" + longest + R"(",-1]])"));
            }).find("2000"),
            std::string::npos);
}

TEST(TokenizerJson, MillionsOfAddedTokensCostWhatTheyWeigh) {
  JsonFile file;
  file.added = "[";
  const int kCount = 200000;
  for (int i = 0; i < kCount; ++i)
    file.added += (i ? ",{\"id\":" : "{\"id\":") + std::to_string(5 + i) + ",\"content\":\"<t" +
                  std::to_string(i) + ">\",\"special\":false}";
  file.added += "]";
  const double work = effort([&] {
    const auto tokenizer = from_json(file.text());
    EXPECT_EQ(tokenizer->encode("<t0>ab<t199999>"), (Ids{5, 3, 5 + kCount - 1}));
  });
  EXPECT_LT(work, 400);
}

TEST(TokenizerJson, AnExpressionThatBacktracksWithoutEndIsBounded) {
  JsonFile file;
  file.pre =
      R"({"type":"Split","pattern":{"Regex":"(a+)+$"},"behavior":"Isolated","invert":false})";
  const auto tokenizer = from_json(file.text());
  const std::string text = std::string(20000, 'a') + "b";
  std::string message;
  EXPECT_LT(effort([&] { message = message_of([&] { tokenizer->encode(text); }); }), 300);
  if (!message.empty()) {
    EXPECT_NE(message.find("(a+)+$"), std::string::npos) << message;
  }
}

// A vocabulary-only GGUF, changed by `change` before it is written.
template <class Change>
std::string open_changed(const TemporaryFolder& folder, const char* model, Change change) {
  const auto path = folder / "x.gguf";
  {
    GgufWriter writer(path);
    const std::vector<std::string> tokens{"<unk>", "<s>", "</s>", "a", "b", "ab", "<0x61>"};
    const std::vector<std::int32_t> types{2, 3, 3, 1, 1, 1, 6};
    const std::vector<float> scores{0, 0, 0, -1, -2, -3, 0};
    const std::vector<std::string> merges{"a b"};
    writer.set("general.architecture", "llama");
    writer.set("tokenizer.ggml.model", model);
    writer.set("tokenizer.ggml.pre", "gpt-2");
    writer.set("tokenizer.ggml.tokens", std::span<const std::string>(tokens));
    writer.set("tokenizer.ggml.token_type", std::span<const std::int32_t>(types));
    writer.set("tokenizer.ggml.scores", std::span<const float>(scores));
    writer.set("tokenizer.ggml.merges", std::span<const std::string>(merges));
    writer.set("tokenizer.ggml.bos_token_id", std::uint32_t{1});
    writer.set("tokenizer.ggml.eos_token_id", std::uint32_t{2});
    change(writer);
    writer.close();
  }
  return message_of([&] { open_tokenizer(path); });
}

TEST(GgufTokenizer, WhoseArraysOrIdsAreWrongIsRefusedByKey) {
  const TemporaryFolder folder;
  using Writer = GgufWriter&;
  const auto strings = [](Writer w, const char* key, std::vector<std::string> values) {
    w.set(key, std::span<const std::string>(values));
  };
  EXPECT_EQ(open_changed(folder, "gpt2", [](Writer) {}), "");
  EXPECT_EQ(open_changed(folder, "llama", [](Writer) {}), "");
  const struct {
    const char* model;
    std::function<void(Writer)> change;
    const char* says;
  } kCases[] = {
      {"gpt2", [](Writer w) { w.remove("tokenizer.ggml.tokens"); }, "tokenizer.ggml.tokens"},
      {"gpt2", [](Writer w) { w.remove("tokenizer.ggml.model"); }, "tokenizer.ggml.model"},
      {"gpt2", [](Writer w) { w.remove("tokenizer.ggml.merges"); }, "tokenizer.ggml.merges"},
      {"gpt2", [](Writer w) { w.remove("tokenizer.ggml.pre"); }, "tokenizer.ggml.pre"},
      {"gpt2", [](Writer w) { w.set("tokenizer.ggml.pre", "gpt-9"); }, "gpt-9"},
      {"gpt2", [](Writer w) { w.set("tokenizer.ggml.model", "rot13"); }, "rot13"},
      {"gpt2", [](Writer w) { w.set("tokenizer.ggml.model", "no_vocab"); }, "no_vocab"},
      {"gpt2", [](Writer w) { w.set("tokenizer.ggml.model", std::uint32_t{7}); },
       "tokenizer.ggml.model"},
      {"llama", [](Writer w) { w.remove("tokenizer.ggml.scores"); }, "tokenizer.ggml.scores"},
      {"llama",
       [](Writer w) {
         w.set("tokenizer.ggml.scores", std::span<const float>(std::vector<float>{0, 1, 2}));
       },
       "tokenizer.ggml.scores: 3 entries"},
      {"llama",
       [](Writer w) {
         std::vector<float> scores(7, std::numeric_limits<float>::quiet_NaN());
         w.set("tokenizer.ggml.scores", std::span<const float>(scores));
       },
       "finite"},
      {"llama",
       [](Writer w) {
         std::vector<std::int32_t> types(6, 1);
         w.set("tokenizer.ggml.token_type", std::span<const std::int32_t>(types));
       },
       "tokenizer.ggml.token_type: 6 entries"},
      {"llama",
       [](Writer w) {
         std::vector<std::int32_t> types(7, 9);
         w.set("tokenizer.ggml.token_type", std::span<const std::int32_t>(types));
       },
       "type 9"},
      {"gpt2", [&](Writer w) { strings(w, "tokenizer.ggml.merges", {"a x"}); }, "a x"},
      {"gpt2", [&](Writer w) { strings(w, "tokenizer.ggml.merges", {"b a"}); }, "ba"},
      {"gpt2", [&](Writer w) { strings(w, "tokenizer.ggml.merges", {"ab"}); }, "merge 0"},
      {"gpt2", [&](Writer w) { strings(w, "tokenizer.ggml.merges", {""}); }, "merge 0"},
      {"gpt2",
       [&](Writer w) {
         strings(w, "tokenizer.ggml.tokens", {"a", "b", "a", "c", "d", "e", "f"});
       },
       "twice"},
      {"gpt2", [&](Writer w) { strings(w, "tokenizer.ggml.tokens", {}); }, "token"},
      {"gpt2", [](Writer w) { w.set("tokenizer.ggml.bos_token_id", std::uint32_t{7}); },
       "bos_token_id"},
      {"gpt2", [](Writer w) { w.set("tokenizer.ggml.eos_token_id", std::uint32_t{4294967294}); },
       "eos_token_id"},
      {"gpt2", [](Writer w) { w.set("tokenizer.ggml.eos_token_id", std::int32_t{-2}); },
       "eos_token_id"},
      {"gpt2",
       [](Writer w) {
         w.set("tokenizer.ggml.add_bos_token", true);
         w.remove("tokenizer.ggml.bos_token_id");
       },
       "bos_token_id"},
      {"t5", [](Writer w) { w.set("tokenizer.ggml.precompiled_charsmap", "text"); }, "charsmap"},
  };
  for (const auto& [model, change, says] : kCases) {
    const std::string message = open_changed(folder, model, change);
    EXPECT_NE(message.find(says), std::string::npos) << says << " is not in: " << message;
    EXPECT_NE(message.find("x.gguf"), std::string::npos) << message;
  }
}

// A SentencePiece model: each field as protocol buffers write it.
std::string field(int number, const std::string& bytes) {
  return std::string(1, static_cast<char>(number << 3 | 2)) + static_cast<char>(bytes.size()) +
         bytes;
}
std::string piece(const std::string& text, float score, int type) {
  std::string body = field(1, text);
  body += '\x15';
  body.append(reinterpret_cast<const char*>(&score), 4);
  body += '\x18';
  body += static_cast<char>(type);
  return field(1, body);
}
std::string small_model() {
  std::string trainer;
  trainer += "\x18\x02";  // model_type = BPE
  std::string normalizer;
  normalizer += std::string("\x18\x00", 2);  // add_dummy_prefix = false
  normalizer += std::string("\x20\x00", 2);  // remove_extra_whitespaces = false
  return piece("<unk>", 0, 2) + piece("<s>", 0, 3) + piece("</s>", 0, 3) + piece("ab", 0, 1) +
         piece("a", -1, 1) + piece("b", -2, 1) + piece("<sep>", 0, 4) + field(2, trainer) +
         field(3, normalizer);
}

TEST(SentencePieceModel, IsReadAndRefusedWhenItIsCut) {
  const std::string model = small_model();
  ASSERT_TRUE(is_sentencepiece_model(model));
  const Tokenizer tokenizer(read_sentencepiece_model(model, "m"));
  EXPECT_EQ(tokenizer.encode("abxyb<sep>a"), (Ids{1, 3, 0, 5, 6, 4}));
  EXPECT_EQ(tokenizer.kind(), "sentencepiece-bpe");
  for (std::size_t size = 0; size < model.size(); ++size) {
    // Between two fields it is whole: then it must be usable.
    const std::string message = message_of([&] {
      Tokenizer(read_sentencepiece_model(std::string_view(model).substr(0, size), "m"))
          .encode("ab");
    });
    if (!message.empty()) {
      EXPECT_EQ(message.find("m: "), 0u) << message;
    }
  }
  EXPECT_NE(message_of([&] { read_sentencepiece_model(piece("a", NAN, 1), "m"); }).find("finite"),
            std::string::npos);
  EXPECT_NE(message_of([&] { read_sentencepiece_model(piece("\xFF", 0, 1), "m"); }).find("UTF-8"),
            std::string::npos);
  EXPECT_NE(message_of([&] { read_sentencepiece_model(piece("a", 0, 7), "m"); }).find("type 7"),
            std::string::npos);
}

// SentencePiece puts a space before a text, and a control token begins another text: so do GGUF and what
// Hugging Face makes of such a file. A token of the user's is part of the text, which GGUF cannot say.
TEST(SentencePieceModel, ItsSpaceBeforeATextGoesIntoGguf) {
  std::string pieces = piece("<unk>", 0, 2) + piece("<s>", 0, 3) + piece("</s>", 0, 3);
  for (int byte = 0; byte < 256; ++byte) {
    char name[8];
    std::snprintf(name, sizeof name, "<0x%02X>", static_cast<unsigned>(byte));
    pieces += piece(name, 0, 6);
  }
  pieces += piece("\xE2\x96\x81", -1, 1) + piece("a", -2, 1) + piece("b", -3, 1);
  const std::string trained = field(2, "\x18\x02\x98\x02\x01") +  // BPE, byte_fallback
                              field(3, std::string("\x20\x00", 2));
  const TemporaryFolder folder;
  const auto through_gguf = [&](const std::string& model) {
    const Tokenizer tokenizer(read_sentencepiece_model(model, "m"));
    GgufWriter writer(folder / "t.gguf");
    writer.set("general.architecture", "llama");
    write_tokenizer(tokenizer, writer);
    writer.close();
    return open_tokenizer(folder / "t.gguf");
  };
  const Ids expected{1, 259, 260, 1, 259, 261, 261};
  EXPECT_EQ(Tokenizer(read_sentencepiece_model(pieces + trained, "m")).encode("a<s>bb"), expected);
  EXPECT_EQ(through_gguf(pieces + trained)->encode("a<s>bb"), expected);
  const std::string own = pieces + piece("<sep>", 0, 4) + trained;
  EXPECT_EQ(Tokenizer(read_sentencepiece_model(own, "m")).encode("a<sep>b"), (Ids{1, 259, 260, 262, 261}));
  EXPECT_NE(message_of([&] { through_gguf(own); }).find("a space put before the text alone"), std::string::npos);
}

TEST(OpenTokenizer, SaysWhatItExpectedOfOtherFiles) {
  const TemporaryFolder folder;
  write_file(folder / "x.bin", "hello, world");
  EXPECT_NE(message_of([&] { open_tokenizer(folder / "x.bin"); }).find("SentencePiece"),
            std::string::npos);
  EXPECT_NE(message_of([&] { open_tokenizer(folder.path()); }).find("tokenizer.json"),
            std::string::npos);
  EXPECT_NE(message_of([&] { open_tokenizer(folder / "none"); }), "");
  write_file(folder / "tokenizer.json", JsonFile{}.text());
  write_file(folder / "tokenizer_config.json", R"({"eos_token":"<none>"})");
  EXPECT_NE(message_of([&] { open_tokenizer(folder.path()); }).find("eos_token"),
            std::string::npos);
  write_file(folder / "tokenizer_config.json", R"({"eos_token":{"content":"c"},"bos_token":null})");
  write_file(folder / "special_tokens_map.json", R"({"unk_token":"<none>"})");  // each error names its own file
  EXPECT_NE(message_of([&] { open_tokenizer(folder.path()); }).find("special_tokens_map.json: unk_token"),
            std::string::npos);
  write_file(folder / "special_tokens_map.json", "{}");
  write_file(folder / "generation_config.json", R"({"eos_token_id":[2,7]})");
  EXPECT_NE(message_of([&] { open_tokenizer(folder.path()); }).find("eos_token_id"),
            std::string::npos);
  write_file(folder / "generation_config.json", R"({"eos_token_id":[1,2]})");
  write_file(folder / "chat_template.jinja", "{{ x }}");
  const auto tokenizer = open_tokenizer(folder.path());
  EXPECT_EQ(tokenizer->eos(), 2);
  EXPECT_TRUE(tokenizer->ends(1));
  EXPECT_TRUE(tokenizer->ends(2));
  EXPECT_EQ(tokenizer->chat_template(), "{{ x }}");
}

}  // namespace
}  // namespace bantam::test
