#include "tokenizer/tokenizer.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "tokenizer/stream_decoder.h"
#include "tokenizer/tokenizer_parts.h"
#include "words/unicode.h"

namespace bantam::tokenizer {

namespace {

constexpr std::size_t kMostScratches = 64;

void check_id(const TokenizerSpec& spec, std::optional<std::int32_t> id, const char* field) {
  if (id && !spec.vocabulary.contains(*id))
    throw Error("the id " + std::to_string(*id) + " is outside the vocabulary of " +
                std::to_string(spec.vocabulary.size()) + " tokens")
        .field(field);
}

// Throws Error where the parts do not fit each other.
void check_spec(const TokenizerSpec& spec) {
  const Vocabulary& vocabulary = spec.vocabulary;
  const auto size = static_cast<std::size_t>(vocabulary.size());
  if (size == 0) throw Error("the vocabulary is empty");
  if (const auto hole = vocabulary.first_hole(); hole < vocabulary.size())
    throw Error("no token has the id " + std::to_string(hole) +
                ", but there are higher ids, up to " + std::to_string(vocabulary.size() - 1) +
                "; ids without a hole were expected")
        .field("vocabulary");
  if (spec.types.size() != size)
    throw Error(std::to_string(spec.types.size()) + " token types for " + std::to_string(size) +
                " tokens");
  const bool scored =
      spec.model == TokenizerSpec::Model::score_bpe || spec.model == TokenizerSpec::Model::unigram;
  if (scored && spec.scores.size() != size)
    throw Error(std::to_string(spec.scores.size()) + " scores for " + std::to_string(size) +
                " tokens");
  for (std::size_t id = 0; scored && id < size; ++id)
    if (!std::isfinite(spec.scores[id]))
      throw Error("the score of token " + std::to_string(id) + " is not a finite number")
          .field("scores");
  check_id(spec, spec.bos, "bos");
  check_id(spec, spec.eos, "eos");
  check_id(spec, spec.unk, "unk");
  check_id(spec, spec.pad, "pad");
  for (const std::int32_t id : spec.prefix) check_id(spec, id, "prefix");
  for (const std::int32_t id : spec.suffix) check_id(spec, id, "suffix");
  for (const std::int32_t id : spec.ends) check_id(spec, id, "ends");
  for (const AddedToken& token : spec.added) {
    check_id(spec, token.id, "added_tokens");
    if (token.content.empty()) throw Error("an added token is empty").field("added_tokens");
  }
}

std::vector<AddedToken> tokens_in(const TokenizerSpec& spec, const Normalizer& normalizer,
                                  bool normalized) {
  std::vector<AddedToken> out;
  for (const AddedToken& token : spec.added) {
    if ((token.normalized && !normalizer.empty()) != normalized) continue;
    out.push_back(token);
    if (normalized) out.back().content = normalizer.apply(token.content, true);
    if (out.back().content.empty()) out.pop_back();
  }
  return out;
}

std::unique_ptr<TokenModel> make_model(const TokenizerSpec& spec) {
  switch (spec.model) {
    case TokenizerSpec::Model::bpe:
    case TokenizerSpec::Model::score_bpe:
      return make_bpe(spec);
    case TokenizerSpec::Model::unigram:
      return make_unigram(spec);
    case TokenizerSpec::Model::word_piece:
      return make_word_piece(spec);
  }
  throw Error("the tokenizer model is not known");
}

TokenizerSpec checked(TokenizerSpec spec) {
  check_spec(spec);
  return spec;
}

}  // namespace

bool is_byte_level(const TokenizerSpec& spec) {
  const auto spells = [](const auto& step) {
    return step.kind == std::remove_cvref_t<decltype(step)>::Kind::byte_level;
  };
  return std::any_of(spec.pre_tokenizer.begin(), spec.pre_tokenizer.end(), spells);
}

std::unique_ptr<EncodeScratch> ScratchPool::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!free_.empty()) {
      auto scratch = std::move(free_.back());
      free_.pop_back();
      return scratch;
    }
  }
  return std::make_unique<EncodeScratch>();
}

void ScratchPool::give(std::unique_ptr<EncodeScratch> scratch) {
  // A text without a break can need much; that is not kept.
  constexpr std::size_t kMostEntries = 1 << 20;
  if (scratch->ids.capacity() > kMostEntries) return;
  const std::lock_guard lock(mutex_);
  if (free_.size() < kMostScratches) free_.push_back(std::move(scratch));
}

Tokenizer::Parts::Parts(TokenizerSpec description)
    : spec(checked(std::move(description))),
      flags(static_cast<std::size_t>(spec.vocabulary.size())),
      normalizer(spec.normalizer),
      in_text(tokens_in(spec, normalizer, false), spec.matching),
      in_normalized(tokens_in(spec, normalizer, true), spec.matching),
      pieces(spec.pre_tokenizer, spec.pre_name),
      model(make_model(spec)),
      decoder(spec.decoder) {
  for (std::size_t id = 0; id < flags.size(); ++id)
    if (spec.types[id] == TokenType::control) flags[id] = kSpecial;
  for (const AddedToken& token : spec.added)
    flags[static_cast<std::size_t>(token.id)] |= token.special ? kAdded | kSpecial : kAdded;
  for (const std::int32_t id : spec.ends) flags[static_cast<std::size_t>(id)] |= kEnds;
}

