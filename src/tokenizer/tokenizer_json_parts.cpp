// The small parts of a tokenizer.json: normalizers, pre-tokenizers, post-processors, decoders.
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "tokenizer/base64.h"
#include "tokenizer/tokenizer_json.h"
#include "words/unicode.h"

namespace bantam::tokenizer {

namespace {

// One component: an object with a type, whose fields are asked for by name.
class Component {
 public:
  Component(const Json& json, std::string section) : json_(json), section_(std::move(section)) {
    if (!json.is_object()) throw fail("an object was expected");
    type_ = text("type");
  }

  const std::string& type() const { return type_; }
  bool is(std::string_view type) const { return type_ == type; }

  const Json* find(const char* key) const {
    const auto at = json_.find(key);
    return at == json_.end() || at->is_null() ? nullptr : &*at;
  }
  const Json& need(const char* key) const {
    if (const Json* value = find(key)) return *value;
    throw fail("the field is missing", key);
  }
  std::string text(const char* key) const {
    const Json& value = need(key);
    if (!value.is_string()) throw fail("a string was expected", key);
    return value.get<std::string>();
  }
  bool flag(const char* key, bool otherwise) const {
    const Json* value = find(key);
    if (!value) return otherwise;
    if (!value->is_boolean()) throw fail("true or false was expected", key);
    return value->get<bool>();
  }
  bool flag(const char* key) const {
    need(key);
    return flag(key, false);
  }
  std::int64_t count(const char* key, std::int64_t otherwise) const {
    const Json* value = find(key);
    if (!value) return otherwise;
    if (!value->is_number_integer() || value->get<std::int64_t>() < 0)
      throw fail("a number, not negative, was expected", key);
    return value->get<std::int64_t>();
  }
  // {"String": ..} or {"Regex": ..}
  void pattern(std::string& to, bool& literal) const {
    const Json& value = need("pattern");
    const bool object = value.is_object() && value.size() == 1 && value.begin()->is_string();
    const std::string kind = object ? value.begin().key() : "";
    if (kind != "String" && kind != "Regex")
      throw fail("{\"String\": ..} or {\"Regex\": ..} was expected", "pattern");
    literal = kind == "String";
    to = value.begin()->get<std::string>();
  }
  // Calls each(component) for a sequence's members, or for this alone.
  template <class Each>
  void members(const char* key, Each each) const {
    if (!is("Sequence")) return each(*this);
    const Json& list = need(key);
    if (!list.is_array()) throw fail("a list was expected", key);
    for (const Json& member : list) Component(member, section_).members(key, each);
  }

  Error fail(const std::string& message, const char* key = nullptr) const {
    std::string field = section_;
    if (!type_.empty()) field += "." + printable(type_);
    if (key) field += std::string(".") + key;
    return Error(message).field(field);
  }
  Error unknown(const char* known) const {
    return Error("the kind \"" + printable(type_) + "\" is not supported; known are " + known)
        .field(section_);
  }

