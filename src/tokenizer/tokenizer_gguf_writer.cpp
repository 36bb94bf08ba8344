// A TokenizerSpec as the `tokenizer.*` keys of GGUF (docs/gguf.md of ggml-org/ggml), as llama.cpp's
// converter writes them.
#include <algorithm>

#include "base/error.h"
#include "files/gguf_writer.h"
#include "tokenizer/end_tokens.h"
#include "tokenizer/sentencepiece_merges.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/tokenizer_spec.h"
#include "words/byte_alphabet.h"

namespace bantam::tokenizer {

namespace {

class GgufKeys {
 public:
  GgufKeys(const TokenizerSpec& spec, GgufWriter& writer, std::int64_t size,
           std::vector<std::string>* lost)
      : spec_(spec), writer_(writer), size_(size), lost_(lost) {}

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
    check_added();
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

  // Something that changes the ids of some texts.
  void lose(const char* part, const std::string& what) {
    if (!lost_) throw cannot(part, what + "; the ids of some texts would be others");
    lost_->push_back(std::string(part) + ": " + what);
  }

  // In GGUF an added token is found wherever it stands in the text as it was given, with nothing
  // around it.
  void check_added() {
    // Whether text is as it was, but for spaces and NFC.
    const bool kept = std::ranges::all_of(spec_.normalizer, [](const NormalizeStep& step) {
      return step.kind == NormalizeStep::Kind::nfc ||
             (step.kind == NormalizeStep::Kind::replace && step.literal && step.pattern == " ");
    });
    const bool composes = std::ranges::count(spec_.normalizer, NormalizeStep::Kind::nfc,
                                             &NormalizeStep::kind) > 0;
    const bool phi3 = named_phi3();
    const bool masks = spec_.pre_name.starts_with("jina-v2") || spec_.pre_name == "modern-bert";
    for (const AddedToken& token : spec_.added) {
      const auto flag = [&](bool set, const char* which) {
        if (set) lose("added_tokens", "that " + printable(token.content) + " is " + which);
      };
      flag(token.single_word, "a single_word");
      flag(token.lstrip && !masks, "lstrip");
      flag(token.rstrip && !(phi3 && phi3_strips_after(token.content)), "rstrip");
      flag(token.normalized && !(kept && (!composes || is_ascii(token.content))), "normalized");
    }
  }
  // What a reader knows by itself of some models (llama.cpp, src/llama-vocab.cpp): by their name, that
  // white space behind their special tokens goes. Where it does not, the name must not say so.
  bool named_phi3() {
    std::string name = writer_.text("general.name");
    const bool strips = std::ranges::all_of(spec_.added, [](const AddedToken& t) {
      return t.rstrip || !phi3_strips_after(t.content);
    });
    bool named = false;
    for (const std::string_view word : {"phi-3", "phi3"})
      for (std::size_t at; (at = lower(name).find(word)) != name.npos;) {
        if (strips) return true;
        name.replace(at, word.size(), name.substr(at, 3) + " 3");
        named = true;
      }
    if (named) writer_.set("general.name", name);
    return false;
  }
  static bool is_ascii(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  }
  static std::string lower(std::string text) {
    for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    return text;
  }

  void write_tokens(const char* model, std::string_view pre) {
    writer_.set("tokenizer.ggml.model", model);
    writer_.set("tokenizer.ggml.pre", pre);
    std::vector<std::string> tokens;
    std::vector<std::int32_t> types;
    for (std::int32_t id = 0; id < count(); ++id) {
      tokens.push_back(spell(id));
      types.push_back(static_cast<std::int32_t>(type(id)));
    }
    // Rows of the embedding that no token has, named as llama.cpp's converter names them.
    for (std::int64_t id = spec_.vocabulary.size(); id < size_; ++id) {
      tokens.push_back("[PAD" + std::to_string(id) + "]");
      types.push_back(static_cast<std::int32_t>(TokenType::unused));
    }
    writer_.set("tokenizer.ggml.tokens", std::span<const std::string>(tokens));
    writer_.set("tokenizer.ggml.token_type", std::span<const std::int32_t>(types));
  }

  // Tokens that are written: those for which the embedding has no rows are none to a model.
  std::int64_t count() const {
    return size_ > 0 ? std::min(size_, spec_.vocabulary.size()) : spec_.vocabulary.size();
  }

  // The token for what is unknown has a type of its own. A byte-level BPE has no use for it: there a
  // token of that name is one like others, unless it is a control token.
  TokenType type(std::int32_t id) const {
    const TokenType type = spec_.types[static_cast<std::size_t>(id)];
    const bool one = spec_.unk == id &&
                     (type == TokenType::control ||
                      (type == TokenType::normal && spec_.model != TokenizerSpec::Model::bpe));
    return one ? TokenType::unknown : type;
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
    scores.resize(static_cast<std::size_t>(std::max(size_, count())), -1e6);
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
    for (const NormalizeStep& step : spec_.normalizer)
      if (step.kind != NormalizeStep::Kind::nfc)
        throw cannot("normalizer", "a normalizer other than NFC for this kind of tokenizer");
    // A key of ours: llama.cpp does not normalise, which changes only text that is not in NFC.
    if (!spec_.normalizer.empty()) writer_.set(kNfcKey, true);
    refuse_affixes();
    if (spec_.unk && spec_.marks_unknown && lacks_bytes())
      lose("model.unk_token", "a token for bytes that the vocabulary lacks");
    write_tokens("gpt2", pre_name());
    write_merges();
  }

