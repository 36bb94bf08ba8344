// Added tokens, normalizers, pre-tokenizers and decoders, one by one.
#include <gtest/gtest.h>
#include <utf8proc.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "tokenizer/added_tokens.h"
#include "tokenizer/base64.h"
#include "tokenizer/charsmap.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/pre_token_pipeline.h"
#include "tokenizer/token_decoder.h"
#include "support/effort.h"
#include "tokenizer_support.h"

namespace bantam::test {
namespace {

using Matching = TokenizerSpec::Matching;

AddedToken token(std::int32_t id, const std::string& content, const std::string& flags = "") {
  AddedToken t;
  t.id = id;
  t.content = content;
  t.special = flags.find('s') != std::string::npos;
  t.lstrip = flags.find('l') != std::string::npos;
  t.rstrip = flags.find('r') != std::string::npos;
  t.single_word = flags.find('w') != std::string::npos;
  return t;
}

// "text|#id|text"
std::string parts(const AddedTokenFinder& finder, const std::string& text, bool special = true) {
  std::vector<AddedTokenFinder::Part> found;
  finder.split(text, special, found);
  std::string out;
  for (const auto& part : found) {
    if (!out.empty()) out += '|';
    out += part.id < 0 ? std::string(part.text) : "#" + std::to_string(part.id);
  }
  return out;
}

TEST(AddedTokens, TheFirstAndLongestIsTakenInHuggingFacesFiles) {
  const AddedTokenFinder finder({token(1, "ab"), token(2, "bcd"), token(3, "abx"),
                                 token(4, "<s>", "s"), token(5, "q", "w"), token(6, "<m>", "lr")},
                                Matching::leftmost_longest);
  EXPECT_EQ(parts(finder, "abcd"), "#1|cd");
  EXPECT_EQ(parts(finder, "abxabbcd"), "#3|#1|#2");
  EXPECT_EQ(parts(finder, "x<s>y"), "x|#4|y");
  EXPECT_EQ(parts(finder, "x<s>y", false), "x<s>y");
  EXPECT_EQ(parts(finder, "q q. aq qa éq q"), "#5| |#5|. aq qa éq |#5");
  EXPECT_EQ(parts(finder, "x \u00A0<m>\n y"), "x|#6|y");
  EXPECT_EQ(parts(finder, "<m><m> <m>"), "#6|#6|#6");
  EXPECT_EQ(parts(finder, ""), "");
}

TEST(AddedTokens, TheLongestOfAllIsTakenFirstInGguf) {
  const AddedTokenFinder finder(
      {token(1, "ab"), token(2, "bcd"), token(3, "aa"), token(4, "aaa"), token(6, "<m>", "r")},
      Matching::longest_first);
  EXPECT_EQ(parts(finder, "abcd"), "a|#2");
  EXPECT_EQ(parts(finder, "abab"), "#1|#1");
  EXPECT_EQ(parts(finder, "aaaaaaaa"), "#4|#4|#3");
  EXPECT_EQ(parts(finder, "aaaab"), "#4|#1");  // what is left of the run is "a", before "b"
  EXPECT_EQ(parts(finder, "<m> \u00A0x"), "#6|\u00A0x");
}

// llama.cpp: the text is cut at each token in turn, the longest token first.
std::string plain_longest_first(std::vector<AddedToken> tokens, const std::string& text) {
  std::stable_sort(tokens.begin(), tokens.end(), [](const AddedToken& a, const AddedToken& b) {
    return a.content.size() > b.content.size();
  });
  std::vector<std::pair<std::string, std::int32_t>> fragments{{text, -1}};
  for (const AddedToken& t : tokens) {
    std::vector<std::pair<std::string, std::int32_t>> next;
    for (const auto& [piece, id] : fragments) {
      std::string rest = piece;
      for (std::size_t at; id < 0 && (at = rest.find(t.content)) != std::string::npos;) {
        if (at > 0) next.emplace_back(rest.substr(0, at), -1);
        next.emplace_back("", t.id);
        rest = rest.substr(at + t.content.size());
      }
      if (id >= 0 || !rest.empty()) next.emplace_back(rest, id);
    }
    fragments = next;
  }
  std::string out;
  for (const auto& [piece, id] : fragments)
    out += (out.empty() ? "" : "|") + (id < 0 ? piece : "#" + std::to_string(id));
  return out;
}

TEST(AddedTokens, OverlapsInGgufAreCutAsTokenAfterTokenWouldCutThem) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    std::vector<AddedToken> tokens;
    for (std::int32_t id = 0; id < 6; ++id) {
      const std::string content =
          random_text(seed * 10 + static_cast<std::uint64_t>(id),
                      1 + (seed + static_cast<std::uint64_t>(id)) % 4, "abc");
      const bool there = std::any_of(tokens.begin(), tokens.end(),
                                     [&](const AddedToken& t) { return t.content == content; });
      if (!there) tokens.push_back(token(id, content));
    }
    const AddedTokenFinder finder(tokens, Matching::longest_first);
    const std::string text = random_text(seed, 40, "abcd");
    EXPECT_EQ(parts(finder, text), plain_longest_first(tokens, text)) << text;
  }
}

