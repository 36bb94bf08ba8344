// The makers' own answers on real vocabularies (tokenizers/README.md of the reference data).
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "files/gguf_writer.h"
#include "support/shared.h"
#include "tokenizer/base64.h"
#include "tokenizer/same_ids.h"
#include "tokenizer/stream_decoder.h"
#include "support/effort.h"
#include "tokenizer_support.h"

namespace bantam::test {
namespace {

struct Model {
  const char *vocabulary, *file;
};

// Those that are not compressed, one of each kind at least.
const Model kModels[] = {
    {"gpt2", "gpt2.gguf"},
    {"llama2", "llama2.gguf"},
    {"llama2", "tokenizer.model"},
    {"phi-3", "phi-3.gguf"},
    {"minimind", "minimind.gguf"},
    {"minimind", "tokenizer.json"},
    {"deepseek-coder", "deepseek-coder.gguf"},
    {"bert-bge", "bert-bge.gguf"},
    {"bert-bge", "tokenizer.json"},
    {"t5-small", "tokenizer.json"},
    {"zhen", "zhen.gguf"},
    {"zhen", "zhen.model"},
};

class SharedVocabulary : public testing::TestWithParam<Model> {};

TEST_P(SharedVocabulary, EncodesAsItsMakersDo) {
  BANTAM_NEEDS_SHARED("tokenizers");
  const auto [vocabulary, file] = GetParam();
  const auto folder = shared_folder() / "tokenizers" / vocabulary;
  const auto tokenizer = open_tokenizer(folder / file);
  std::ifstream cases(folder / "cases.jsonl");
  int done = 0;
  for (std::string line; std::getline(cases, line);) {
    const auto wanted = nlohmann::json::parse(line);
    if (wanted.contains("models")) {
      const auto& models = wanted["models"];
      if (std::find(models.begin(), models.end(), file) == models.end()) continue;
    }
    const std::string text = base64_decode(wanted["text_b64"].get<std::string>()).value();
    const EncodeOptions options{wanted["add_special"], wanted["parse_special"]};
    const Ids ids = tokenizer->encode(text, options);
    EXPECT_EQ(ids, wanted["ids"].get<Ids>()) << line.substr(0, 200);
    StreamDecoder stream(tokenizer, false);
    std::string streamed;
    for (const std::int32_t id : ids) streamed += stream.feed(id);
    streamed += stream.finish();
    EXPECT_EQ(streamed, tokenizer->decode(ids, false)) << line.substr(0, 200);
    ++done;
  }
  EXPECT_GT(done, 200);
}

TEST_P(SharedVocabulary, TakesLinearTimeOnHostileText) {
  BANTAM_NEEDS_SHARED("tokenizers");
  const auto [vocabulary, file] = GetParam();
  const auto tokenizer = open_tokenizer(shared_folder() / "tokenizers" / vocabulary / file);
  const struct {
    const char *name, *unit;
  } kTexts[] = {{"letter", "a"},
                {"space", " "},
                {"digit", "7"},
                {"emoji", "😀"},
                {"joined", "👩\u200D"},
                {"newline", "\n"},
                {"marks", "\u0301\u0323"},
                {"bad", "\xFF"}};
  for (const auto& [name, unit] : kTexts) {
    std::string text;
    while (text.size() < std::size_t{1} << 20) text += unit;
    const double work = effort([&] { EXPECT_GT(tokenizer->encode(text, {.add_special = true}).size(), 0u) << name; });
    EXPECT_LT(work, 400) << name;  // some tens; quadratic time would be thousands
  }
}

// What is written in the other form cuts texts alike, or it is said what cannot be written.
TEST_P(SharedVocabulary, TheOtherFormCutsAlike) {
  BANTAM_NEEDS_SHARED("tokenizers");
  const auto [vocabulary, file] = GetParam();
  const auto path = shared_folder() / "tokenizers" / vocabulary / file;
  const auto tokenizer = open_tokenizer(path);
  const TemporaryFolder folder;
  std::optional<std::string> other;
  std::string meaning;
  const std::string refused = message_of([&] {
    if (path.extension() == ".gguf") {
      write_file(folder / "tokenizer.json", tokenizer_json(*tokenizer));
      write_file(folder / "tokenizer_config.json", tokenizer_config_json(*tokenizer));
      const auto written = open_tokenizer(folder.path());
      other = text_with_other_ids(*tokenizer, *written);
      meaning = meaning_sum(*written);
      return;
    }
    {
      GgufWriter writer(folder / "t.gguf");
      write_tokenizer(*tokenizer, writer);
      writer.close();
    }
    const auto written = open_tokenizer(folder / "t.gguf");
    other = text_with_other_ids(*tokenizer, *written);
    meaning = meaning_sum(*written);
  });
  EXPECT_EQ(refused, "");
  // Character maps are used on whole clusters in folders, by the longest prefix in GGUF: spaces of other
  // widths at the beginning of a text are seen.
  const bool by_map = path.extension() == ".json" && std::string_view(vocabulary) == "t5-small";
  EXPECT_EQ(other.has_value(), by_map) << other.value_or("");
  const bool word_piece = std::string_view(vocabulary) == "bert-bge";  // its pieces are spelled otherwise in GGUF
  EXPECT_EQ(meaning == meaning_sum(*tokenizer), !by_map && !word_piece);
}

// As their makers wrote them, in both forms.
TEST(SharedVocabularies, MeanTheSameInTheFormsOfTheirMakers) {
  BANTAM_NEEDS_SHARED("tokenizers");
  const auto folder = shared_folder() / "tokenizers" / "minimind";
  EXPECT_EQ(meaning_sum(*open_tokenizer(folder / "minimind.gguf")), meaning_sum(*open_tokenizer(folder / "tokenizer.json")));
  EXPECT_NE(meaning_sum(*open_tokenizer(folder / "minimind.gguf")),
            meaning_sum(*open_tokenizer(shared_folder() / "tokenizers" / "gpt2" / "gpt2.gguf")));
}

INSTANTIATE_TEST_SUITE_P(Real, SharedVocabulary, testing::ValuesIn(kModels), [](const auto& model) {
  std::string name = std::string(model.param.vocabulary) + "_" + model.param.file;
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
});

}  // namespace
}  // namespace bantam::test
