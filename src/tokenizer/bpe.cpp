#include "tokenizer/bpe.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "tokenizer/bpe_merge.h"
#include "words/byte_alphabet.h"

namespace bantam::tokenizer {

namespace {

std::string byte_piece(unsigned byte) {
  static constexpr char digits[] = "0123456789ABCDEF";
  return {'<', '0', 'x', digits[byte >> 4], digits[byte & 15], '>'};
}

void append(std::span<const std::int32_t> ids, std::vector<std::int32_t>& out) {
  out.insert(out.end(), ids.begin(), ids.end());
}

// Looks a word up in the cache; on a miss makes its ids by `make` and keeps them.
template <class Make>
void cached(std::string_view word, EncodeScratch& scratch, std::vector<std::int32_t>& out,
            Make make) {
  if (word.size() > WordCache::kBytes) return make();
  WordCache::Entry& entry = scratch.cache.slot(word);
  if (WordCache::holds(entry, word)) return append({entry.ids.data(), entry.count}, out);
  const std::size_t before = out.size();
  make();
  WordCache::keep(entry, word, std::span<const std::int32_t>(out).subspan(before));
}

}  // namespace

BpeModel::BpeModel(const TokenizerSpec& spec) : vocabulary_(spec.vocabulary), spec_(spec) {
  byte_ids_.fill(-1);
}

void BpeModel::read_merges(const TokenizerSpec& spec) {
  constexpr std::size_t kBlock = 32;  // memory of so many merges is fetched side by side
  const auto& all = spec.merges;
  merges_.reserve(all.size());
  std::int32_t last = -1;
  for (std::size_t begin = 0; begin < all.size(); begin += kBlock) {
    const std::size_t end = std::min(begin + kBlock, all.size());
    for (std::size_t rank = begin; rank < end; ++rank) {
      const auto [left, right] = all[rank];
      if (!vocabulary_.contains(left) || !vocabulary_.contains(right))
        throw Error("merge " + std::to_string(rank) + " names a token that is not there")
            .field("merges");
      merges_.prefetch(left, right);
    }
    for (std::size_t rank = begin; rank < end; ++rank) {
      vocabulary_.prefetch_text(all[rank].first);
      vocabulary_.prefetch_text(all[rank].second);
    }
    for (std::size_t rank = begin; rank < end; ++rank) {
      const auto [left, right] = all[rank];
      last = joined(left, right, spec.continuing_prefix, last, rank);
      merges_.insert(left, right, {static_cast<std::uint32_t>(rank), last}, !spec.first_merge_wins);
    }
  }
}

// The token that a merge makes. Files list merges in the order of the tokens that they make, so it
// is most often the one of the merge before, or the next one.
std::int32_t BpeModel::joined(std::int32_t left, std::int32_t right, std::string_view prefix,
                              std::int32_t before, std::size_t rank) const {
  const std::string_view head = vocabulary_.piece(left);
  std::string_view tail = vocabulary_.piece(right);
  // huggingface/tokenizers cuts this many bytes whether they are the prefix or not.
  tail.remove_prefix(std::min(tail.size(), prefix.size()));
  for (const std::int32_t guess : {before, before + 1}) {
    if (!vocabulary_.contains(guess)) continue;
    const std::string_view piece = vocabulary_.piece(guess);
    if (piece.size() == head.size() + tail.size() && piece.starts_with(head) &&
        piece.ends_with(tail))
      return guess;
  }
  std::string text;
  const std::int32_t id = vocabulary_.find(head, tail, text);
  if (id < 0)
    throw Error("merge " + std::to_string(rank) + " makes \"" + printable(text) +
                "\", which is not in the vocabulary")
        .field("merges");
  return id;
}

ByteBpe::ByteBpe(const TokenizerSpec& spec)
    : BpeModel(spec), whole_words_(spec.ignore_merges), fuse_unk_(spec.fuse_unk) {
  for (unsigned byte = 0; byte < 256; ++byte)
    for (const Place place : {kInside, kFirst, kLast, kAlone}) {
      std::string piece = place == kFirst || place == kAlone ? "" : spec.continuing_prefix;
      piece += ByteAlphabet::get().spell(static_cast<std::uint8_t>(byte));
      if (place == kLast || place == kAlone) piece += spec.end_suffix;
      by_place_[place][byte] = model_piece(spec, piece);
    }
  if (spec.unk && spec.marks_unknown) unk_ = *spec.unk;
  read_merges(spec);
}

void ByteBpe::encode(std::span<const std::string_view> words, EncodeScratch& scratch,
                     std::vector<std::int32_t>& out) const {
  for (const std::string_view word : words)
    cached(word, scratch, out, [&] { encode_word(word, scratch, out); });
}

void ByteBpe::encode_word(std::string_view word, EncodeScratch& scratch,
                          std::vector<std::int32_t>& out) const {
  if (whole_words_) {
    scratch.text = ByteAlphabet::get().encode(word);
    if (const std::int32_t id = model_piece(spec_, scratch.text); id >= 0) return out.push_back(id);
  }
  std::vector<std::int32_t>& ids = scratch.ids;
  ids.clear();
  bool after_unk = false;
  for (std::size_t at = 0; at < word.size(); ++at) {
    const bool first = at == 0, last = at + 1 == word.size();
    const Place place = first && last ? kAlone : first ? kFirst : last ? kLast : kInside;
    const std::int32_t id = by_place_[place][static_cast<unsigned char>(word[at])];
    if (id >= 0)
      ids.push_back(id);
    else if (unk_ >= 0 && !(after_unk && fuse_unk_))
      ids.push_back(unk_);
    after_unk = id < 0;
  }
  ids.resize(merge_pairs(merges_, ids, scratch));
  append(ids, out);
}

CharBpe::CharBpe(const TokenizerSpec& spec)
    : BpeModel(spec),
      by_score_(spec.model == TokenizerSpec::Model::score_bpe),
      byte_fallback_(spec.byte_fallback),
      fuse_unk_(spec.fuse_unk),
      whole_words_(spec.ignore_merges),
      newline_runs_(spec.newline_runs),
      unk_(spec.marks_unknown ? spec.unk.value_or(-1) : -1),
      prefix_(spec.continuing_prefix),
      suffix_(spec.end_suffix) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    byte_ids_[byte] = model_piece(spec, byte_piece(byte));
    // llama.cpp takes the byte itself where there is no byte token (byte_to_token).
    if (by_score_ && byte_ids_[byte] < 0) {
      const char itself = static_cast<char>(byte);
      byte_ids_[byte] = vocabulary_.find({&itself, 1});
    }
  }
  read_characters();
  if (by_score_)
    read_scores(spec);
  else
    read_merges(spec);
}