  void refuse_affixes() const {
    if (!spec_.end_suffix.empty() || !spec_.continuing_prefix.empty())
      throw cannot("model", "pieces that end a word by \"" + printable(spec_.end_suffix) +
                                "\" or continue it by \"" +
                                printable(spec_.continuing_prefix) + "\"");
  }
  bool lacks_bytes() const {
    for (unsigned byte = 0; byte < 256; ++byte)
      if (model_piece(spec_, ByteAlphabet::get().spell(static_cast<std::uint8_t>(byte))) < 0)
        return true;
    return false;
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
    refuse_affixes();
    bool before = false, replaces = false;
    for (const NormalizeStep& step : spec_.normalizer) {
      if (step.kind == NormalizeStep::Kind::prepend && step.content == kSpaceMark)
        before = true;
      else if (step.kind == NormalizeStep::Kind::replace && step.literal && step.pattern == " " &&
               step.content == kSpaceMark)
        replaces = true;
      else if (step.kind == NormalizeStep::Kind::sentencepiece && !step.merge_spaces &&
               !step.right && step.content == kSpaceMark)
        replaces = true, before = step.left, once(step.left && step.once);
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
        scheme(step);
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

  // GGUF puts the space before a text and behind each added token, also where one stands already.
  void once(bool only_the_first) {
    if (only_the_first) lose("normalizer", "a space put before the text alone");
  }
  void scheme(const PreTokenStep& step) {
    if (step.prepend == PreTokenStep::Prepend::first)
      lose("pre_tokenizer", "Metaspace's prepend_scheme \"first\"");
    if (step.prepend == PreTokenStep::Prepend::always)
      lose("pre_tokenizer", "Metaspace's prepend_scheme \"always\", which leaves a space alone");
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
        once(step.left && step.once);
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
      if (step.kind == PreTokenStep::Kind::whitespace_split) {
        merge = true;
      } else if (step.kind == PreTokenStep::Kind::metaspace && step.marker == kSpaceMark) {
        before |= step.prepend != PreTokenStep::Prepend::never;
        // Where spaces at the ends go, none stands there already.
        if (!merge || step.prepend == PreTokenStep::Prepend::first) scheme(step);
      } else {
        throw cannot("pre_tokenizer", "one of the pre-tokenizers of this kind of tokenizer");
      }
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
    if (spec_.longest_word > 0)
      writer_.set(kLongestWordKey, static_cast<std::uint64_t>(spec_.longest_word));
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
    set("tokenizer.ggml.seperator_token_id", bert && end ? end : spec_.sep);
    set("tokenizer.ggml.cls_token_id", bert && begin ? begin : spec_.cls);
    set("tokenizer.ggml.mask_token_id", spec_.mask);
    write_ends();
    if (bert) {  // there both are meant unless it is said
      if (spec_.prefix.empty()) writer_.set("tokenizer.ggml.add_bos_token", false);
      if (spec_.suffix.empty()) writer_.set("tokenizer.ggml.add_sep_token", false);
      return;
    }
    writer_.set("tokenizer.ggml.add_bos_token", !spec_.prefix.empty());
    writer_.set("tokenizer.ggml.add_eos_token", !spec_.suffix.empty());
  }

  // The tokens that end an answer. llama.cpp (src/llama-vocab.cpp) finds the well-known ones by
  // their names; it reads two further ones as the ends of a turn and of a message.
  void write_ends() {
    std::vector<std::int32_t> all, turn, others;
    for (const std::int32_t id : ends_to_write(spec_)) {
      if (id >= count()) continue;
      all.push_back(id);
      const std::string_view piece = spec_.vocabulary.piece(id);
      if (id == spec_.eos) continue;
      if (is_turn_end(piece))
        turn.push_back(id);
      else if (!is_known_end(piece))
        others.push_back(id);
    }
    turn.insert(turn.end(), others.begin(), others.end());
    const char* const keys[] = {"tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"};
    // The second of two known ones is found by its name.
    for (std::size_t i = 0; i < turn.size() && i < 2; ++i)
      if (i == 0 || !is_known_end(spec_.vocabulary.piece(turn[i])))
        writer_.set(keys[i], static_cast<std::uint32_t>(turn[i]));
    if (all.size() > 1)
      writer_.set("tokenizer.ggml.eos_token_ids", std::span<const std::int32_t>(all));
  }

  const TokenizerSpec& spec_;
  GgufWriter& writer_;
  std::int64_t size_;
  std::vector<std::string>* lost_;
};

}  // namespace

void write_tokenizer(const Tokenizer& tokenizer, GgufWriter& writer, std::int64_t vocabulary,
                     std::vector<std::string>* lost) {
  // Some makers add tokens to the tokenizer of a model without an embedding for them (Gemma 3's
  // <image_soft_token> in the models for text alone).
  const auto& added = tokenizer.spec().added;
  const bool added_alone =
      std::ranges::count_if(added, [&](const AddedToken& t) { return t.id >= vocabulary; }) ==
      tokenizer.size() - vocabulary;
  if (vocabulary != 0 && vocabulary < tokenizer.size() && !added_alone)
    throw Error("the tokenizer has " + std::to_string(tokenizer.size()) +
                " tokens, the embedding only " + std::to_string(vocabulary) + " rows");
  GgufKeys(tokenizer.spec(), writer, vocabulary, lost).write();
}

}  // namespace bantam::tokenizer
