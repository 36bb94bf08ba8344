// A TokenizerSpec as the `tokenizer.*` keys of GGUF (docs/gguf.md of ggml-org/ggml), as llama.cpp's
// converter writes them.
#include <algorithm>

#include "base/error.h"
#include "files/gguf_writer.h"
#include "tokenizer/sentencepiece_merges.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/tokenizer_spec.h"

namespace bantam {

namespace {

class GgufKeys {
 public:
  GgufKeys(const TokenizerSpec& spec, GgufWriter& writer, std::int64_t size)
      : spec_(spec), writer_(writer), size_(size) {}

  void write() {
    using Model = TokenizerSpec::Model;
    if (spec_.model == Model::unigram)
      write_unigram();
    else if (spec_.model == Model::word_piece)
      write_word_piece();
    else if (is_byte_level(spec_) && spec_.model == Model::bpe)
      write_byte_level();
    else
      write_sentencepiece();
    write_special_ids();
    if (!spec_.chat_template.empty()) writer_.set("tokenizer.chat_template", spec_.chat_template);
    std::vector<std::string> names;
    for (const auto& [name, text] : spec_.named_templates) {
      names.push_back(name);
      writer_.set("tokenizer.chat_template." + name, text);
    }
    if (!names.empty())
      writer_.set("tokenizer.chat_templates", std::span<const std::string>(names));
  }

 private:
  static Error cannot(const char* part, const std::string& what) {
    return Error("GGUF cannot express " + what).field(part);
  }

  void write_tokens(const char* model, std::string_view pre) {
    writer_.set("tokenizer.ggml.model", model);
    writer_.set("tokenizer.ggml.pre", pre);
    std::vector<std::string> tokens;
    std::vector<std::int32_t> types;
    for (std::int32_t id = 0; id < spec_.vocabulary.size(); ++id) {
      tokens.push_back(spell(id));
      types.push_back(static_cast<std::int32_t>(spec_.types[static_cast<std::size_t>(id)]));
    }
    // Rows of the embedding that no token has, named as llama.cpp's converter names them.
    for (std::int64_t id = spec_.vocabulary.size(); id < size_; ++id) {
      tokens.push_back("[PAD" + std::to_string(id) + "]");
      types.push_back(static_cast<std::int32_t>(TokenType::unused));
    }
    writer_.set("tokenizer.ggml.tokens", std::span<const std::string>(tokens));
    writer_.set("tokenizer.ggml.token_type", std::span<const std::int32_t>(types));
  }

  // BERT's pieces: those that begin a word are marked, not those that continue it.
  std::string spell(std::int32_t id) const {
    const std::string_view piece = spec_.vocabulary.piece(id);
    const bool plain = spec_.model != TokenizerSpec::Model::word_piece || spec_.phantom_space ||
                       (piece.starts_with('[') && piece.ends_with(']'));
    if (plain) return std::string(piece);
    if (piece.starts_with(spec_.continuing_prefix))
      return std::string(piece.substr(spec_.continuing_prefix.size()));
    return std::string(kSpaceMark).append(piece);
  }

  void write_scores(std::vector<double> scores) {
    scores.resize(static_cast<std::size_t>(std::max(size_, spec_.vocabulary.size())), -1e6);
    const std::vector<float> floats(scores.begin(), scores.end());
    writer_.set("tokenizer.ggml.scores", std::span<const float>(floats));
  }

  void write_merges() {
    std::vector<std::string> merges;
    merges.reserve(spec_.merges.size());
    for (const auto& [left, right] : spec_.merges) {
      const std::string_view a = spec_.vocabulary.piece(left), b = spec_.vocabulary.piece(right);
      if (a.find(' ', 1) != std::string_view::npos) throw cannot("merges", "a token with a space");
      merges.push_back(std::string(a).append(" ").append(b));
    }
    writer_.set("tokenizer.ggml.merges", std::span<const std::string>(merges));
  }

  void write_byte_level() {
    // llama.cpp does not normalise; that it leaves NFC out changes only text that is not in NFC.
    for (const NormalizeStep& step : spec_.normalizer)
      if (step.kind != NormalizeStep::Kind::nfc)
        throw cannot("normalizer", "a normalizer other than NFC for this kind of tokenizer");
    write_tokens("gpt2", pre_name());
    write_merges();
  }

