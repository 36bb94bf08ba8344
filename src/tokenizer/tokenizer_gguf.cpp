// The tokenizer in a GGUF file: keys of docs/gguf.md (ggml-org/ggml), rules of src/llama-vocab.cpp
// (ggml-org/llama.cpp), translated to the parts of a TokenizerSpec.
#include <algorithm>
#include <array>
#include <cctype>

#include "base/error.h"
#include "files/gguf.h"
#include "words/byte_alphabet.h"
#include "tokenizer/end_tokens.h"
#include "words/pre_tokenizer.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/tokenizer_spec.h"

namespace bantam::tokenizer {

namespace {

class GgufReaderOfTokens {
 public:
  explicit GgufReaderOfTokens(const GgufFile& file) : meta_(file.metadata()) {}

  TokenizerSpec read() {
    const std::string_view model = meta_.need_string("tokenizer.ggml.model");
    read_tokens();
    read_special_ids(model);
    if (model == "llama")
      read_sentencepiece();
    else if (model == "gpt2")
      read_byte_level();
    else if (model == "gemma4")
      read_spaced_bpe("gemma4");
    else if (model == "t5")
      read_unigram();
    else if (model == "bert")
      read_word_piece();
    else
      throw Error("the kind of tokenizer \"" + printable(model) +
                  "\" is not supported; llama, gpt2, gemma4, t5 and bert are")
          .field("tokenizer.ggml.model");
    read_templates();
    add_known_ends(spec_, true);
    read_added();
    return std::move(spec_);
  }

 private:
  // LLAMA_TOKEN_NULL of llama.cpp, as the converters of some models wrote it: there is no such token.
  static bool means_none(std::int64_t number) { return number == -1 || number == UINT32_MAX; }

  std::optional<std::int32_t> id(const char* key) const {
    const auto value = meta_.find_int(key);
    if (!value || means_none(*value)) return std::nullopt;
    if (!spec_.vocabulary.contains(*value))
      throw Error("the id " + std::to_string(*value) + " is outside the vocabulary of " +
                  std::to_string(spec_.vocabulary.size()) + " tokens")
          .field(key);
    return static_cast<std::int32_t>(*value);
  }
  bool flag(const char* key, bool otherwise) const {
    return meta_.find_bool(key).value_or(otherwise);
  }
  std::optional<std::int32_t> if_there(std::int32_t number) const {
    return spec_.vocabulary.contains(number) ? std::optional(number) : std::nullopt;
  }

  void read_tokens() {
    const auto tokens = meta_.need_strings("tokenizer.ggml.tokens");
    spec_.vocabulary.reserve(static_cast<std::int64_t>(tokens.size()), tokens.size() * 8);
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      const auto number = static_cast<std::int32_t>(std::min<std::size_t>(i, INT32_MAX));
      const std::string empty = "[EMPTY_" + std::to_string(i) + "]";  // as llama.cpp names them
      spec_.vocabulary.add(number, tokens[i].empty() ? std::string_view(empty) : tokens[i]);
    }
    spec_.types.assign(tokens.size(), TokenType::normal);
    const auto types = meta_.find_ints("tokenizer.ggml.token_type");
    if (types) same_length(types->size(), "tokenizer.ggml.token_type");
    for (std::size_t i = 0; types && i < types->size(); ++i) {
      const std::int64_t type = (*types)[i];
      if (type < 0 || type > 6)
        throw Error("token " + std::to_string(i) + " has the type " + std::to_string(type) +
                    "; 0 to 6 was expected")
            .field("tokenizer.ggml.token_type");
      spec_.types[i] = static_cast<TokenType>(type);
    }
    if (const auto scores = meta_.find_floats("tokenizer.ggml.scores")) {
      same_length(scores->size(), "tokenizer.ggml.scores");
      spec_.scores.assign(scores->begin(), scores->end());
    }
  }

  void same_length(std::size_t size, const char* key) const {
    const auto tokens = static_cast<std::size_t>(spec_.vocabulary.size());
    if (size != tokens)
      throw Error(std::to_string(size) + " entries, but there are " + std::to_string(tokens) +
                  " tokens")
          .field(key);
  }