TEST(UnicodeForms, EqualUtf8procsOnWholeTexts) {
  const struct {
    UnicodeForm form;
    utf8proc_option_t options;
  } kForms[] = {
      {UnicodeForm::nfc, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE)},
      {UnicodeForm::nfd, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE)},
      {UnicodeForm::nfkc,
       static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT)},
      {UnicodeForm::nfkd,
       static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT)},
  };
  const std::vector<std::string> pool{
      "a",      "e",      "\u0301", "\u0323",     "\u0308", "é",      "Å",        "ﬁ", "각",
      "\u1100", "\u1161", "\u11A8", "漢",         "字",     "が",     "か\u3099", " ", "\u212A",
      "½",      "\u0344", "ﷺ",      "\U0001D15E", "ह",      "\u093C", "ä"};
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    std::string text, picks;
    for (std::size_t i = 0; i < pool.size(); ++i) picks += static_cast<char>(i);
    for (const char c : random_text(seed, seed % 30, picks))
      text += pool[static_cast<std::size_t>(c)];
    for (const auto& [form, options] : kForms) {
      utf8proc_uint8_t* expected = nullptr;
      const auto size =
          utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                       static_cast<utf8proc_ssize_t>(text.size()), &expected, options);
      ASSERT_GE(size, 0);
      EXPECT_EQ(to_unicode_form(text, form),
                std::string(reinterpret_cast<char*>(expected), static_cast<std::size_t>(size)));
      std::free(expected);
    }
  }
}

TEST(UnicodeForms, TakeLinearTimeOnMarksInTheWrongOrder) {
  std::string text = "a";
  for (int i = 0; i < 200000; ++i) text += "\u0301\u0323";
  const double work = effort([&] {
    EXPECT_EQ(to_unicode_form(text, UnicodeForm::nfc).size(), text.size() - 2 + 1 - 2 + 3 - 1 + 1);
  });
  EXPECT_LT(work, 150);
}

std::string normalized(const std::string& json, const std::string& text) {
  return Normalizer(read_normalizers(parse_json(json, "test"))).apply(text, true);
}

TEST(Normalizers, DoWhatTheirNamesSay) {
  const struct {
    const char *json, *text, *result;
  } kCases[] = {
      {R"({"type":"NFC"})", "e\u0301", "é"},
      {R"({"type":"NFD"})", "é", "e\u0301"},
      {R"({"type":"NFKC"})", "ﬁ½", "fi1⁄2"},
      {R"({"type":"NFKD"})", "ﬁé", "fie\u0301"},
      {R"({"type":"Lowercase"})", "ÀBΣİẞ", "àbσi\u0307ß"},
      {R"({"type":"Strip","strip_left":true,"strip_right":false})", " \u3000a b ", "a b "},
      {R"({"type":"Strip","strip_left":false,"strip_right":true})", " a b \n", " a b"},
      {R"({"type":"Strip","strip_left":true,"strip_right":true})", " \t ", ""},
      {R"({"type":"StripAccents"})", "e\u0301é", "eé"},
      {R"({"type":"Replace","pattern":{"String":" "},"content":"▁"})", " a  b", "▁a▁▁b"},
      {R"({"type":"Replace","pattern":{"Regex":" {2,}"},"content":" "})", "a   b  c d", "a b c d"},
      {R"({"type":"Prepend","prepend":"▁"})", "a", "▁a"},
      {R"({"type":"Prepend","prepend":"▁"})", "", ""},
      {R"({"type":"Nmt"})", "a\u200Bb\tc\u0001d", "a b cd"},
      {R"({"type":"ByteLevel"})", " é", "ĠÃ©"},
      {R"({"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,
           "strip_accents":null,"lowercase":true})",
       "É\t漢\u0000x\u200D", "e  漢 "},
      {R"({"type":"BertNormalizer","clean_text":false,"handle_chinese_chars":false,
           "strip_accents":false,"lowercase":true})",
       "É漢", "é漢"},
      {R"({"type":"Sequence","normalizers":[{"type":"Prepend","prepend":" x"},
           {"type":"Sequence","normalizers":[{"type":"Lowercase"}]},
           {"type":"Replace","pattern":{"String":"x"},"content":""}]})",
       "XA", " a"},
  };
  for (const auto& [json, text, result] : kCases) EXPECT_EQ(normalized(json, text), result) << json;
}

