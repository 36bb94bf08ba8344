// A tokenizer from a folder to GGUF: what goes along, what is refused by name.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "files/gguf.h"
#include "files/gguf_writer.h"
#include "tokenizer/end_tokens.h"
#include "tokenizer/same_ids.h"
#include "tokenizer/tokenizer_spec.h"
#include "tokenizer_support.h"

namespace bantam::test {
namespace {

// A byte-level BPE of the 256 bytes, "ab" and some control tokens, with one part changed.
Json byte_level_json() {
  const auto made = make_tokenizer([] {
    TrainedTokenizer t;
    for (int byte = 0; byte < 256; ++byte) t.tokens.emplace_back(1, static_cast<char>(byte));
    t.tokens.insert(t.tokens.end(), {"ab", "<s>", "</s>", "<|fin|>", "<|stop|>"});
    t.merges = {{'a', 'b'}};
    t.special = {257, 258, 259, 260};
    t.pre_tokenizer = "gpt-2";
    t.bos = 257;
    t.eos = 258;
    return t;
  }());
  return Json::parse(tokenizer_json(*made));
}

struct Folder {
  TemporaryFolder at;
  explicit Folder(const Json& tokenizer) {
    write_file(at / "tokenizer.json", tokenizer.dump());
    write_file(at / "tokenizer_config.json", R"({"bos_token":"<s>","eos_token":"</s>"})");
  }
  // Written to GGUF and opened again.
  std::shared_ptr<const Tokenizer> through_gguf(std::vector<std::string>* lost = nullptr) const {
    const auto tokenizer = open_tokenizer(at.path());
    {
      GgufWriter writer(at / "t.gguf");
      writer.set("general.architecture", "llama");
      write_tokenizer(*tokenizer, writer, 0, lost);
      writer.close();
    }
    return open_tokenizer(at / "t.gguf");
  }
};

Ids ends_of(const Tokenizer& t) { return {t.end_ids().begin(), t.end_ids().end()}; }

TEST(TokenizerWorlds, EndTokensGoAlong) {
  const Folder folder(byte_level_json());
  write_file(folder.at / "generation_config.json", R"({"eos_token_id":[258, 259, 260]})");
  EXPECT_EQ(ends_of(*open_tokenizer(folder.at.path())), (Ids{258, 259, 260}));
  EXPECT_EQ(ends_of(*folder.through_gguf()), (Ids{258, 259, 260}));
  // Where llama.cpp looks for the two that it cannot know by name.
  const GgufFile file(folder.at / "t.gguf");
  const Metadata& meta = file.metadata();
  EXPECT_EQ(meta.need_uint("tokenizer.ggml.eos_token_id"), 258u);
  EXPECT_EQ(meta.need_uint("tokenizer.ggml.eot_token_id"), 259u);
  EXPECT_EQ(meta.need_uint("tokenizer.ggml.eom_token_id"), 260u);
  EXPECT_EQ(meta.need_ints("tokenizer.ggml.eos_token_ids"), (std::vector<std::int64_t>{258, 259, 260}));
}

// Tokens that end an answer by their name do so when a model runs; what is written names only what was
// named, and the end of a turn of the template.
TEST(TokenizerWorlds, EndsThatNobodyNamedAreNotWritten) {
  TrainedTokenizer t;
  for (int byte = 0; byte < 256; ++byte) t.tokens.emplace_back(1, static_cast<char>(byte));
  t.tokens.insert(t.tokens.end(), {"ab", "</s>", "<|im_end|>", "<reponame>", "<|endoftext|>", "<s>"});
  t.merges = {{'a', 'b'}};
  t.special = {257, 258, 259, 260, 261};
  t.pre_tokenizer = "gpt-2";
  t.eos = 258;
  const auto made = [&] { return make_tokenizer(t); };
  EXPECT_EQ(ends_of(*made()), (Ids{257, 258, 259, 260}));
  EXPECT_EQ(ends_to_write(made()->spec()), (Ids{258}));
  const Folder folder(Json::parse(tokenizer_json(*made())));
  write_file(folder.at / "generation_config.json", R"({"eos_token_id":[260, 257]})");
  EXPECT_EQ(ends_of(*folder.through_gguf()), (Ids{257, 258, 259, 260}));
  const GgufFile file(folder.at / "t.gguf");
  const auto written = file.metadata().need_ints("tokenizer.ggml.eos_token_ids");
  EXPECT_EQ(std::ranges::count(written, 259), 0);
  EXPECT_EQ(ends_to_write(open_tokenizer(folder.at / "t.gguf")->spec()), Ids(written.begin(), written.end()));
  t.eos = 257;  // a template whose turns end otherwise than its texts
  t.chat_template = "{% for m in messages %}{{ m.content }}<|im_end|>{% endfor %}";
  EXPECT_EQ(ends_to_write(made()->spec()), (Ids{257, 258}));
  t.eos.reset();  // nothing is named: what the names say
  t.chat_template.clear();
  EXPECT_EQ(ends_to_write(made()->spec()), (Ids{257, 258, 259, 260}));
}

TEST(TokenizerWorlds, OneEndTokenNeedsNoList) {
  const Folder folder(byte_level_json());
  EXPECT_EQ(ends_of(*folder.through_gguf()), (Ids{258}));
  const GgufFile file(folder.at / "t.gguf");
  EXPECT_FALSE(file.metadata().has("tokenizer.ggml.eos_token_ids"));
  EXPECT_FALSE(file.metadata().has("tokenizer.ggml.eot_token_id"));
}

TEST(TokenizerWorlds, IdsThatMeanNoneAreIgnored) {
  const Folder folder(byte_level_json());
  write_file(folder.at / "generation_config.json", R"({"eos_token_id":[258, -1]})");
  EXPECT_EQ(ends_of(*open_tokenizer(folder.at.path())), (Ids{258}));
  for (const char* key : {"padding", "seperator", "unknown", "cls", "mask", "eot", "eom"}) {
    const auto tokenizer = open_tokenizer(folder.at.path());
    const std::string name = "tokenizer.ggml." + std::string(key) + "_token_id";
    const auto with = [&](auto value) {
      GgufWriter writer(folder.at / "t.gguf");
      writer.set("general.architecture", "llama");
      write_tokenizer(*tokenizer, writer);
      writer.set(name, value);
      writer.close();
    };
    with(std::uint32_t{4294967295});
    EXPECT_FALSE(open_tokenizer(folder.at / "t.gguf")->pad()) << key;
    with(std::int32_t{-1});
    EXPECT_EQ(ends_of(*open_tokenizer(folder.at / "t.gguf")), (Ids{258})) << key;
    with(std::uint32_t{4294967294});
    EXPECT_NE(message_of([&] { open_tokenizer(folder.at / "t.gguf"); }).find(name),
              std::string::npos);
  }
}

// As in Gemma 3's models for text, which have one token more than rows.
TEST(TokenizerWorlds, AddedTokensPastTheEmbeddingAreLeftOut) {
  Json json = byte_level_json();
  json["added_tokens"].push_back({{"id", 261}, {"content", "<image>"}, {"single_word", false},
                                  {"lstrip", false}, {"rstrip", false}, {"normalized", false},
                                  {"special", true}});
  const Folder folder(json);
  const auto tokenizer = open_tokenizer(folder.at.path());
  ASSERT_EQ(tokenizer->size(), 262);
  const auto write = [&](std::int64_t rows) {
    GgufWriter writer(folder.at / "t.gguf");
    writer.set("general.architecture", "llama");
    write_tokenizer(*tokenizer, writer, rows);
    writer.close();
  };
  write(261);
  EXPECT_EQ(open_tokenizer(folder.at / "t.gguf")->size(), 261);
  EXPECT_NE(message_of([&] { write(200); }).find("only 200 rows"), std::string::npos);
}

TEST(TokenizerWorlds, TheUnknownTokenHasItsType) {
  Json json = byte_level_json();
  json["model"]["unk_token"] = "<|fin|>";
  const Folder folder(json);
  folder.through_gguf();
  const GgufFile file(folder.at / "t.gguf");
  const auto types = file.metadata().need_ints("tokenizer.ggml.token_type");
  EXPECT_EQ(types[259], 2);
  EXPECT_EQ(types[260], 3);
  EXPECT_EQ(types[256], 1);
}

TEST(TokenizerWorlds, NfcGoesAlong) {
  Json json = byte_level_json();
  json["normalizer"] = {{"type", "NFC"}};
  const Folder folder(json);
  const auto there = open_tokenizer(folder.at.path()), back = folder.through_gguf();
  const std::string apart = "e\u0301", one = "\u00e9";
  EXPECT_EQ(there->encode(apart), there->encode(one));
  EXPECT_EQ(back->encode(apart), there->encode(apart));
}

// What would change ids is refused by name, or done when asked and told.
TEST(TokenizerWorlds, WhatGgufCannotSayIsRefusedOrTold) {
  const auto flagged = [](const char* flag) {
    Json json = byte_level_json();
    json["added_tokens"][2][flag] = true;
    return json;
  };
  Json lower = byte_level_json();
  lower["normalizer"] = {{"type", "Lowercase"}};
  Json lacks = byte_level_json();
  lacks["model"]["vocab"].erase("z");
  lacks["model"]["vocab"]["(z)"] = 'z';
  lacks["model"]["unk_token"] = "<s>";
  const struct {
    Json json;
    const char* says;
    bool can_be_left_out;
  } cases[] = {
      {flagged("lstrip"), "<|fin|> is lstrip", true},
      {flagged("rstrip"), "<|fin|> is rstrip", true},
      {flagged("single_word"), "<|fin|> is a single_word", true},
      {lower, "normalizer", false},
      {lacks, "unk_token", true},
  };
  for (const auto& c : cases) {
    const Folder folder(c.json);
    const std::string message = message_of([&] { folder.through_gguf(); });
    EXPECT_NE(message.find(c.says), std::string::npos) << message;
    EXPECT_FALSE(std::filesystem::exists(folder.at / "t.gguf"));
    std::vector<std::string> lost;
    if (!c.can_be_left_out) {
      EXPECT_NE(message_of([&] { folder.through_gguf(&lost); }), "");
      continue;
    }
    folder.through_gguf(&lost);
    ASSERT_EQ(lost.size(), 1u);
    EXPECT_NE(lost[0].find(c.says), std::string::npos) << lost[0];
  }
  // "normalized" matters only where there is a normalizer that changes such a token's text.
  Json nfc = flagged("normalized");
  EXPECT_EQ(message_of([&] { Folder(nfc).through_gguf(); }), "");
  nfc["normalizer"] = {{"type", "NFC"}};
  EXPECT_EQ(message_of([&] { Folder(nfc).through_gguf(); }), "");
  nfc["added_tokens"][2]["content"] = "<\u00e9>";
  nfc["model"]["vocab"].erase("<|fin|>");
  nfc["model"]["vocab"]["<\u00e9>"] = 259;
  const std::string said = message_of([&] { Folder(nfc).through_gguf(); });
  EXPECT_NE(said.find("<\u00e9> is normalized"), std::string::npos) << said;
}

// Readers strip white space behind special tokens of models of this name: where the tokenizer does not,
// the name is another one.
TEST(TokenizerWorlds, ANameThatStripsSpacesIsNotGivenToOneThatDoesNot) {
  const auto name_of = [](bool strips) {
    Json json = byte_level_json();
    for (Json& token : json["added_tokens"]) token["rstrip"] = strips && token["content"] != "<s>";
    const Folder folder(json);
    const auto tokenizer = open_tokenizer(folder.at.path());
    {
      GgufWriter writer(folder.at / "t.gguf");
      writer.set("general.name", "My-Phi3-mini");
      write_tokenizer(*tokenizer, writer);
      writer.close();
    }
    EXPECT_EQ(text_with_other_ids(*tokenizer, *open_tokenizer(folder.at / "t.gguf")), std::nullopt);
    return std::string(
        GgufFile(folder.at / "t.gguf").metadata().find_string("general.name").value_or(""));
  };
  EXPECT_EQ(name_of(false), "My-Phi 3-mini");
  EXPECT_EQ(name_of(true), "My-Phi3-mini");
}

// U+2581 for spaces by Metaspace: GGUF's own space stands before every text.
TEST(TokenizerWorlds, SchemesOfMetaspaceAreRefusedOrTold) {
  Json vocab = {{"<unk>", 0}, {"<s>", 1}, {"</s>", 2}};
  for (int byte = 0; byte < 256; ++byte) {
    char name[8];
    std::snprintf(name, sizeof name, "<0x%02X>", static_cast<unsigned>(byte));
    vocab[name] = byte + 3;
  }
  vocab["\u2581"] = 259, vocab["a"] = 260, vocab["\u2581a"] = 261;
  Json json = {{"version", "1.0"},
               {"added_tokens", Json::array()},
               {"normalizer", nullptr},
               {"pre_tokenizer",
                {{"type", "Metaspace"}, {"replacement", "\u2581"}, {"prepend_scheme", "first"},
                 {"split", false}}},
               {"post_processor", nullptr},
               {"decoder", nullptr},
               {"model",
                {{"type", "BPE"},
                 {"unk_token", "<unk>"},
                 {"fuse_unk", true},
                 {"byte_fallback", true},
                 {"vocab", vocab},
                 {"merges", {"\u2581 a"}}}}};
  for (const char* scheme : {"first", "always"}) {
    json["pre_tokenizer"]["prepend_scheme"] = scheme;
    const Folder folder(json);
    EXPECT_NE(message_of([&] { folder.through_gguf(); }).find(scheme), std::string::npos);
    std::vector<std::string> lost;
    folder.through_gguf(&lost);
    EXPECT_EQ(lost.size(), 1u);
  }
  json["pre_tokenizer"]["prepend_scheme"] = "never";
  const Folder folder(json);
  const auto back = folder.through_gguf();
  EXPECT_EQ(back->encode("a a", {false, true}), (Ids{260, 261}));
}

TEST(TokenizerWorlds, TheLongestWordOfWordPieceGoesAlong) {
  Json json = Json::parse(R"({"version":"1.0","added_tokens":[],
    "normalizer":{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,
                  "strip_accents":null,"lowercase":true},
    "pre_tokenizer":{"type":"BertPreTokenizer"},"post_processor":null,"decoder":null,
    "model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##",
             "max_input_chars_per_word":3,"vocab":{"[UNK]":0,"a":1,"##a":2,"[CLS]":3,"[SEP]":4}}})");
  const Folder folder(json);
  write_file(folder.at / "tokenizer_config.json", R"({"cls_token":"[CLS]","sep_token":"[SEP]"})");
  const auto there = open_tokenizer(folder.at.path()), back = folder.through_gguf();
  for (const char* text : {"aaa", "aaaa", "aa aaaa a"})
    EXPECT_EQ(back->encode(text), there->encode(text)) << text;  // nothing around it either
  EXPECT_EQ(there->encode("aaaa", {false, true}), (Ids{0}));
  EXPECT_EQ(there->encode("aaa", {false, true}), (Ids{1, 2, 2}));
}