  // The ids that the file names, and those that llama.cpp assumes for the kind.
  void read_special_ids(std::string_view model) {
    if (model == "llama") {
      spec_.unk = if_there(0);
      spec_.bos = if_there(1);
      spec_.eos = if_there(2);
    } else if (model == "t5") {
      spec_.pad = if_there(0);
      spec_.eos = if_there(1);
      spec_.unk = if_there(2);
    } else if (model == "bert") {
      spec_.pad = if_there(0);
      spec_.unk = if_there(100);
      spec_.cls = if_there(101);
      spec_.sep = if_there(102);
      spec_.mask = if_there(103);
    }
    const auto set = [this](std::optional<std::int32_t>& to, const char* key) {
      if (const auto number = id(key)) to = number;
    };
    set(spec_.bos, "tokenizer.ggml.bos_token_id");
    set(spec_.eos, "tokenizer.ggml.eos_token_id");
    set(spec_.unk, "tokenizer.ggml.unknown_token_id");
    set(spec_.pad, "tokenizer.ggml.padding_token_id");
    set(spec_.sep, "tokenizer.ggml.seperator_token_id");  // so spelled in the format
    set(spec_.cls, "tokenizer.ggml.cls_token_id");
    set(spec_.mask, "tokenizer.ggml.mask_token_id");
    for (const char* key : {"tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"})
      if (const auto number = id(key)) say_end(*number);
    if (const auto more = meta_.find_ints("tokenizer.ggml.eos_token_ids"))
      for (const std::int64_t number : *more) {
        if (means_none(number)) continue;
        if (!spec_.vocabulary.contains(number))
          throw Error("the id " + std::to_string(number) + " is outside the vocabulary")
              .field("tokenizer.ggml.eos_token_ids");
        say_end(static_cast<std::int32_t>(number));
      }
  }
  void say_end(std::int32_t id) {
    spec_.ends.push_back(id);
    spec_.said_ends.push_back(id);
  }

  void surround(bool bos, bool eos) {
    if (flag("tokenizer.ggml.add_bos_token", bos))
      spec_.prefix = {wanted(spec_.bos, "tokenizer.ggml.bos_token_id", "add_bos_token")};
    if (flag("tokenizer.ggml.add_eos_token", eos))
      spec_.suffix = {wanted(spec_.eos, "tokenizer.ggml.eos_token_id", "add_eos_token")};
  }
  static std::int32_t wanted(std::optional<std::int32_t> number, const char* key,
                             const char* because) {
    if (!number)
      throw Error(std::string("the key is missing, though ") + because + " holds").field(key);
    return *number;
  }

  void add_space_steps(bool before) {
    if (before) {
      NormalizeStep step{NormalizeStep::Kind::prepend};
      step.content = kSpaceMark;
      spec_.normalizer.push_back(step);
    }
    NormalizeStep step{NormalizeStep::Kind::replace};
    step.pattern = " ";
    step.content = kSpaceMark;
    step.literal = true;
    spec_.normalizer.push_back(step);
  }
  void add_space_decoder(bool before) {
    DecodeStep replace{DecodeStep::Kind::replace};
    replace.pattern = kSpaceMark;
    replace.content = " ";
    replace.literal = true;
    spec_.decoder = {replace, {DecodeStep::Kind::byte_fallback}, {DecodeStep::Kind::fuse}};
    if (!before) return;
    DecodeStep strip{DecodeStep::Kind::strip};
    strip.content = " ";
    strip.start = 1;
    spec_.decoder.push_back(strip);
  }

  void read_sentencepiece() {
    spec_.model = TokenizerSpec::Model::score_bpe;
    if (spec_.scores.empty())
      throw Error("the key is missing; a tokenizer of the kind llama has scores")
          .field("tokenizer.ggml.scores");
    const bool before = flag("tokenizer.ggml.add_space_prefix", true);
    add_space_steps(before);
    add_space_decoder(before);
    spec_.byte_fallback = true;
    spec_.raw_bytes = true;
    spec_.all_pieces_match = true;
    spec_.fuse_unk = true;
    surround(true, false);
  }