TEST(Normalizers, ATextThatGrowsWithoutMeasureIsAnError) {
  std::string json = R"({"type":"Sequence","normalizers":[)";
  for (int i = 0; i < 60; ++i)
    json +=
        std::string(i ? "," : "") + R"({"type":"Replace","pattern":{"String":"a"},"content":"aa"})";
  EXPECT_NE(message_of([&] { normalized(json + "]}", "a"); }).find("normalizers make"),
            std::string::npos);
}

// A map by hand: "a" -> "X", "ab" -> "YZ"; units at BASE ^ byte as Darts-clone lays them out.
std::string small_charsmap() {
  std::vector<std::uint32_t> units(1024, 0);
  const auto put = [&](std::size_t at, std::uint32_t label, std::uint32_t base, bool leaf) {
    units[at] = label | (leaf ? 1u << 8 : 0) | base << 10;
  };
  put(0, 0, 256, false);
  const std::size_t a = 256 ^ 'a';
  put(a, 'a', static_cast<std::uint32_t>(a ^ 512), true);
  units[512] = 0 | 1u << 31;
  const std::size_t b = 512 ^ 'b';
  put(b, 'b', static_cast<std::uint32_t>(b ^ 768), true);
  units[768] = 2 | 1u << 31;
  const std::uint32_t size = 4096;
  std::string blob(reinterpret_cast<const char*>(&size), 4);
  blob.append(reinterpret_cast<const char*>(units.data()), size);
  return blob + std::string("X\0YZ\0", 5);
}

TEST(CharsMap, LongestPrefixForSentencePieceClustersForHuggingFace) {
  std::string text = "abacad";
  make_charsmap_op(small_charsmap(), true)->apply(text, true);
  EXPECT_EQ(text, "YZXcXd");
  text = "abac";
  make_charsmap_op(small_charsmap(), false)->apply(text, true);
  EXPECT_EQ(text, "XbXc");  // one character at a time
  text = "a\u0301";         // one cluster: its shortest prefix stands for all of it
  make_charsmap_op(small_charsmap(), false)->apply(text, true);
  EXPECT_EQ(text, "X");
}

TEST(CharsMap, ThatIsCutIsAnErrorAndOneThatLiesReadsNothingOutside) {
  const std::string blob = small_charsmap();
  for (const std::size_t size : {0u, 3u, 4u, 100u})
    EXPECT_NE(message_of([&] { CharsMap(std::string_view(blob).substr(0, size)); }), "") << size;
  for (std::uint64_t seed = 1; seed < 200; ++seed) {
    std::string wrong = blob;
    std::string units(seed % 16 * 4 + 4, '\0');
    for (char& c : units)
      c = static_cast<char>(
          random_text(seed ^ static_cast<std::uint64_t>(&c - units.data()), 1, blob)[0]);
    const auto size = static_cast<std::uint32_t>(units.size());
    wrong = std::string(reinterpret_cast<const char*>(&size), 4) + units + "X";
    const CharsMap map{std::string_view(wrong)};
    for (const char* text : {"a", "abc", "\xFF\xFE", "漢字"}) map.longest(text);
  }
}

TEST(Base64, RoundTripsAndRefusesWhatIsWrong) {
  for (std::size_t size = 0; size < 50; ++size) {
    const std::string bytes = random_text(size, size, std::string("\0\xFF\x80 ab", 6));
    EXPECT_EQ(base64_decode(base64_encode(bytes)), bytes);
  }
  EXPECT_EQ(base64_encode("any carnal pleas"), "YW55IGNhcm5hbCBwbGVhcw==");
  for (const char* wrong : {"a", "ab=c", "====", "YW5!", "YQ=", "Y==="})
    EXPECT_EQ(base64_decode(wrong), std::nullopt) << wrong;
}

std::string pieces(const std::string& json, const std::string& text, bool first = true) {
  std::string out;
  PreTokenPipeline(read_pre_tokenizers(parse_json(json, "test")))
      .run(text, first, [&](std::span<const std::string_view> words) {
        for (const std::string_view word : words)
          out += (out.empty() ? "" : "|") + std::string(word);
      });
  return out;
}