void Tokenizer::Parts::check(std::int32_t id) const {
  if (!spec.vocabulary.contains(id))
    throw Error("there is no token " + std::to_string(id) + "; ids are 0 to " +
                std::to_string(spec.vocabulary.size() - 1));
}

void Tokenizer::Parts::encode_text(std::string_view part, bool first, bool fresh,
                                   bool parse_special, EncodeScratch& borrowed,
                                   std::vector<std::int32_t>& out) const {
  const auto code = [&](std::string_view piece, bool begins) {
    pieces.run(piece, begins, [&](std::span<const std::string_view> words) {
      model->encode(words, borrowed, out);
    });
  };
  const auto code_normalized = [&](std::string_view text) {
    if (in_normalized.empty()) return code(text, first);
    std::vector<AddedTokenFinder::Part> found;
    in_normalized.split(text, parse_special, found);
    for (const auto& [piece, id] : found) {
      if (id >= 0)
        out.push_back(id);
      else
        code(piece, first && piece.data() == text.data());
    }
  };
  if (normalizer.empty()) return code_normalized(part);
  code_normalized(normalizer.apply(part, fresh));
}

void Tokenizer::Parts::encode(std::string_view text, EncodeOptions options,
                              std::vector<std::int32_t>& out) const {
  std::string repaired;
  if (!spec.raw_bytes && !is_valid_utf8(text)) text = repaired = repair_utf8(text);
  auto borrowed = scratch.take();
  if (options.add_special) out.insert(out.end(), spec.prefix.begin(), spec.prefix.end());
  if (in_text.empty()) {
    if (!text.empty()) encode_text(text, true, true, options.parse_special, *borrowed, out);
  } else {
    std::vector<AddedTokenFinder::Part> parts;
    in_text.split(text, options.parse_special, parts);
    bool fresh = true;
    for (const auto& [piece, id] : parts) {
      if (id >= 0)
        out.push_back(id);
      else
        encode_text(piece, piece.data() == text.data(), fresh, options.parse_special, *borrowed,
                    out);
      fresh = id >= 0 && is_special(id);
    }
  }
  if (options.add_special) out.insert(out.end(), spec.suffix.begin(), spec.suffix.end());
  scratch.give(std::move(borrowed));
}

std::vector<std::int32_t> Tokenizer::Parts::encode_quoting(std::string_view text,
                                                           std::span<const std::size_t> quoted,
                                                           std::vector<EncodedPart>& parts) const {
  std::vector<std::int32_t> out;
  auto borrowed = scratch.take();
  // 0xFF is a byte of no text: a token that would hold it is not found. The tokens that are no
  // control tokens are found in the same way, so a quotation inside one hides it too; it is looked
  // for again in the stretch that remains.
  std::string hidden(text);
  for (const std::size_t at : quoted) hidden[at] = '\xFF';
  std::vector<AddedTokenFinder::Part> found;
  in_text.split(hidden, true, found);
  bool fresh = true;
  for (const auto& [piece, id] : found) {
    const auto begin = static_cast<std::size_t>(piece.data() - hidden.data());
    if (id >= 0) {
      parts.push_back({begin, begin + piece.size(), out.size(), true});
      out.push_back(id);
      fresh = is_special(id);
      continue;
    }
    const std::string_view plain = text.substr(begin, piece.size());
    const bool whole = piece.find('\xFF') == std::string_view::npos;
    std::vector<AddedTokenFinder::Part> inner;
    if (whole)
      inner.push_back({plain, -1});
    else
      in_text.split(plain, false, inner);
    for (const auto& [stretch, token] : inner) {
      const auto at = static_cast<std::size_t>(stretch.data() - text.data());
      parts.push_back({at, at + stretch.size(), out.size(), token >= 0});
      if (token >= 0)
        out.push_back(token);
      else
        encode_text(stretch, at == 0, fresh, whole, *borrowed, out);
      fresh = token >= 0 && is_special(token);
    }
  }
  scratch.give(std::move(borrowed));
  return out;
}

Tokenizer::Tokenizer(TokenizerSpec spec) : parts_(std::make_unique<Parts>(std::move(spec))) {}
Tokenizer::~Tokenizer() = default;

std::vector<std::int32_t> Tokenizer::encode(std::string_view text, EncodeOptions options) const {
  std::vector<std::int32_t> out;
  out.reserve(text.size() / 3 + 16);
  parts_->encode(text, options, out);
  return out;
}

void Tokenizer::encode(std::string_view text, EncodeOptions options,
                       std::vector<std::int32_t>& out) const {
  parts_->encode(text, options, out);
}

