// The small parts of a tokenizer.json: normalizers, pre-tokenizers, post-processors, decoders.
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "tokenizer/base64.h"
#include "tokenizer/tokenizer_json.h"

namespace bantam::tokenizer {

namespace {

Json pattern(const std::string& text, bool literal) {
  return {{literal ? "String" : "Regex", text}};
}

// A list of one is its member, of none null.
Json sequence(Json list, const char* key) {
  if (list.empty()) return nullptr;
  if (list.size() == 1) return list[0];
  return {{"type", "Sequence"}, {key, std::move(list)}};
}

Json normalizer(const NormalizeStep& step) {
  using Kind = NormalizeStep::Kind;
  const auto plain = [](const char* type) { return Json{{"type", type}}; };
  switch (step.kind) {
    case Kind::nfc:
      return plain("NFC");
    case Kind::nfd:
      return plain("NFD");
    case Kind::nfkc:
      return plain("NFKC");
    case Kind::nfkd:
      return plain("NFKD");
    case Kind::lowercase:
      return plain("Lowercase");
    case Kind::strip_accents:
      return plain("StripAccents");
    case Kind::nmt:
      return plain("Nmt");
    case Kind::byte_level:
      return plain("ByteLevel");
    case Kind::strip:
      return {{"type", "Strip"}, {"strip_left", step.left}, {"strip_right", step.right}};
    case Kind::replace:
      return {{"type", "Replace"},
              {"pattern", pattern(step.pattern, step.literal)},
              {"content", step.content}};
    case Kind::prepend:
      return {{"type", "Prepend"}, {"prepend", step.content}};
    case Kind::bert: {
      Json out{{"type", "BertNormalizer"},
               {"clean_text", step.clean_text},
               {"handle_chinese_chars", step.chinese_chars},
               {"strip_accents", nullptr},
               {"lowercase", step.lower}};
      if (step.accents) out["strip_accents"] = *step.accents;
      return out;
    }
    case Kind::precompiled:
      return {{"type", "Precompiled"}, {"precompiled_charsmap", base64_encode(step.content)}};
    case Kind::sentencepiece:
      break;  // becomes several
  }
  throw Error("the normalizer cannot be written");
}

Json replace_regex(const char* from, const char* to) {
  return {{"type", "Replace"}, {"pattern", pattern(from, false)}, {"content", to}};
}

}  // namespace

Json write_normalizers(const TokenizerSpec& spec) {
  Json list = Json::array();
  for (const NormalizeStep& step : spec.normalizer) {
    if (step.kind != NormalizeStep::Kind::sentencepiece) {
      list.push_back(normalizer(step));
      continue;
    }
    if (step.right) throw Error("a space after the text cannot be written").field("normalizer");
    if (step.merge_spaces) {
      list.push_back(replace_regex("^ +| +$", ""));
      list.push_back(replace_regex(" {2,}", " "));
    }
  }
  return sequence(std::move(list), "normalizers");
}

namespace {

Json metaspace(const PreTokenStep& step) {
  const char* scheme = step.prepend == PreTokenStep::Prepend::always  ? "always"
                       : step.prepend == PreTokenStep::Prepend::first ? "first"
                                                                      : "never";
  return {{"type", "Metaspace"},
          {"replacement", step.marker},
          {"prepend_scheme", scheme},
          {"split", step.split}};
}

Json byte_level(bool prefix_space, bool regex) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", prefix_space},
          {"trim_offsets", true},
          {"use_regex", regex}};
}

Json stage(const PreStage& stage) {
  static constexpr const char* kBehaviors[] = {"Isolated", "Removed", "MergedWithPrevious",
                                               "MergedWithNext", "Contiguous"};
  const char* behavior = kBehaviors[static_cast<int>(stage.behavior)];
  switch (stage.kind) {
    case PreStage::Kind::split:
      return {{"type", "Split"},
              {"pattern", pattern(stage.pattern, stage.literal)},
              {"behavior", behavior},
              {"invert", stage.invert}};
    case PreStage::Kind::digits:
      // The same as Digits in Rust; npm's @huggingface/tokenizers takes Nd alone for Digits.
      return {{"type", "Split"},
              {"pattern", pattern(stage.individual ? "\\p{N}" : "\\p{N}+", false)},
              {"behavior", "Isolated"},
              {"invert", false}};
    case PreStage::Kind::punctuation:
      return {{"type", "Punctuation"}, {"behavior", behavior}};
    case PreStage::Kind::gpt2:
      // ByteLevel's own expression, where ByteLevel is not what follows.
      return {{"type", "Split"},
              {"pattern", pattern("'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| "
                                  "?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
                                  false)},
              {"behavior", "Isolated"},
              {"invert", false}};
  }
  throw Error("the pre-tokenizer cannot be written");
}

}  // namespace

