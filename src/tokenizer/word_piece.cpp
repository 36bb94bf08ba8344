// WordPiece (Schuster & Nakajima 2012) as BERT does it: the longest piece that the rest of the word
// begins with, again and again; a word that cannot be cut so is unknown
// (huggingface/tokenizers, tokenizers/src/models/wordpiece/mod.rs).
#include <algorithm>

#include "base/error.h"
#include "tokenizer/token_model.h"
#include "tokenizer/tokenizer_spec.h"
#include "words/unicode.h"

namespace bantam::tokenizer {

namespace {

class WordPiece final : public TokenModel {
 public:
  explicit WordPiece(const TokenizerSpec& spec)
      : spec_(spec),
        first_(spec.phantom_space ? "\u2581" : ""),
        others_(spec.phantom_space ? "" : spec.continuing_prefix),
        longest_word_(spec.longest_word) {
    if (!spec.unk) throw Error("a token for the unknown is missing").field("unk_token");
    unk_ = *spec.unk;
    for (std::int32_t id = 0; id < spec.vocabulary.size(); ++id)
      longest_piece_ = std::max(longest_piece_, spec.vocabulary.piece(id).size());
  }

  void encode(std::span<const std::string_view> words, EncodeScratch& scratch,
              std::vector<std::int32_t>& out) const override {
    for (const std::string_view word : words) {
      if (word.size() > WordCache::kBytes) {
        encode_word(word, scratch, out);
        continue;
      }
      WordCache::Entry& entry = scratch.cache.slot(word);
      if (WordCache::holds(entry, word)) {
        out.insert(out.end(), entry.ids.begin(), entry.ids.begin() + entry.count);
        continue;
      }
      const std::size_t before = out.size();
      encode_word(word, scratch, out);
      WordCache::keep(entry, word, std::span<const std::int32_t>(out).subspan(before));
    }
  }

 private:
  void encode_word(std::string_view word, EncodeScratch& scratch,
                   std::vector<std::int32_t>& out) const {
    const std::size_t before = out.size();
    if (!too_long(word)) {
      std::size_t at = 0;
      while (at < word.size() && take_longest(word, at, scratch, out)) {
      }
      if (at == word.size()) return;
    }
    out.resize(before);
    out.push_back(unk_);
  }

  bool too_long(std::string_view word) const {
    if (longest_word_ <= 0 || word.size() <= static_cast<std::size_t>(longest_word_)) return false;
    std::int64_t characters = 0;
    for (std::size_t at = 0; at < word.size(); at += decode_rune(word, at).size) ++characters;
    return characters > longest_word_;
  }

  bool take_longest(std::string_view word, std::size_t& at, EncodeScratch& scratch,
                    std::vector<std::int32_t>& out) const {
    const std::string& before = at == 0 ? first_ : others_;
    if (longest_piece_ < before.size()) return false;
    std::size_t size = std::min(word.size() - at, longest_piece_ - before.size());
    for (; size > 0; --size) {
      const bool cut =
          at + size < word.size() && (static_cast<unsigned char>(word[at + size]) & 0xC0) == 0x80;
      if (cut) continue;
      const std::int32_t id =
          model_piece(spec_, scratch.text.assign(before).append(word.substr(at, size)));
      if (id < 0) continue;
      out.push_back(id);
      at += size;
      return true;
    }
    return false;
  }

  const TokenizerSpec& spec_;
  std::string first_, others_;
  std::int64_t longest_word_;
  std::size_t longest_piece_ = 0;
  std::int32_t unk_;
};

}  // namespace

std::unique_ptr<TokenModel> make_word_piece(const TokenizerSpec& spec) {
  return std::make_unique<WordPiece>(spec);
}

}  // namespace bantam::tokenizer