  std::string pre_name() const {
    if (!spec_.pre_name.empty()) return spec_.pre_name;
    std::vector<PreStage> stages;
    for (const PreTokenStep& step : spec_.pre_tokenizer) {
      if (step.kind == PreTokenStep::Kind::byte_level) continue;
      if (step.kind != PreTokenStep::Kind::stage)
        throw cannot("pre_tokenizer", "a space put before the text");
      stages.push_back(step.stage);
    }
    const std::string_view name = pre_tokenizer_name_for(stages, spec_.ignore_merges);
    if (!name.empty()) return std::string(name);
    throw cannot(
        "pre_tokenizer",
        "how this tokenizer cuts the text: no name of llama.cpp does so" +
            (stages.empty() ? std::string()
                            : ", with the pattern " + printable(stages.front().pattern, 200)));
  }

  // U+2581 for spaces and bytes as <0x00>: by scores as SentencePiece, else by merges as Gemma 4.
  void write_sentencepiece() {
    bool before = false, replaces = false;
    for (const NormalizeStep& step : spec_.normalizer) {
      if (step.kind == NormalizeStep::Kind::prepend && step.content == kSpaceMark)
        before = true;
      else if (step.kind == NormalizeStep::Kind::replace && step.literal && step.pattern == " " &&
               step.content == kSpaceMark)
        replaces = true;
      else if (step.kind == NormalizeStep::Kind::sentencepiece && !step.merge_spaces &&
               !step.right && step.content == kSpaceMark)
        replaces = true, before = step.left;
      else
        throw cannot("normalizer", "one of the normalizers of this kind of tokenizer");
    }
    for (const PreTokenStep& step : spec_.pre_tokenizer) {
      // Once spaces are replaced, cutting at spaces does nothing.
      const bool idle = replaces && step.kind == PreTokenStep::Kind::stage && step.stage.literal &&
                        step.stage.pattern == " ";
      const bool newlines = !spec_.pre_name.empty() && step.kind == PreTokenStep::Kind::stage;
      if (step.kind == PreTokenStep::Kind::metaspace && step.marker == kSpaceMark && !step.split) {
        replaces = true;
        before |= step.prepend != PreTokenStep::Prepend::never;
      } else if (!idle && !newlines) {
        throw cannot("pre_tokenizer", "one of the pre-tokenizers of this kind of tokenizer");
      }
    }
    if (!replaces || !spec_.byte_fallback || spec_.ignore_merges)
      throw cannot("model", "a BPE on characters without U+2581 for spaces and <0x00> for bytes");
    if (!spec_.pre_name.empty()) {
      write_tokens("gemma4", spec_.pre_name);
      write_merges();
    } else {
      write_tokens("llama", "default");
      write_scores(spec_.model == TokenizerSpec::Model::score_bpe ? spec_.scores
                                                                  : scores_from_merges(spec_));
    }
    writer_.set("tokenizer.ggml.add_space_prefix", before);
  }

  void write_unigram() {
    bool before = false, merge = false;
    const NormalizeStep* map = nullptr;
    for (const NormalizeStep& step : spec_.normalizer) {
      using Kind = NormalizeStep::Kind;
      if (step.kind == Kind::precompiled) {
        map = &step;
      } else if (step.kind == Kind::sentencepiece && !step.right) {
        before = step.left;
        merge = step.merge_spaces;
      } else if (step.kind == Kind::strip ||
                 (step.kind == Kind::replace && step.pattern.find("{2,}") != std::string::npos)) {
        merge = true;  // how Hugging Face's files spell it
      } else if (step.kind == Kind::replace && !step.literal && step.content.empty() &&
                 step.pattern == "^ +| +$") {
        merge = true;
      } else {
        throw cannot("normalizer", "one of the normalizers of this kind of tokenizer");
      }
    }
    for (const PreTokenStep& step : spec_.pre_tokenizer) {
      if (step.kind == PreTokenStep::Kind::whitespace_split)
        merge = true;
      else if (step.kind == PreTokenStep::Kind::metaspace && step.marker == kSpaceMark)
        before |= step.prepend != PreTokenStep::Prepend::never;
      else
        throw cannot("pre_tokenizer", "one of the pre-tokenizers of this kind of tokenizer");
    }
    if (!spec_.unk)
      throw cannot("model", "a tokenizer of this kind without a token for the unknown");
    write_tokens("t5", "default");
    write_scores(spec_.scores);
    writer_.set("tokenizer.ggml.add_space_prefix", before);
    writer_.set("tokenizer.ggml.remove_extra_whitespaces", merge);
    if (map) set_bytes("tokenizer.ggml.precompiled_charsmap", map->content);
  }