Json write_pre_tokenizers(const TokenizerSpec& spec) {
  using Kind = PreTokenStep::Kind;
  Json list = Json::array();
  const auto& steps = spec.pre_tokenizer;
  const auto is = [&](std::size_t i, Kind kind) {
    return i < steps.size() && steps[i].kind == kind;
  };
  const auto is_gpt2 = [&](std::size_t i) {
    return is(i, Kind::stage) && steps[i].stage.kind == PreStage::Kind::gpt2;
  };
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const bool prefix = is(i, Kind::prefix_space);
    const std::size_t after = i + (prefix ? 1 : 0);
    const std::size_t bytes = after + (is_gpt2(after) ? 1 : 0);
    if (is(bytes, Kind::byte_level)) {
      list.push_back(byte_level(prefix, is_gpt2(after)));
      i = bytes;
      continue;
    }
    switch (steps[i].kind) {
      case Kind::stage:
        list.push_back(stage(steps[i].stage));
        break;
      case Kind::metaspace:
        list.push_back(metaspace(steps[i]));
        break;
      case Kind::whitespace:
        list.push_back({{"type", "Whitespace"}});
        break;
      case Kind::whitespace_split:
        list.push_back({{"type", "WhitespaceSplit"}});
        break;
      case Kind::bert:
        list.push_back({{"type", "BertPreTokenizer"}});
        break;
      case Kind::delimiter:
        list.push_back({{"type", "CharDelimiterSplit"}, {"delimiter", steps[i].marker}});
        break;
      case Kind::fixed_length:
        list.push_back({{"type", "FixedLength"}, {"length", steps[i].length}});
        break;
      case Kind::prefix_space:
      case Kind::byte_level:
        throw Error("a space before each piece cannot be written alone").field("pre_tokenizer");
    }
  }
  for (const NormalizeStep& step : spec.normalizer)
    if (step.kind == NormalizeStep::Kind::sentencepiece) {
      PreTokenStep spaces{Kind::metaspace};
      spaces.marker = step.content;
      spaces.split = spec.model == TokenizerSpec::Model::unigram;
      using Prepend = PreTokenStep::Prepend;
      spaces.prepend = !step.left ? Prepend::never : step.once ? Prepend::first : Prepend::always;
      list.push_back(metaspace(spaces));
    }
  return sequence(std::move(list), "pretokenizers");
}

namespace {

Json decoder(const DecodeStep& step) {
  using Kind = DecodeStep::Kind;
  switch (step.kind) {
    case Kind::byte_level:
      return byte_level(true, true);
    case Kind::replace:
      return {{"type", "Replace"},
              {"pattern", pattern(step.pattern, step.literal)},
              {"content", step.content}};
    case Kind::byte_fallback:
      return {{"type", "ByteFallback"}};
    case Kind::fuse:
      return {{"type", "Fuse"}};
    case Kind::strip:
      return {
          {"type", "Strip"}, {"content", step.content}, {"start", step.start}, {"stop", step.stop}};
    case Kind::metaspace:
      return {{"type", "Metaspace"},
              {"replacement", step.content},
              {"prepend_scheme", step.first_space ? "always" : "never"},
              {"split", true}};
    case Kind::word_piece:
      return {{"type", "WordPiece"}, {"prefix", step.content}, {"cleanup", step.cleanup}};
    case Kind::bpe:
      return {{"type", "BPEDecoder"}, {"suffix", step.content}};
    case Kind::ctc:
      return {{"type", "CTC"},
              {"pad_token", step.pattern},
              {"word_delimiter_token", step.content},
              {"cleanup", step.cleanup}};
  }
  throw Error("the decoder cannot be written");
}

}  // namespace

Json write_decoders(const TokenizerSpec& spec) {
  if (spec.phantom_space) return {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}};
  Json list = Json::array();
  for (const DecodeStep& step : spec.decoder) list.push_back(decoder(step));
  return sequence(std::move(list), "decoders");
}

Json write_post_processor(const TokenizerSpec& spec) {
  if (spec.prefix.empty() && spec.suffix.empty()) {
    if (!is_byte_level(spec)) return nullptr;
    Json out = byte_level(true, true);
    out["trim_offsets"] = false;
    return out;
  }
  Json single = Json::array(), pair = Json::array(), specials = Json::object();
  const auto put = [&](std::int32_t id, Json& list, int type) {
    const std::string name(spec.vocabulary.piece(id));
    list.push_back({{"SpecialToken", {{"id", name}, {"type_id", type}}}});
    specials[name] = {{"id", name}, {"ids", {id}}, {"tokens", {name}}};
  };
  const auto text = [](Json& list, const char* name, int type) {
    list.push_back({{"Sequence", {{"id", name}, {"type_id", type}}}});
  };
  for (const std::int32_t id : spec.prefix) put(id, single, 0);
  text(single, "A", 0);
  for (const std::int32_t id : spec.suffix) put(id, single, 0);
  pair = single;
  for (const std::int32_t id : spec.prefix) put(id, pair, 1);
  text(pair, "B", 1);
  for (const std::int32_t id : spec.suffix) put(id, pair, 1);
  return {{"type", "TemplateProcessing"},
          {"single", std::move(single)},
          {"pair", std::move(pair)},
          {"special_tokens", std::move(specials)}};
}

}  // namespace bantam::tokenizer