// Fills the table of characters and the filter of neighbours.
void CharBpe::read_characters() {
  for (std::int32_t id = 0; id < vocabulary_.size(); ++id) {
    const std::string_view piece = vocabulary_.piece(id);
    if (piece.empty() || model_piece(spec_, piece) < 0) continue;
    const Rune rune = decode_rune(piece, 0);
    if (rune.size == piece.size()) chars_.set(rune.value, id);
  }
  std::size_t bits = std::size_t{1} << 16;
  while (bits < static_cast<std::size_t>(vocabulary_.size()) * 16) bits *= 2;
  neighbours_.assign(bits / 64, 0);
  for (std::int32_t id = 0; id < vocabulary_.size(); ++id) note_neighbours(vocabulary_.piece(id));
}

// Pieces are well-formed: every reader has checked that.
void CharBpe::note_neighbours(std::string_view piece) {
  std::int32_t before = -1;
  for (std::size_t at = 0; at < piece.size();) {
    const Rune rune = decode_rune(piece, at);
    std::int32_t id = chars_[rune.value];
    if (id < 0 && by_score_) {
      id = static_cast<std::int32_t>(vocabulary_.size() + static_cast<std::int64_t>(extra_.size()));
      chars_.set(rune.value, id);
      extra_.emplace_back(piece.substr(at, rune.size));
    }
    if (before >= 0 && id >= 0) {
      const std::size_t bit = neighbour_bit(before, id);
      neighbours_[bit / 64] |= std::uint64_t{1} << bit % 64;
    }
    before = id;
    at += rune.size;
  }
}