std::vector<std::int32_t> Tokenizer::encode_quoting(std::string_view text,
                                                    std::span<const std::size_t> quoted,
                                                    std::vector<EncodedPart>& parts) const {
  parts.clear();
  return parts_->encode_quoting(text, quoted, parts);
}

std::int64_t Tokenizer::size() const { return parts_->spec.vocabulary.size(); }

std::string_view Tokenizer::piece(std::int32_t id) const {
  parts_->check(id);
  return parts_->spec.vocabulary.piece(id);
}

std::string Tokenizer::token_bytes(std::int32_t id) const {
  parts_->check(id);
  if (parts_->is_special(id)) return {};
  return parts_->decoder.alone(parts_->spec.vocabulary.piece(id), parts_->is_added(id));
}

bool Tokenizer::special(std::int32_t id) const {
  parts_->check(id);
  return parts_->is_special(id);
}

std::optional<std::int32_t> Tokenizer::find(std::string_view piece) const {
  const std::int32_t id = parts_->spec.vocabulary.find(piece);
  return id < 0 ? std::nullopt : std::optional(id);
}

std::optional<std::int32_t> Tokenizer::bos() const { return parts_->spec.bos; }
std::optional<std::int32_t> Tokenizer::eos() const { return parts_->spec.eos; }
std::optional<std::int32_t> Tokenizer::unk() const { return parts_->spec.unk; }
std::optional<std::int32_t> Tokenizer::pad() const { return parts_->spec.pad; }
std::span<const std::int32_t> Tokenizer::prefix() const { return parts_->spec.prefix; }
std::span<const std::int32_t> Tokenizer::suffix() const { return parts_->spec.suffix; }
std::span<const std::int32_t> Tokenizer::end_ids() const { return parts_->spec.ends; }

bool Tokenizer::ends(std::int32_t id) const {
  return id >= 0 && id < size() && parts_->flags[static_cast<std::size_t>(id)] & Parts::kEnds;
}

const std::string& Tokenizer::chat_template() const { return parts_->spec.chat_template; }
const TokenizerSpec& Tokenizer::spec() const { return parts_->spec; }

std::string_view Tokenizer::kind() const {
  switch (parts_->spec.model) {
    case TokenizerSpec::Model::bpe:
      return "bpe";
    case TokenizerSpec::Model::score_bpe:
      return "sentencepiece-bpe";
    case TokenizerSpec::Model::unigram:
      return "unigram";
    case TokenizerSpec::Model::word_piece:
      break;
  }
  return "wordpiece";
}

std::string_view Tokenizer::pre_tokenizer() const {
  if (!parts_->spec.pre_name.empty()) return parts_->spec.pre_name;
  const PreTokenizer* splitter = parts_->pieces.splitter();
  if (!splitter) return {};
  return pre_tokenizer_name_for(splitter->stages(), parts_->spec.ignore_merges);
}

struct StreamDecoder::State {
  State(std::shared_ptr<const Tokenizer> of, const TokenDecoder& decoder, bool skip)
      : tokenizer(std::move(of)), tokens(decoder), skip_special(skip) {}

  std::shared_ptr<const Tokenizer> tokenizer;
  TokenDecoder::State tokens;
  Utf8Stream characters;
  bool skip_special;
};

std::string Tokenizer::decode(std::span<const std::int32_t> ids, bool skip_special) const {
  TokenDecoder::State state(parts_->decoder);
  Utf8Stream characters;
  std::string bytes, out;
  for (const std::int32_t id : ids) {
    parts_->check(id);
    if (skip_special && parts_->is_special(id)) continue;
    parts_->decoder.feed(parts_->spec.vocabulary.piece(id), parts_->is_added(id), state, bytes);
  }
  parts_->decoder.finish(state, bytes);
  return is_valid_utf8(bytes) ? bytes : repair_utf8(bytes);
}

StreamDecoder::StreamDecoder(std::shared_ptr<const Tokenizer> tokenizer, bool skip_special) {
  const TokenDecoder& decoder = tokenizer->parts_->decoder;
  state_ = std::make_unique<State>(std::move(tokenizer), decoder, skip_special);
}
StreamDecoder::~StreamDecoder() = default;
StreamDecoder::StreamDecoder(StreamDecoder&&) noexcept = default;
StreamDecoder& StreamDecoder::operator=(StreamDecoder&&) noexcept = default;

std::string StreamDecoder::feed(std::int32_t id) {
  const Tokenizer::Parts& parts = *state_->tokenizer->parts_;
  parts.check(id);
  std::string bytes, out;
  if (state_->skip_special && parts.is_special(id)) return out;
  parts.decoder.feed(parts.spec.vocabulary.piece(id), parts.is_added(id), state_->tokens, bytes);
  state_->characters.feed(bytes, out);
  return out;
}

std::string StreamDecoder::finish() {
  std::string bytes, out;
  state_->tokenizer->parts_->decoder.finish(state_->tokens, bytes);
  state_->characters.feed(bytes, out);
  state_->characters.finish(out);
  return out;
}

}  // namespace bantam::tokenizer