  void write_word_piece() {
    const NormalizeStep* bert = spec_.normalizer.empty() ? nullptr : &spec_.normalizer.front();
    if (spec_.normalizer.size() != 1 || bert->kind != NormalizeStep::Kind::bert ||
        !bert->clean_text || !bert->chinese_chars)
      throw cannot("normalizer", "another normalizer than BERT's for WordPiece");
    if (spec_.pre_tokenizer.size() != 1 ||
        spec_.pre_tokenizer.front().kind != PreTokenStep::Kind::bert)
      throw cannot("pre_tokenizer", "another pre-tokenizer than BERT's for WordPiece");
    write_tokens("bert", "default");
    writer_.set("tokenizer.ggml.token_type_count", std::uint32_t{2});
    writer_.set("tokenizer.ggml.normalizer.lowercase", bert->lower);
    writer_.set("tokenizer.ggml.normalizer.strip_accents", bert->accents.value_or(bert->lower));
  }

  void set_bytes(const char* key, const std::string& bytes) {
    writer_.copy({key, GgufValue::array, GgufValue::uint8, bytes.size(), 0, 0,
                  std::as_bytes(std::span(bytes))});
  }

  void write_special_ids() {
    const bool bert = spec_.model == TokenizerSpec::Model::word_piece;
    const auto one = [](const std::vector<std::int32_t>& list, std::optional<std::int32_t> id) {
      return list.size() == 1 && id == list.front();
    };
    const auto begin =
        spec_.bos || spec_.prefix.empty() ? spec_.bos : std::optional(spec_.prefix.front());
    const auto end =
        bert && !spec_.suffix.empty() ? std::optional(spec_.suffix.front()) : spec_.eos;
    if (!spec_.prefix.empty() && !one(spec_.prefix, begin))
      throw cannot("post_processor", "more than the one BOS token before a text");
    if (!spec_.suffix.empty() && !one(spec_.suffix, end))
      throw cannot("post_processor", "more than the one end token after a text");
    const auto set = [this](const char* key, std::optional<std::int32_t> id) {
      if (id) writer_.set(key, static_cast<std::uint32_t>(*id));
    };
    set("tokenizer.ggml.bos_token_id", begin);
    set("tokenizer.ggml.eos_token_id", spec_.eos);
    set("tokenizer.ggml.unknown_token_id", spec_.unk);
    set("tokenizer.ggml.padding_token_id", spec_.pad);
    set("tokenizer.ggml.seperator_token_id", bert ? end : spec_.sep);
    set("tokenizer.ggml.cls_token_id", bert ? begin : spec_.cls);
    set("tokenizer.ggml.mask_token_id", spec_.mask);
    for (const std::int32_t id : spec_.ends) {
      const std::string_view piece = spec_.vocabulary.piece(id);
      if (id != spec_.eos && (piece == "<|im_end|>" || piece == "<|eot_id|>" ||
                              piece == "<|end|>" || piece == "<end_of_turn>"))
        set("tokenizer.ggml.eot_token_id", id);
    }
    if (bert) return;
    writer_.set("tokenizer.ggml.add_bos_token", !spec_.prefix.empty());
    writer_.set("tokenizer.ggml.add_eos_token", !spec_.suffix.empty());
  }

  const TokenizerSpec& spec_;
  GgufWriter& writer_;
  std::int64_t size_;
};

}  // namespace

void write_tokenizer(const Tokenizer& tokenizer, GgufWriter& writer, std::int64_t vocabulary) {
  if (vocabulary != 0 && vocabulary < tokenizer.size())
    throw Error("the tokenizer has " + std::to_string(tokenizer.size()) +
                " tokens, the embedding only " + std::to_string(vocabulary) + " rows");
  GgufKeys(tokenizer.spec(), writer, vocabulary).write();
}

}  // namespace bantam