// Ids of Hugging Face's tokenizers 0.23.3 for this file. GGUF cannot say it at all.
// Which of two added tokens that overlap is taken differs: in GGUF the longest of all, in folders the
// first. A conversion sees it by trying.
TEST(TokenizerWorlds, OverlappingAddedTokensAreSeen) {
  const auto with = [](const char* one, const char* other) {
    Json json = byte_level_json();
    for (const auto& [id, content] : {std::pair(259, one), std::pair(260, other)}) {
      json["added_tokens"][static_cast<std::size_t>(id - 257)]["content"] = content;
      const std::string old = id == 259 ? "<|fin|>" : "<|stop|>";
      if (json["model"]["vocab"].erase(old) > 0) json["model"]["vocab"][content] = id;
    }
    return json;
  };
  const auto text = [&](const char* one, const char* other) {
    const Folder folder(with(one, other));
    return text_with_other_ids(*open_tokenizer(folder.at.path()), *folder.through_gguf());
  };
  EXPECT_EQ(text("<a>x", "x<bb>"), "<a>x<bb>");
  EXPECT_EQ(text("<|fin|>", "<|stop|>"), std::nullopt);
  EXPECT_EQ(text("<a>", "<a><b>"), std::nullopt);    // one begins with the other
  EXPECT_EQ(text("\n\n", "\n\n\n\n\n"), std::nullopt);  // runs are cut alike
}