  void read_merges() {
    const auto merges = meta_.need_strings("tokenizer.ggml.merges");
    spec_.merges.reserve(merges.size());
    constexpr std::size_t kBlock = 64;
    std::array<std::string_view, 2 * kBlock> halves;
    std::array<std::int32_t, 2 * kBlock> ids;
    for (std::size_t begin = 0; begin < merges.size(); begin += kBlock) {
      const std::size_t count = std::min(kBlock, merges.size() - begin);
      for (std::size_t i = 0; i < count; ++i) {
        const std::string_view merge = merges[begin + i];
        // A space may be the first character of the left half, never stands elsewhere.
        const std::size_t gap = merge.find(' ', 1);
        halves[2 * i] = merge.substr(0, gap);
        halves[2 * i + 1] =
            gap == std::string_view::npos ? std::string_view() : merge.substr(gap + 1);
      }
      spec_.vocabulary.find(std::span(halves).first(2 * count), ids);
      for (std::size_t i = 0; i < count; ++i) {
        if (ids[2 * i] < 0 || ids[2 * i + 1] < 0)
          throw Error("merge " + std::to_string(begin + i) + ", \"" + printable(merges[begin + i]) +
                      "\", does not name two tokens of the vocabulary")
              .field("tokenizer.ggml.merges");
        spec_.merges.emplace_back(ids[2 * i], ids[2 * i + 1]);
      }
    }
    spec_.first_merge_wins = true;
  }

  void read_byte_level() {
    const auto name = meta_.find_string("tokenizer.ggml.pre");
    if (!name)
      throw Error(
          "the key is missing: how text is cut cannot be known; convert the model again with a "
          "newer converter")
          .field("tokenizer.ggml.pre");
    const PreTraits pre = pre_tokenizer_traits(*name);
    if (!pre.byte_level) return read_spaced_bpe(*name);
    if (*name == "whitespace")
      throw Error("the pre-tokenizer \"whitespace\" is not supported").field("tokenizer.ggml.pre");
    spec_.model = TokenizerSpec::Model::bpe;
    spec_.marks_unknown = false;
    read_merges();
    use_pre(*name);
    spec_.decoder = {{DecodeStep::Kind::byte_level}};
    spec_.ignore_merges = pre.ignore_merges;
    if (flag(kNfcKey, false)) spec_.normalizer.push_back({NormalizeStep::Kind::nfc});
    surround(pre.add_bos, false);
  }

  // BPE by merges on text whose spaces are U+2581, bytes as <0x00>: Gemma 4 and its like.
  void read_spaced_bpe(std::string_view name) {
    spec_.model = TokenizerSpec::Model::bpe;
    spec_.marks_unknown = false;
    read_merges();
    use_pre(name);
    std::erase_if(spec_.pre_tokenizer, [](const PreTokenStep& step) {
      return step.kind == PreTokenStep::Kind::byte_level;
    });
    add_space_steps(false);
    add_space_decoder(false);
    spec_.byte_fallback = true;
    spec_.newline_runs = name == "gemma4";
    surround(true, false);
    if (name == "gemma4" && spec_.prefix.empty())
      spec_.prefix = {wanted(spec_.bos, "tokenizer.ggml.bos_token_id", "the kind gemma4")};
  }

  void use_pre(std::string_view name) {
    spec_.pre_name = name;
    const auto splitter = pre_tokenizer_by_name(name);
    for (const PreStage& stage : splitter->stages()) {
      PreTokenStep step{PreTokenStep::Kind::stage};
      step.stage = stage;
      spec_.pre_tokenizer.push_back(std::move(step));
      // Falcon's makers cut at digits after the bytes are spelled, where "²" is a digit and "১"
      // none.
      if (name == "falcon" && stage.kind == PreStage::Kind::gpt2)
        spec_.pre_tokenizer.push_back({PreTokenStep::Kind::byte_level});
    }
    if (!is_byte_level(spec_)) spec_.pre_tokenizer.push_back({PreTokenStep::Kind::byte_level});
  }