std::size_t CharBpe::neighbour_bit(std::int32_t left, std::int32_t right) const {
  const std::uint64_t key =
      std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right);
  return static_cast<std::size_t>((key * 0x9E3779B97F4A7C15u ^ key >> 15) * 0xD6E8FEB86659FD93u >>
                                  32) &
         (neighbours_.size() * 64 - 1);
}

bool CharBpe::may_join(std::int32_t left, std::int32_t right) const {
  const std::size_t bit = neighbour_bit(left, right);
  return neighbours_[bit / 64] >> bit % 64 & 1;
}

std::int32_t CharBpe::symbol(std::string_view piece) const {
  if (const std::int32_t id = vocabulary_.find(piece); id >= 0) return id;
  const Rune rune = decode_rune(piece, 0);
  return rune.size == piece.size() ? chars_[rune.value] : -1;
}

// SentencePiece merges two symbols when the joined text is a piece, best score first: each piece is
// a merge for each way to cut it in two symbols.
void CharBpe::read_scores(const TokenizerSpec& spec) {
  constexpr std::size_t kLongest = 1024;  // bytes; cutting is quadratic in them
  struct Cut {
    std::int32_t left, right, id;
  };
  std::vector<Cut> cuts;
  for (std::int32_t id = 0; id < vocabulary_.size(); ++id) {
    const TokenType type = spec.types[static_cast<std::size_t>(id)];
    if (!spec.all_pieces_match && type != TokenType::normal && type != TokenType::user_defined &&
        type != TokenType::unused)
      continue;
    const std::string_view piece = vocabulary_.piece(id);
    if (piece.size() > kLongest)
      throw Error("piece " + std::to_string(id) + " has " + std::to_string(piece.size()) +
                  " bytes; at most " + std::to_string(kLongest) + " are expected");
    for (std::size_t at = 0; at < piece.size();) {
      at += decode_rune(piece, at).size;
      if (at >= piece.size()) break;
      const std::int32_t left = symbol(piece.substr(0, at));
      if (left < 0) continue;
      const std::int32_t right = symbol(piece.substr(at));
      if (right >= 0) cuts.push_back({left, right, id});
    }
  }
  // Equal scores have equal ranks: the leftmost pair goes first then.
  std::vector<double> order(spec.scores);
  std::sort(order.begin(), order.end(), std::greater<>());
  order.erase(std::unique(order.begin(), order.end()), order.end());
  merges_.reserve(cuts.size());
  for (const Cut& cut : cuts) {
    const double score = spec.scores[static_cast<std::size_t>(cut.id)];
    const auto rank = std::lower_bound(order.begin(), order.end(), score, std::greater<>());
    merges_.insert(cut.left, cut.right, {static_cast<std::uint32_t>(rank - order.begin()), cut.id});
  }
}

CharBpe::Char CharBpe::char_at(std::string_view text, std::size_t at) const {
  const auto first = static_cast<unsigned char>(text[at]);
  if (first < 0x80) return {chars_[first], 1};
  const Rune rune = decode_rune(text, at);
  if (rune.value != kReplacement || text.substr(at, 3) == "\xEF\xBF\xBD")
    return {chars_[rune.value], rune.size};
  // Ill-formed: as many bytes as the first one announces (unicode_len_utf8 of llama.cpp).
  const unsigned announced = first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  return {-1, static_cast<unsigned>(std::min<std::size_t>(announced, text.size() - at))};
}

void CharBpe::encode(std::span<const std::string_view> words, EncodeScratch& scratch,
                     std::vector<std::int32_t>& out) const {
  for (const std::string_view word : words) {
    if (whole(word, out)) continue;
    if (!prefix_.empty() || !suffix_.empty())
      cached(word, scratch, out, [&] { encode_affixed(word, scratch, out); });
    else
      encode_text(word, scratch, out);
  }
}

bool CharBpe::whole(std::string_view word, std::vector<std::int32_t>& out) const {
  if (!whole_words_ && !(newline_runs_ && word.find_first_not_of('\n') == std::string_view::npos))
    return false;
  const std::int32_t id = model_piece(spec_, word);
  if (id >= 0) out.push_back(id);
  return id >= 0;
}

