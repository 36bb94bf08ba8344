// SentencePiece's unigram model (Kudo 2018): of all ways to cut a text into pieces the one whose
// scores sum highest (google/sentencepiece, src/unigram_model.cc; huggingface/tokenizers,
// tokenizers/src/models/unigram/model.rs).
#include <algorithm>
#include <limits>

#include "base/error.h"
#include "tokenizer/byte_trie.h"
#include "tokenizer/token_model.h"
#include "tokenizer/tokenizer_spec.h"
#include "words/unicode.h"

namespace bantam::tokenizer {

namespace {

constexpr std::size_t kLongestPiece = 1024;  // bytes; bounds the work at each place of a text
constexpr double kUnkPenalty = 10;           // below the score of the rarest piece

bool matches(const TokenizerSpec& spec, std::size_t id) {
  const TokenType type = spec.types[id];
  if (std::binary_search(spec.outside.begin(), spec.outside.end(), static_cast<std::int32_t>(id)))
    return false;
  return spec.all_pieces_match || type == TokenType::normal || type == TokenType::user_defined ||
         type == TokenType::unused;
}

// Score: the number type of the sums. SentencePiece has float, the others double.
template <class Score>
class Unigram final : public TokenModel {
 public:
  explicit Unigram(const TokenizerSpec& spec)
      : trie_(entries(spec)), unk_(spec.unk.value_or(-1)), fuse_unk_(spec.fuse_unk) {
    double lowest = std::numeric_limits<double>::infinity();
    scores_.reserve(spec.scores.size());
    for (std::size_t id = 0; id < spec.scores.size(); ++id) {
      if (spec.all_pieces_match ? matches(spec, id) : spec.types[id] == TokenType::normal)
        lowest = std::min(lowest, spec.scores[id]);
      const bool given = spec.types[id] == TokenType::user_defined && !spec.all_pieces_match;
      scores_.push_back(static_cast<Score>(given ? 0.0 : spec.scores[id]));
    }
    unk_score_ = static_cast<Score>(lowest - kUnkPenalty);
    byte_ids_.fill(-1);
    for (unsigned byte = 0; byte < 256 && spec.byte_fallback; ++byte) {
      static constexpr char digits[] = "0123456789ABCDEF";
      const char piece[] = {'<', '0', 'x', digits[byte >> 4], digits[byte & 15], '>'};
      byte_ids_[byte] = model_piece(spec, {piece, 6});
    }
  }

  void encode(std::span<const std::string_view> words, EncodeScratch& scratch,
              std::vector<std::int32_t>& out) const override {
    for (const std::string_view word : words) {
      if (word.size() > WordCache::kBytes) {
        encode_word(word, out);
        continue;
      }
      WordCache::Entry& entry = scratch.cache.slot(word);
      if (WordCache::holds(entry, word)) {
        out.insert(out.end(), entry.ids.begin(), entry.ids.begin() + entry.count);
        continue;
      }
      const std::size_t before = out.size();
      encode_word(word, out);
      WordCache::keep(entry, word, std::span<const std::int32_t>(out).subspan(before));
    }
  }

 private:
  struct Best {  // of the ways to cut the text up to a place: the last piece, and the sum
    Score sum = 0;
    std::int32_t id = -1;
    std::uint32_t begin = UINT32_MAX;  // UINT32_MAX: none yet
  };

  static std::vector<std::pair<std::string_view, std::int32_t>> entries(const TokenizerSpec& spec) {
    std::vector<std::pair<std::string_view, std::int32_t>> out;
    for (std::size_t id = 0; id < spec.types.size(); ++id) {
      const auto number = static_cast<std::int32_t>(id);
      const std::string_view piece = spec.vocabulary.piece(number);
      if (piece.empty() || !matches(spec, id)) continue;
      if (piece.size() > kLongestPiece)
        throw Error("piece " + std::to_string(id) + " has " + std::to_string(piece.size()) +
                    " bytes; at most " + std::to_string(kLongestPiece) + " are expected");
      out.emplace_back(piece, number);
    }
    return out;
  }

  void encode_word(std::string_view text, std::vector<std::int32_t>& out) const {
    if (text.size() >= UINT32_MAX)
      throw Error("a text of at most 4 GiB without a break was expected");
    std::vector<Best> best(text.size() + 1);
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t one = decode_rune(text, at).size;
      const Score sum = best[at].sum;
      bool alone = false;
      const auto offer = [&](std::size_t size, std::int32_t id, Score score) {
        Best& place = best[at + size];
        if (place.begin == UINT32_MAX || sum + score > place.sum)
          place = {sum + score, id, static_cast<std::uint32_t>(at)};
      };
      trie_.walk(text, at, [&](std::size_t size, std::int32_t id) {
        offer(size, id, scores_[static_cast<std::size_t>(id)]);
        alone |= size == one;
      });
      if (!alone) offer(one, -1, unk_score_);
      at += one;
    }
    take(text, best, out);
  }

  // Follows the best pieces from the end and appends them in order.
  void take(std::string_view text, const std::vector<Best>& best,
            std::vector<std::int32_t>& out) const {
    std::vector<std::uint32_t> ends;
    for (std::size_t at = text.size(); at > 0; at = best[at].begin)
      ends.push_back(static_cast<std::uint32_t>(at));
    bool after_unk = false;
    for (std::size_t i = ends.size(); i-- > 0;) {
      const Best& piece = best[ends[i]];
      const bool unknown = piece.id < 0 || piece.id == unk_;
      if (!unknown) {
        out.push_back(piece.id);
      } else if (!put_bytes(text.substr(piece.begin, ends[i] - piece.begin), out)) {
        if (unk_ < 0)
          throw Error("a character has no token, and the vocabulary no token for the unknown");
        if (!(after_unk && fuse_unk_)) out.push_back(unk_);
      }
      after_unk = unknown;
    }
  }

  bool put_bytes(std::string_view text, std::vector<std::int32_t>& out) const {
    for (const char c : text)
      if (byte_ids_[static_cast<unsigned char>(c)] < 0) return false;
    for (const char c : text) out.push_back(byte_ids_[static_cast<unsigned char>(c)]);
    return true;
  }

  ByteTrie trie_;
  std::vector<Score> scores_;
  Score unk_score_ = 0;
  std::array<std::int32_t, 256> byte_ids_;
  std::int32_t unk_;
  bool fuse_unk_;
};

}  // namespace

std::unique_ptr<TokenModel> make_unigram(const TokenizerSpec& spec) {
  if (spec.single_precision) return std::make_unique<Unigram<float>>(spec);
  return std::make_unique<Unigram<double>>(spec);
}

}  // namespace bantam::tokenizer
