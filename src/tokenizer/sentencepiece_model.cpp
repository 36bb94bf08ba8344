#include "tokenizer/sentencepiece_model.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

#include "base/error.h"
#include "tokenizer/end_tokens.h"
#include "words/unicode.h"

namespace bantam::tokenizer {

namespace {

// The fields of one message, one after another (protobuf.dev/programming-guides/encoding).
class Message {
 public:
  struct Field {
    std::uint32_t number = 0;
    std::uint32_t wire = 0;
    std::uint64_t value = 0;      // of numbers
    std::string_view bytes = {};  // of strings and messages
  };

  // `offset`: of `bytes` in the file, for messages.
  explicit Message(std::string_view bytes, std::uint64_t offset = 0)
      : bytes_(bytes), offset_(offset) {}

  std::optional<Field> next() {
    if (at_ == bytes_.size()) return std::nullopt;
    const std::uint64_t tag = varint();
    Field field{static_cast<std::uint32_t>(tag >> 3), static_cast<std::uint32_t>(tag & 7)};
    if (tag >> 32 != 0 || field.number == 0) throw fail("the number of a field was expected");
    switch (field.wire) {
      case 0:
        field.value = varint();
        break;
      case 1:
        field.value = fixed(8);
        break;
      case 2: {
        const std::uint64_t size = varint();
        if (size > bytes_.size() - at_)
          throw fail("a field of " + std::to_string(size) + " bytes goes past the end");
        field.bytes = bytes_.substr(at_, static_cast<std::size_t>(size));
        at_ += field.bytes.size();
        break;
      }
      case 5:
        field.value = fixed(4);
        break;
      default:
        throw fail("the kind of a field, " + std::to_string(field.wire) + ", is not known");
    }
    return field;
  }
  // Of a field's bytes in the file.
  std::uint64_t offset_of(const Field& field) const {
    return offset_ + static_cast<std::uint64_t>(field.bytes.data() - bytes_.data());
  }
  Error fail(const std::string& message) const { return Error(message).at(offset_ + at_); }

 private:
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
      if (at_ == bytes_.size()) throw fail("the file ends within a number");
      const auto byte = static_cast<unsigned char>(bytes_[at_++]);
      if (shift < 64) value |= std::uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return value;
    }
    throw fail("a number of at most 10 bytes was expected");
  }
  std::uint64_t fixed(std::size_t size) {
    if (bytes_.size() - at_ < size) throw fail("the file ends within a number");
    std::uint64_t value = 0;
    std::memcpy(&value, bytes_.data() + at_, size);
    at_ += size;
    return value;
  }

  std::string_view bytes_;
  std::uint64_t offset_;
  std::size_t at_ = 0;
};

class ModelReader {
 public:
  explicit ModelReader(std::string_view bytes) : bytes_(bytes) {}

  TokenizerSpec read() {
    Message model(bytes_);
    while (const auto field = model.next()) {
      const Message part(field->bytes, model.offset_of(*field));
      if (field->wire != 2) continue;
      if (field->number == 1) read_piece(part);
      if (field->number == 2) read_trainer(part);
      if (field->number == 3) read_normalizer(part);
    }
    finish();
    return std::move(spec_);
  }

 private:
  void read_piece(Message message) {
    std::string_view piece;
    float score = 0;
    std::uint64_t type = 1;
    while (const auto field = message.next()) {
      if (field->number == 1) piece = field->bytes;
      if (field->number == 2) {
        const auto bits = static_cast<std::uint32_t>(field->value);
        std::memcpy(&score, &bits, sizeof score);
      }
      if (field->number == 3) type = field->value;
    }
    const auto id =
        static_cast<std::int32_t>(std::min<std::int64_t>(spec_.vocabulary.size(), kMostTokens));
    if (piece.empty() || !is_valid_utf8(piece))
      throw message.fail("piece " + std::to_string(id) + " is empty or not UTF-8").field("pieces");
    if (type < 1 || type > 6)
      throw message
          .fail("piece " + std::to_string(id) + " has the type " + std::to_string(type) +
                "; 1 to 6 was expected")
          .field("pieces");
    if (!std::isfinite(score))
      throw message.fail("the score of piece " + std::to_string(id) + " is not a finite number")
          .field("pieces");
    spec_.vocabulary.add(id, piece);
    spec_.types.push_back(static_cast<TokenType>(type));
    spec_.scores.push_back(score);
  }