// Cuts the text where no merge can reach across, so that its parts are short and come from the
// cache.
void CharBpe::encode_text(std::string_view text, EncodeScratch& scratch,
                          std::vector<std::int32_t>& out) const {
  scratch.ids.clear();
  std::size_t begin = 0;
  std::int32_t before = -1;
  bool after_unk = false;
  for (std::size_t at = 0; at < text.size();) {
    const Char c = char_at(text, at);
    if (c.id >= 0 && before >= 0 && !may_join(before, c.id)) {
      encode_symbols(text.substr(begin, at - begin), scratch, out);
      scratch.ids.clear();
      begin = at;
    }
    after_unk = add_symbol(c.id, text.substr(at, c.size), after_unk, scratch);
    before = c.id;
    at += c.size;
  }
  if (begin < text.size()) encode_symbols(text.substr(begin), scratch, out);
}

// Appends the symbol of a character: its id, else its bytes, else unk, else nothing. Returns
// whether the last symbol stands for something unknown.
bool CharBpe::add_symbol(std::int32_t id, std::string_view text, bool after_unk,
                         EncodeScratch& scratch) const {
  if (id >= 0) {
    scratch.ids.push_back(id);
    return false;
  }
  const auto has_byte = [this](char c) { return byte_ids_[static_cast<unsigned char>(c)] >= 0; };
  if ((byte_fallback_ || by_score_) && std::all_of(text.begin(), text.end(), has_byte)) {
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      scratch.ids.push_back(by_score_ ? -2 - byte : byte_ids_[byte]);
    }
    return false;
  }
  if (unk_ >= 0 && !(after_unk && fuse_unk_)) scratch.ids.push_back(unk_);
  return unk_ >= 0;
}

void CharBpe::encode_symbols(std::string_view word, EncodeScratch& scratch,
                             std::vector<std::int32_t>& out) const {
  if (scratch.ids.size() == 1) return finish(scratch.ids, out);
  cached(word, scratch, out, [&] {
    scratch.ids.resize(merge_pairs(merges_, scratch.ids, scratch));
    finish(scratch.ids, out);
  });
}

void CharBpe::finish(std::span<const std::int32_t> symbols, std::vector<std::int32_t>& out) const {
  for (const std::int32_t id : symbols) {
    if (id < 0) {
      out.push_back(byte_ids_[static_cast<std::size_t>(-2 - id)]);
    } else if (id < vocabulary_.size()) {
      out.push_back(id);
    } else {  // no piece came of it
      for (const char c : extra_[static_cast<std::size_t>(id - vocabulary_.size())]) {
        const std::int32_t byte = byte_ids_[static_cast<unsigned char>(c)];
        if (byte >= 0 || unk_ >= 0) out.push_back(byte >= 0 ? byte : unk_);
        if (byte < 0) break;
      }
    }
  }
}

// With a prefix for all characters but the first, or a suffix for the last.
void CharBpe::encode_affixed(std::string_view word, EncodeScratch& scratch,
                             std::vector<std::int32_t>& out) const {
  scratch.ids.clear();
  bool after_unk = false;
  for (std::size_t at = 0; at < word.size();) {
    const std::size_t size = decode_rune(word, at).size;
    scratch.text.assign(at > 0 ? prefix_ : "").append(word.substr(at, size));
    if (at + size == word.size()) scratch.text += suffix_;
    const std::string symbol = scratch.text;
    after_unk = add_symbol(model_piece(spec_, symbol), symbol, after_unk, scratch);
    at += size;
  }
  scratch.ids.resize(merge_pairs(merges_, scratch.ids, scratch));
  finish(scratch.ids, out);
}

std::unique_ptr<TokenModel> make_bpe(const TokenizerSpec& spec) {
  if (is_byte_level(spec) && spec.model == TokenizerSpec::Model::bpe)
    return std::make_unique<ByteBpe>(spec);
  return std::make_unique<CharBpe>(spec);
}

}  // namespace bantam::tokenizer