  void read_unigram() {
    spec_.model = TokenizerSpec::Model::unigram;
    if (spec_.scores.empty())
      throw Error("the key is missing; a tokenizer of the kind t5 has scores")
          .field("tokenizer.ggml.scores");
    if (!spec_.unk) throw Error("the key is missing").field("tokenizer.ggml.unknown_token_id");
    if (const Metadata::Entry* map = meta_.find("tokenizer.ggml.precompiled_charsmap")) {
      NormalizeStep step{NormalizeStep::Kind::precompiled};
      step.by_prefix = true;
      step.content.assign(reinterpret_cast<const char*>(map->value.data()), map->value.size());
      if (map->element != GgufValue::uint8 && map->element != GgufValue::int8)
        throw Error("an array of bytes was expected, not " + Metadata::type_name(*map))
            .field("tokenizer.ggml.precompiled_charsmap");
      spec_.normalizer.push_back(std::move(step));
    }
    const bool before = flag("tokenizer.ggml.add_space_prefix", false);
    NormalizeStep spaces{NormalizeStep::Kind::sentencepiece};
    spaces.content = kSpaceMark;
    spaces.left = before;
    spaces.merge_spaces = flag("tokenizer.ggml.remove_extra_whitespaces", false);
    spec_.normalizer.push_back(spaces);
    add_space_decoder(before);
    spec_.byte_fallback =
        std::count(spec_.types.begin(), spec_.types.end(), TokenType::byte) == 256;
    spec_.fuse_unk = true;
    surround(false, true);
  }

  void read_word_piece() {
    spec_.model = TokenizerSpec::Model::word_piece;
    spec_.phantom_space = true;
    if (!spec_.unk) throw Error("the key is missing").field("tokenizer.ggml.unknown_token_id");
    NormalizeStep bert{NormalizeStep::Kind::bert};
    bert.clean_text = bert.chinese_chars = true;
    bert.lower = flag("tokenizer.ggml.normalizer.lowercase", true);
    bert.accents = flag("tokenizer.ggml.normalizer.strip_accents", bert.lower);
    spec_.normalizer.push_back(bert);
    spec_.pre_tokenizer = {{PreTokenStep::Kind::bert}};
    if (const auto longest = meta_.find_int(kLongestWordKey)) {
      if (*longest < 1) throw Error("a number above 0 was expected").field(kLongestWordKey);
      spec_.longest_word = *longest;
    }
    add_space_decoder(true);
    const auto begin = spec_.bos ? spec_.bos : spec_.cls;
    const auto end = spec_.sep ? spec_.sep : spec_.eos;
    if (flag("tokenizer.ggml.add_bos_token", true))
      spec_.prefix = {wanted(begin, "tokenizer.ggml.cls_token_id", "the kind bert")};
    if (flag("tokenizer.ggml.add_sep_token", true))
      spec_.suffix = {wanted(end, "tokenizer.ggml.seperator_token_id", "the kind bert")};
    spec_.bos = begin;
  }

  void read_templates() {
    if (const auto text = meta_.find_string("tokenizer.chat_template")) spec_.chat_template = *text;
    const auto names = meta_.find_strings("tokenizer.chat_templates");
    for (std::size_t i = 0; names && i < names->size(); ++i) {
      const std::string name((*names)[i]);
      if (const auto text = meta_.find_string("tokenizer.chat_template." + name))
        spec_.named_templates.emplace_back(name, *text);
    }
  }

  // Every token that is no ordinary one is looked for in the text.
  void read_added() {
    spec_.matching = TokenizerSpec::Matching::longest_first;
    const bool phi3 = names_phi3();
    for (std::size_t i = 0; i < spec_.types.size(); ++i) {
      const TokenType type = spec_.types[i];
      if (type != TokenType::control && type != TokenType::unknown &&
          type != TokenType::user_defined)
        continue;
      AddedToken token;
      token.id = static_cast<std::int32_t>(i);
      token.content = spec_.vocabulary.piece(token.id);
      token.special = type != TokenType::user_defined;
      token.rstrip = phi3 && phi3_strips_after(token.content);
      spec_.added.push_back(std::move(token));
    }
    if (spec_.pre_name.starts_with("jina-v2") || spec_.pre_name == "modern-bert")
      for (AddedToken& token : spec_.added)
        token.lstrip = token.content == "<mask>" || token.content == "[MASK]";
  }

  // llama.cpp knows by the model's name that white space after these models' control tokens goes.
  bool names_phi3() const {
    std::string name(meta_.find_string("general.name").value_or(""));
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return name.find("phi-3") != std::string::npos || name.find("phi3") != std::string::npos;
  }

  const Metadata& meta_;
  TokenizerSpec spec_;
};

}  // namespace

std::shared_ptr<const Tokenizer> open_tokenizer(const GgufFile& file) {
  try {
    return std::make_shared<const Tokenizer>(GgufReaderOfTokens(file).read());
  } catch (Error& error) {
    throw error.in(file.path());
  }
}

}  // namespace bantam::tokenizer
