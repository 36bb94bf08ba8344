// The names of `tokenizer.ggml.pre`, after ggml-org/llama.cpp, src/llama-vocab.cpp (the choice of
// LLAMA_VOCAB_PRE_TYPE and the expressions of llm_tokenizer_bpe). The stages are those of the
// makers' tokenizer.json where llama.cpp quotes them or they are published: its own expressions are
// adapted to an engine without \p{Lu}, (?i: and possessive marks.
#include <algorithm>

#include "base/error.h"
#include "words/pre_patterns.h"
#include "words/pre_stage.h"
#include "words/pre_tokenizer.h"

namespace bantam::words {
namespace {

using namespace pre::patterns;
using Stages = std::vector<PreStage>;

struct Entry {
  std::vector<std::string_view> names;  // the first is written for these stages
  PreTraits traits;
  Stages stages;
};

PreStage split(std::string_view pattern) { return {.pattern = std::string(pattern)}; }

std::vector<Entry> make_entries() {
  const PreStage gpt2{.kind = PreStage::Kind::gpt2};
  const PreStage digit{.kind = PreStage::Kind::digits, .individual = true};
  const PreStage digit_runs{.kind = PreStage::Kind::digits};
  const PreStage signs{.kind = PreStage::Kind::punctuation,
                       .behavior = PreStage::Behavior::contiguous};
  const PreStage one_sign{.kind = PreStage::Kind::punctuation};
  const PreTraits plain, ignore{.ignore_merges = true}, bos{.add_bos = true},
      ignore_bos{.ignore_merges = true, .add_bos = true}, sep{.add_sep = true},
      utf8{.byte_level = false};
  return {
      {{"gpt-2", "phi-2", "jina-es", "jina-de", "gigachat", "jina-v2-es", "jina-v2-de", "a.x-4.0",
        "mellum", "modern-bert", "mpt", "olmo", "jais", "trillion", "granite-docling", "exaone4"},
       plain,
       {gpt2}},
      {{"roberta-bpe", "jina-v1-en", "jina-v2-code"}, sep, {gpt2}},
      {{"smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b",
        "mellum2"},
       plain,
       {digit, gpt2}},
      {{"llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2",
        "jina-v5-nano"},
       ignore_bos,
       {split(kLlama3)}},
      {{"smaug-bpe", "dbrx", "glm4", "chatglm-bpe"}, plain, {split(kLlama3)}},
      {{"qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2", "stablelm2", "hunyuan", "solar-open",
        "megrez", "grok-2", "bailingmoe", "bailingmoe2", "llada-moe"},
       plain,
       {split(kQwen2)}},
      {{"qwen35"}, plain, {split(kQwen35)}},
      {{"ufakzeka"}, plain, {split(kUfakzeka)}},
      {{"seed-coder"}, plain, {split(kSeedCoder)}},
      {{"laguna"}, plain, {split(kNewlines), split(kQwen2)}},
      {{"minicpm5"}, ignore, {split(kUpToThreeNumbers), split(kMiniCpm5)}},
      {{"gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2"}, plain, {split(kO200k)}},
      {{"granite-embed-multi-97m"}, ignore, {split(kO200k)}},
      {{"tiny_aya", "cohere2moe"}, plain, {split(kTinyAyaDigits), split(kO200k)}},
      {{"tekken"}, ignore_bos, {split(kTekken)}},
      {{"youtu"}, ignore, {split(kYoutuScripts), split(kYoutu)}},
      {{"deepseek-llm"},
       plain,
       {split(kOneNewline), split(kDeepSeekLetters), split(kDeepSeekSigns), split(kTrailingSpace),
        split(kDeepSeekCjk), digit}},
      {{"deepseek-coder"},
       plain,
       {split(kOneNewline), split(kSpaceAndLetters), split(kSpaceAndPunctuation),
        split(kDeepSeekCjk), digit}},
      {{"deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4"},
       plain,
       {split(kUpToThreeNumbers), split(kHanAndKana), split(kDeepSeek3)}},
      {{"afmoe"}, plain, {split(kAfmoeDigits), split(kAfmoeScripts), split(kDeepSeek3)}},
      {{"spark2_5"}, plain, {split(kUpToThreeNumbers), split(kHanAndKana), split(kSpark25), digit}},
      {{"falcon"}, plain, {signs, gpt2, digit_runs, split(kThreeDigits)}},
      // What llama.cpp does for a file that names none.
      {{"default"},
       plain,
       {split(kDefaultPunctuation), split(kGpt2), digit_runs, split(kThreeDigits)}},
      {{"bloom", "poro-chat", "gpt3-finnish"}, plain, {split(kBloom)}},
      {{"viking"}, plain, {split(kBloom), digit}},
      {{"superbpe"}, plain, {digit_runs, split(kSuperBpeDigits)}},
      {{"jais-2"}, plain, {split(kJais2)}},
      {{"exaone-moe"}, plain, {split(kExaoneMoe)}},
      {{"kimi-k2"}, plain, {split(kKimiK2)}},
      {{"chameleon"},
       bos,
       {split(kChameleonSentinels), split(kChameleonImages), split(kChameleonSpaces), digit,
        one_sign, gpt2}},
      {{"gemma4", "granite-embed-multi-311m", "sarvam-moe"}, utf8, {split(kNewlines)}},
      {{"whitespace"}, utf8, {split(kNotSpace)}},
  };
}

const std::vector<Entry>& entries() {
  static const std::vector<Entry> all = make_entries();
  return all;
}

const Entry& entry_of(std::string_view name) {
  for (const Entry& entry : entries())
    if (std::find(entry.names.begin(), entry.names.end(), name) != entry.names.end()) return entry;
  std::string known;
  for (const std::string_view each : pre_tokenizer_names()) {
    if (!known.empty()) known += ", ";
    known += each;
  }
  throw Error("no pre-tokenizer is called " + printable(name) + "; known are " + known)
      .field("tokenizer.ggml.pre");
}

}  // namespace

std::unique_ptr<PreTokenizer> pre_tokenizer_by_name(std::string_view gguf_name) {
  return std::make_unique<PreTokenizer>(entry_of(gguf_name).stages, gguf_name);
}

std::unique_ptr<PreTokenizer> pre_tokenizer_from_stages(std::vector<PreStage> stages) {
  std::string_view name = pre_tokenizer_name_for(stages, false);
  if (name.empty()) name = pre_tokenizer_name_for(stages, true);
  return std::make_unique<PreTokenizer>(std::move(stages), name);
}

std::unique_ptr<PreTokenizer> pre_tokenizer_from_regex(std::string_view pattern) {
  return pre_tokenizer_from_stages({split(pattern)});
}

std::vector<std::string_view> pre_tokenizer_names() {
  std::vector<std::string_view> names;
  for (const Entry& entry : entries())
    names.insert(names.end(), entry.names.begin(), entry.names.end());
  std::sort(names.begin(), names.end());
  return names;
}

PreTraits pre_tokenizer_traits(std::string_view gguf_name) { return entry_of(gguf_name).traits; }

std::string_view pre_tokenizer_name_for(const std::vector<PreStage>& stages, bool ignore_merges) {
  const auto canonical = [](const Stages& in) {
    Stages out = pre::canonical(in);
    // Where nothing follows, a ByteLevel that splits is a Split and a ByteLevel that does not.
    if (!out.empty() && out.back() == split(kGpt2)) out.back() = {.kind = PreStage::Kind::gpt2};
    return out;
  };
  const Stages wanted = canonical(stages);
  for (const Entry& entry : entries())
    if (entry.traits.ignore_merges == ignore_merges && entry.traits.byte_level &&
        canonical(entry.stages) == wanted)
      return entry.names.front();
  return {};
}

}  // namespace bantam::words