  void read_trainer(Message message) {
    while (const auto field = message.next()) {
      if (field->number == 3) model_type_ = field->value;
      if (field->number == 24) as_suffix_ = field->value != 0;
      if (field->number == 35) spec_.byte_fallback = field->value != 0;
      const auto id = static_cast<std::int64_t>(field->value);
      if (field->number == 40) unk_ = id;
      if (field->number == 41) bos_ = id;
      if (field->number == 42) eos_ = id;
      if (field->number == 43) pad_ = id;
    }
  }

  void read_normalizer(Message message) {
    while (const auto field = message.next()) {
      if (field->number == 2) charsmap_ = field->bytes;
      if (field->number == 3) dummy_prefix_ = field->value != 0;
      if (field->number == 4) merge_spaces_ = field->value != 0;
      if (field->number == 5) escape_ = field->value != 0;
    }
  }

  // Ids below 0 say that there is no such token.
  std::optional<std::int32_t> id(std::int64_t number, const char* name) const {
    if (number < 0) return std::nullopt;
    if (!spec_.vocabulary.contains(number))
      throw Error("the id " + std::to_string(number) + " is outside the vocabulary of " +
                  std::to_string(spec_.vocabulary.size()) + " pieces")
          .field(std::string("trainer_spec.") + name);
    return static_cast<std::int32_t>(number);
  }

  void finish() {
    if (model_type_ != 1 && model_type_ != 2)
      throw Error("models of type " + std::to_string(model_type_) +
                  " are not supported; unigram (1) and BPE (2) are")
          .field("trainer_spec.model_type");
    const bool unigram = model_type_ == 1;
    spec_.model = unigram ? TokenizerSpec::Model::unigram : TokenizerSpec::Model::score_bpe;
    spec_.single_precision = true;
    spec_.fuse_unk = true;
    spec_.unk = id(unk_, "unk_id");
    spec_.bos = id(bos_, "bos_id");
    spec_.eos = id(eos_, "eos_id");
    spec_.pad = id(pad_, "pad_id");
    if (!unigram && spec_.bos) spec_.prefix = {*spec_.bos};
    if (unigram && spec_.eos) spec_.suffix = {*spec_.eos};
    if (!charsmap_.empty()) {
      NormalizeStep step{NormalizeStep::Kind::precompiled};
      step.content = charsmap_;
      step.by_prefix = true;
      spec_.normalizer.push_back(std::move(step));
    }
    NormalizeStep spaces{NormalizeStep::Kind::sentencepiece};
    spaces.content = escape_ ? kSpaceMark : std::string_view(" ");
    spaces.left = dummy_prefix_ && !as_suffix_;
    spaces.right = dummy_prefix_ && as_suffix_;
    spaces.merge_spaces = merge_spaces_;
    // Behind a control token a text begins anew; where there are no other tokens to be found in a text,
    // this is what a space behind each added token is, as GGUF and Hugging Face's conversion have it.
    spaces.once = std::ranges::find(spec_.types, TokenType::user_defined) != spec_.types.end();
    spec_.normalizer.push_back(spaces);
    add_decoder(spaces.left);
    add_tokens();
    add_known_ends(spec_, false);
  }

  void add_decoder(bool before) {
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

  void add_tokens() {
    for (std::size_t i = 0; i < spec_.types.size(); ++i) {
      const TokenType type = spec_.types[i];
      if (type != TokenType::control && type != TokenType::unknown &&
          type != TokenType::user_defined)
        continue;
      AddedToken token;
      token.id = static_cast<std::int32_t>(i);
      token.content = spec_.vocabulary.piece(token.id);
      token.special = type != TokenType::user_defined;
      spec_.added.push_back(std::move(token));
    }
  }

  std::string_view bytes_, charsmap_;
  TokenizerSpec spec_;
  std::uint64_t model_type_ = 1;
  std::int64_t unk_ = 0, bos_ = 1, eos_ = 2, pad_ = -1;
  bool as_suffix_ = false, dummy_prefix_ = true, merge_spaces_ = true, escape_ = true;
};

}  // namespace

bool is_sentencepiece_model(std::string_view bytes) {
  // A first field that is a piece, whose first field is its text.
  return bytes.size() > 4 && bytes[0] == 0x0A && bytes[2] == 0x0A &&
         static_cast<unsigned char>(bytes[1]) < 0x80;
}

TokenizerSpec read_sentencepiece_model(std::string_view bytes, const std::string& file) {
  try {
    return ModelReader(bytes).read();
  } catch (Error& error) {
    throw error.in(file);
  }
}

}  // namespace bantam::tokenizer