TEST(PreTokenizers, CutAsTheirNamesSay) {
  const struct {
    const char *json, *text, *result;
  } kCases[] = {
      {R"({"type":"Whitespace"})", "Hey, you! _x é", "Hey|,|you|!|_x|é"},
      {R"({"type":"WhitespaceSplit"})", " a,b\u3000c\n", "a,b|c"},
      {R"({"type":"BertPreTokenizer"})", "a.b  c_d é«x", "a|.|b|c|_|d|é|«|x"},
      {R"({"type":"CharDelimiterSplit","delimiter":"é"})", "aébéé c", "a|b| c"},
      {R"({"type":"FixedLength","length":2})", "aébcd", "aé|bc|d"},
      {R"({"type":"Digits","individual_digits":true})", "a12b", "a|1|2|b"},
      {R"({"type":"Digits","individual_digits":false})", "a12b", "a|12|b"},
      {R"({"type":"Punctuation"})", "a,,b", "a|,|,|b"},
      {R"({"type":"Punctuation","behavior":"Contiguous"})", "a,,b", "a|,,|b"},
      {R"({"type":"Split","pattern":{"String":"-"},"behavior":"MergedWithPrevious","invert":false})",
       "a-b--c", "a-|b-|-|c"},
      {R"({"type":"Split","pattern":{"String":"-"},"behavior":"MergedWithNext","invert":false})",
       "a-b--c", "a|-b|-|-c"},
      {R"({"type":"Split","pattern":{"String":"-"},"behavior":"Removed","invert":false})", "a-b--c",
       "a|b|c"},
      {R"({"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true})", "a  b",
       "▁a|▁|▁b"},
      {R"({"type":"Metaspace","replacement":"▁","prepend_scheme":"never","split":true})", "a b ",
       "a|▁b|▁"},
      {R"({"type":"Metaspace","replacement":"▁","prepend_scheme":"first","split":false})", "a b",
       "▁a▁b"},
      {R"({"type":"Metaspace","replacement":"▁","add_prefix_space":true})", " a", "▁a"},
      {R"({"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true})", "a b", " a| b"},
      {R"({"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false})",
       "a b", "a b"},
      {R"({"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"},
           {"type":"Metaspace","replacement":"▁"}]})",
       "a b", "▁a|▁b"},
      {R"({"type":"Sequence","pretokenizers":[{"type":"Punctuation"},
           {"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":false}]})",
       "a,b", " a| ,| b"},
  };
  for (const auto& [json, text, result] : kCases) EXPECT_EQ(pieces(json, text), result) << json;
  EXPECT_EQ(
      pieces(R"({"type":"Metaspace","replacement":"▁","prepend_scheme":"first"})", "a", false),
      "a");
}

std::string decoded(const std::string& json, const std::vector<std::string>& tokens) {
  const TokenDecoder decoder(read_decoders(parse_json(json, "test")));
  TokenDecoder::State state(decoder);
  std::string out;
  for (const std::string& t : tokens) decoder.feed(t, false, state, out);
  decoder.finish(state, out);
  return out;
}

TEST(Decoders, JoinAsTheirNamesSay) {
  const char* const kLlama = R"({"type":"Sequence","decoders":[
      {"type":"Replace","pattern":{"String":"▁"},"content":" "},{"type":"ByteFallback"},
      {"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]})";
  const struct {
    const char* json;
    std::vector<std::string> tokens;
    const char* result;
  } kCases[] = {
      {kLlama, {"▁Hello", "▁", "<0xE6>", "<0xBC>", "<0xA2>", "▁x"}, "Hello 漢 x"},
      {kLlama, {"▁", "▁a"}, " a"},
      {kLlama, {"<0x4>", "<0xZZ>"}, "<0x4><0xZZ>"},
      {R"({"type":"ByteLevel"})", {"Ġa", "Ãł"}, " a\u00E0"},
      {R"({"type":"Metaspace","replacement":"▁","prepend_scheme":"always"})", {"▁a", "▁b"}, "a b"},
      {R"({"type":"Metaspace","replacement":"▁","prepend_scheme":"never"})", {"▁a", "▁b"}, " a b"},
      {R"({"type":"WordPiece","prefix":"##","cleanup":true})",
       {"do", "##n", "'", "t", ".", "do", "n't"},
       "don ' t. don't"},
      {R"({"type":"WordPiece","prefix":"##","cleanup":false})", {"a", "##b", "."}, "ab ."},
      {R"({"type":"BPEDecoder","suffix":"</w>"})", {"he", "llo</w>", "you</w>"}, "hello you"},
      {R"({"type":"CTC","pad_token":"<pad>","word_delimiter_token":"|","cleanup":true})",
       {"<pad>", "h", "h", "<pad>", "h", "|", "|", "a"},
       "hh a"},
      {R"({"type":"Sequence","decoders":[{"type":"Fuse"},
           {"type":"Replace","pattern":{"String":"ab"},"content":"x"}]})",
       {"a", "b", "c"},
       "xc"},
      {"null", {"a", "b"}, "a b"},
  };
  for (const auto& [json, tokens, result] : kCases)
    EXPECT_EQ(decoded(json, tokens), result) << json;
}

}  // namespace
}  // namespace bantam::test