 private:
  const Json& json_;
  std::string section_, type_;
};

using Normal = NormalizeStep::Kind;
using Pre = PreTokenStep::Kind;
using Dec = DecodeStep::Kind;

NormalizeStep normalize_step(const Component& part) {
  static constexpr std::array<std::pair<std::string_view, Normal>, 8> kPlain{{
      {"NFC", Normal::nfc},
      {"NFD", Normal::nfd},
      {"NFKC", Normal::nfkc},
      {"NFKD", Normal::nfkd},
      {"Lowercase", Normal::lowercase},
      {"StripAccents", Normal::strip_accents},
      {"Nmt", Normal::nmt},
      {"ByteLevel", Normal::byte_level},
  }};
  for (const auto& [type, kind] : kPlain)
    if (part.is(type)) return {kind};
  NormalizeStep step{Normal::strip};
  if (part.is("Strip")) {
    step.left = part.flag("strip_left");
    step.right = part.flag("strip_right");
  } else if (part.is("Replace")) {
    step.kind = Normal::replace;
    part.pattern(step.pattern, step.literal);
    step.content = part.text("content");
  } else if (part.is("Prepend")) {
    step.kind = Normal::prepend;
    step.content = part.text("prepend");
  } else if (part.is("BertNormalizer")) {
    step.kind = Normal::bert;
    step.clean_text = part.flag("clean_text");
    step.chinese_chars = part.flag("handle_chinese_chars");
    step.lower = part.flag("lowercase");
    if (part.find("strip_accents")) step.accents = part.flag("strip_accents");
  } else if (part.is("Precompiled")) {
    step.kind = Normal::precompiled;
    const auto bytes = base64_decode(part.text("precompiled_charsmap"));
    if (!bytes) throw part.fail("base64 was expected", "precompiled_charsmap");
    step.content = *bytes;
  } else {
    throw part.unknown(
        "NFC, NFD, NFKC, NFKD, Lowercase, Strip, StripAccents, Replace, Prepend, BertNormalizer, "
        "Precompiled, Nmt, ByteLevel, Sequence");
  }
  return step;
}

PreStage::Behavior behavior(const Component& part, const char* otherwise) {
  using B = PreStage::Behavior;
  static constexpr std::array<std::pair<std::string_view, B>, 5> kNames{{
      {"Isolated", B::isolated},
      {"Removed", B::removed},
      {"MergedWithPrevious", B::merged_with_previous},
      {"MergedWithNext", B::merged_with_next},
      {"Contiguous", B::contiguous},
  }};
  const std::string name = part.find("behavior") ? part.text("behavior") : otherwise;
  for (const auto& [known, value] : kNames)
    if (name == known) return value;
  throw part.fail("the behavior \"" + printable(name) + "\" is not known", "behavior");
}

PreTokenStep stage_step(PreStage stage) {
  PreTokenStep step{Pre::stage};
  step.stage = std::move(stage);
  return step;
}

void add_byte_level(const Component& part, std::vector<PreTokenStep>& out) {
  if (part.flag("add_prefix_space")) out.push_back({Pre::prefix_space});
  if (part.flag("use_regex", true)) out.push_back(stage_step({PreStage::Kind::gpt2}));
  out.push_back({Pre::byte_level});
}

PreTokenStep metaspace_step(const Component& part) {
  PreTokenStep step{Pre::metaspace};
  step.marker = part.text("replacement");
  if (step.marker.empty() || decode_rune(step.marker, 0).size != step.marker.size())
    throw part.fail("one character was expected", "replacement");
  const std::string scheme = part.find("prepend_scheme") ? part.text("prepend_scheme") : "always";
  if (scheme != "always" && scheme != "first" && scheme != "never")
    throw part.fail("always, first or never was expected", "prepend_scheme");
  step.prepend = scheme == "always"  ? PreTokenStep::Prepend::always
                 : scheme == "first" ? PreTokenStep::Prepend::first
                                     : PreTokenStep::Prepend::never;
  if (!part.flag("add_prefix_space", true)) step.prepend = PreTokenStep::Prepend::never;
  step.split = part.flag("split", true);
  return step;
}

void add_pre_steps(const Component& part, std::vector<PreTokenStep>& out) {
  PreStage stage;
  if (part.is("ByteLevel")) return add_byte_level(part, out);
  if (part.is("Metaspace")) return out.push_back(metaspace_step(part));
  if (part.is("Whitespace")) return out.push_back({Pre::whitespace});
  if (part.is("WhitespaceSplit")) return out.push_back({Pre::whitespace_split});
  if (part.is("BertPreTokenizer")) return out.push_back({Pre::bert});
  if (part.is("CharDelimiterSplit") || part.is("FixedLength")) {
    PreTokenStep step{part.is("FixedLength") ? Pre::fixed_length : Pre::delimiter};
    if (step.kind == Pre::delimiter) step.marker = part.text("delimiter");
    if (step.kind == Pre::fixed_length) step.length = part.count("length", 5);
    if (step.kind == Pre::delimiter && step.marker.empty())
      throw part.fail("a character was expected", "delimiter");
    if (step.kind == Pre::fixed_length && step.length == 0)
      throw part.fail("a length above 0 was expected", "length");
    return out.push_back(std::move(step));
  }
  if (part.is("Split")) {
    part.pattern(stage.pattern, stage.literal);
    stage.behavior = behavior(part, "Isolated");
    stage.invert = part.flag("invert", false);
  } else if (part.is("Digits")) {
    stage.kind = PreStage::Kind::digits;
    stage.individual = part.flag("individual_digits", false);
  } else if (part.is("Punctuation")) {
    stage.kind = PreStage::Kind::punctuation;
    stage.behavior = behavior(part, "Isolated");
  } else {
    throw part.unknown(
        "ByteLevel, Split, Digits, Punctuation, Metaspace, Whitespace, WhitespaceSplit, "
        "BertPreTokenizer, CharDelimiterSplit, FixedLength, Sequence");
  }
  out.push_back(stage_step(std::move(stage)));
}

DecodeStep decode_step(const Component& part) {
  if (part.is("ByteLevel")) return {Dec::byte_level};
  if (part.is("ByteFallback")) return {Dec::byte_fallback};
  if (part.is("Fuse")) return {Dec::fuse};
  DecodeStep step{Dec::replace};
  if (part.is("Replace")) {
    part.pattern(step.pattern, step.literal);
    step.content = part.text("content");
  } else if (part.is("Strip")) {
    step.kind = Dec::strip;
    step.content = part.text("content");
    step.start = part.count("start", 0);
    step.stop = part.count("stop", 0);
    if (step.content.empty()) throw part.fail("a character was expected", "content");
  } else if (part.is("Metaspace")) {
    const PreTokenStep metaspace = metaspace_step(part);
    step.kind = Dec::metaspace;
    step.content = metaspace.marker;
    step.first_space = metaspace.prepend != PreTokenStep::Prepend::never;
  } else if (part.is("WordPiece")) {
    step.kind = Dec::word_piece;
    step.content = part.text("prefix");
    step.cleanup = part.flag("cleanup");
  } else if (part.is("BPEDecoder")) {
    step.kind = Dec::bpe;
    step.content = part.text("suffix");
  } else if (part.is("CTC")) {
    step.kind = Dec::ctc;
    step.pattern = part.text("pad_token");
    step.content = part.text("word_delimiter_token");
    step.cleanup = part.flag("cleanup");
  } else {
    throw part.unknown(
        "ByteLevel, Replace, ByteFallback, Fuse, Strip, Metaspace, WordPiece, BPEDecoder, CTC, "
        "Sequence");
  }
  return step;
}

std::int32_t token_id(const Component& part, const Json& value, const char* key) {
  if (!value.is_number_integer() || value.get<std::int64_t>() < 0 ||
      value.get<std::int64_t>() >= kMostTokens)
    throw part.fail("the id of a token was expected", key);
  return value.get<std::int32_t>();
}

// ["[SEP]", 102]
std::int32_t named_id(const Component& part, const char* key) {
  const Json& value = part.need(key);
  if (!value.is_array() || value.size() != 2)
    throw part.fail("a token and its id were expected", key);
  return token_id(part, value[1], key);
}

void add_template(const Component& part, TokenizerSpec& spec) {
  const Json& single = part.need("single");
  const Json& specials = part.need("special_tokens");
  if (!single.is_array() || !specials.is_object())
    throw part.fail("a list, and an object of tokens, were expected", "single");
  std::vector<std::int32_t> before, after;
  int sequences = 0;
  for (const Json& piece : single) {
    const bool object = piece.is_object() && piece.size() == 1 && piece.begin()->is_object();
    const std::string kind = object ? piece.begin().key() : "";
    if (kind == "Sequence") {
      ++sequences;
      continue;
    }
    const Json* name =
        kind == "SpecialToken" && piece.begin()->contains("id") ? &(*piece.begin())["id"] : nullptr;
    if (!name || !name->is_string())
      throw part.fail("a Sequence or a SpecialToken was expected", "single");
    const auto token = specials.find(name->get<std::string>());
    if (token == specials.end() || !token->is_object() || !token->contains("ids") ||
        !(*token)["ids"].is_array())
      throw part.fail("the token \"" + printable(name->get<std::string>()) + "\" has no ids",
                      "special_tokens");
    for (const Json& id : (*token)["ids"])
      (sequences == 0 ? before : after).push_back(token_id(part, id, "special_tokens"));
  }
  if (sequences != 1) throw part.fail("one Sequence was expected", "single");
  spec.prefix.insert(spec.prefix.begin(), before.begin(), before.end());
  spec.suffix.insert(spec.suffix.end(), after.begin(), after.end());
}

}  // namespace

std::vector<NormalizeStep> read_normalizers(const Json& json) {
  std::vector<NormalizeStep> out;
  if (!json.is_null())
    Component(json, "normalizer").members("normalizers", [&](const Component& part) {
      out.push_back(normalize_step(part));
    });
  return out;
}

std::vector<PreTokenStep> read_pre_tokenizers(const Json& json) {
  std::vector<PreTokenStep> out;
  if (!json.is_null())
    Component(json, "pre_tokenizer").members("pretokenizers", [&](const Component& part) {
      add_pre_steps(part, out);
    });
  return out;
}

std::vector<DecodeStep> read_decoders(const Json& json) {
  std::vector<DecodeStep> out;
  if (!json.is_null())
    Component(json, "decoder").members("decoders", [&](const Component& part) {
      out.push_back(decode_step(part));
    });
  return out;
}

void read_post_processor(const Json& json, TokenizerSpec& spec) {
  if (json.is_null()) return;
  Component(json, "post_processor").members("processors", [&](const Component& part) {
    if (part.is("ByteLevel")) return;  // moves offsets, no ids
    if (part.is("TemplateProcessing")) return add_template(part, spec);
    if (!part.is("BertProcessing") && !part.is("RobertaProcessing"))
      throw part.unknown(
          "TemplateProcessing, ByteLevel, BertProcessing, RobertaProcessing, Sequence");
    spec.prefix.insert(spec.prefix.begin(), named_id(part, "cls"));
    spec.suffix.push_back(named_id(part, "sep"));
  });
}

}  // namespace bantam::tokenizer