TEST(TokenizerWorlds, TokenizersThatCutOtherwiseAreToldApart) {
  const Folder plain(byte_level_json());
  const auto there = open_tokenizer(plain.at.path());
  EXPECT_EQ(text_with_other_ids(*there, *there), std::nullopt);
  const auto changed = [&](auto&& change) {
    Json json = byte_level_json();
    change(json);
    const Folder folder(json);
    return text_with_other_ids(*there, *open_tokenizer(folder.at.path())).has_value();
  };
  EXPECT_TRUE(changed([](Json& j) { j["normalizer"] = {{"type", "NFC"}}; }));
  EXPECT_TRUE(changed([](Json& j) { j["normalizer"] = {{"type", "Lowercase"}}; }));
  EXPECT_TRUE(changed([](Json& j) { j["added_tokens"][2]["lstrip"] = true; }));
  EXPECT_TRUE(changed([](Json& j) { j["added_tokens"][2]["rstrip"] = true; }));
  EXPECT_TRUE(changed([](Json& j) { j["added_tokens"][2]["single_word"] = true; }));
  EXPECT_TRUE(changed([](Json& j) { j["pre_tokenizer"]["add_prefix_space"] = true; }));
}

TEST(TokenizerWorlds, ByteLevelPiecesThatEndAWordAreServed) {
  Json vocab = Json::object();
  const std::vector<std::string> pieces{"a",    "b",    "c",     "Ġ",    "a</w>",  "b</w>",
                                        "c</w>", "ab",   "ab</w>", "Ġa",   "Ġab</w>", "<unk>",
                                        "abc</w>"};
  for (std::size_t i = 0; i < pieces.size(); ++i) vocab[pieces[i]] = i;
  Json json = {{"version", "1.0"},
               {"added_tokens", Json::array()},
               {"normalizer", nullptr},
               {"pre_tokenizer",
                {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true},
                 {"use_regex", true}}},
               {"post_processor", nullptr},
               {"decoder", nullptr},
               {"model",
                {{"type", "BPE"},
                 {"unk_token", "<unk>"},
                 {"end_of_word_suffix", "</w>"},
                 {"vocab", vocab},
                 {"merges", {"a b", "a b</w>", "Ġ a", "Ġa b</w>", "ab c</w>"}}}}};
  const Folder folder(json);
  const auto tokenizer = from_json(json.dump());
  const struct {
    const char* text;
    Ids ids;
  } cases[] = {{"ab", {8}},      {"ab ab", {8, 3, 8}}, {"a", {4}},  {"abc ca", {12, 3, 2, 4}},
               {"x", {11}},      {"aab", {0, 8}},    {"", {}},    {"aba ", {7, 4, 11}}};
  for (const auto& c : cases) EXPECT_EQ(tokenizer->encode(c.text), c.ids) << c.text;
}

}  // namespace
}  // namespace bantam::test
