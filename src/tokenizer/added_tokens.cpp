#include "tokenizer/added_tokens.h"

#include <algorithm>
#include <queue>
#include <tuple>

#include "words/unicode.h"
#include "words/word_char.h"

namespace bantam::tokenizer {

namespace {

unsigned byte_at(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}

// isspace of the C locale, which is what llama.cpp strips.
bool is_ascii_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Where the last character of `text`, which is not empty, begins.
std::size_t last_rune(std::string_view text) {
  std::size_t at = text.size() - 1;
  while (at > 0 && text.size() - at < 4 && (byte_at(text, at) & 0xC0) == 0x80) --at;
  return at;
}

// Where the white space at the end of `text` begins.
std::size_t trailing_space(std::string_view text, bool ascii) {
  while (!text.empty()) {
    const std::size_t at = ascii ? text.size() - 1 : last_rune(text);
    if (!(ascii ? is_ascii_space(text[at]) : is_white_space(decode_rune(text, at).value))) break;
    text = text.substr(0, at);
  }
  return text.size();
}

// How long the white space at the beginning of `text` is.
std::size_t leading_space(std::string_view text, bool ascii) {
  std::size_t at = 0;
  while (at < text.size()) {
    const Rune rune = decode_rune(text, at);
    if (!(ascii ? is_ascii_space(text[at]) : is_white_space(rune.value))) break;
    at += rune.size;
  }
  return at;
}

bool beside_word(std::string_view text, std::size_t begin, std::size_t end) {
  return (begin > 0 && is_word_char(decode_rune(text, last_rune(text.substr(0, begin))).value)) ||
         (end < text.size() && is_word_char(decode_rune(text, end).value));
}

}  // namespace

AddedTokenFinder::AddedTokenFinder(std::vector<AddedToken> tokens, TokenizerSpec::Matching matching)
    : tokens_(std::move(tokens)), matching_(matching) {
  std::sort(tokens_.begin(), tokens_.end(), [](const AddedToken& a, const AddedToken& b) {
    return std::tie(a.content, a.id) < std::tie(b.content, b.id);
  });
  begins_.assign(65536 / 64, 0);
  const auto set = [this](unsigned pair) { begins_[pair / 64] |= std::uint64_t{1} << pair % 64; };
  for (const AddedToken& token : tokens_) {
    const unsigned first = byte_at(token.content, 0) << 8;
    if (token.content.size() > 1)
      set(first | byte_at(token.content, 1));
    else
      for (unsigned second = 0; second < 256; ++second) set(first | second);
  }
}

bool AddedTokenFinder::may_begin(std::string_view text, std::size_t at) const {
  const unsigned pair = byte_at(text, at) << 8 | (at + 1 < text.size() ? byte_at(text, at + 1) : 0);
  return begins_[pair / 64] >> pair % 64 & 1;
}

// Narrows the range of tokens that begin as the text does, byte by byte. Contents are unique, so a
// token that ends at a depth is the first of its range.
std::size_t AddedTokenFinder::longest_at(std::string_view text, std::size_t at, std::size_t longest,
                                         bool special) const {
  std::size_t best = tokens_.size();
  auto low = tokens_.begin(), high = tokens_.end();
  longest = std::min(longest, text.size() - at);
  for (std::size_t depth = 0; low < high; ++depth) {
    if (low->content.size() == depth) {
      if (special || !low->special) best = static_cast<std::size_t>(low - tokens_.begin());
      ++low;
    }
    if (depth >= longest) break;
    const unsigned wanted = byte_at(text, at + depth);
    const auto byte = [depth](const AddedToken& token) { return byte_at(token.content, depth); };
    low = std::partition_point(low, high, [&](const auto& token) { return byte(token) < wanted; });
    high =
        std::partition_point(low, high, [&](const auto& token) { return byte(token) == wanted; });
  }
  return best;
}

void AddedTokenFinder::split(std::string_view text, bool special, std::vector<Part>& out) const {
  if (text.empty()) return;
  std::vector<Hit> hits;
  if (matching_ == TokenizerSpec::Matching::leftmost_longest)
    leftmost(text, special, hits);
  else
    longest_first(text, special, hits);
  cut(text, hits, out);
}

void AddedTokenFinder::leftmost(std::string_view text, bool special, std::vector<Hit>& hits) const {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t token =
        may_begin(text, at) ? longest_at(text, at, text.size(), special) : tokens_.size();
    if (token == tokens_.size()) {
      ++at;
      continue;
    }
    const std::size_t end = at + tokens_[token].content.size();
    // A match that is refused is passed over, no shorter one is tried.
    if (!tokens_[token].single_word || !beside_word(text, at, end))
      hits.push_back({at, static_cast<std::uint32_t>(token)});
    at = end;
  }
}

// llama.cpp cuts the text at every place of the longest token, then what remains at those of the
// next one. Here each place holds its longest token; the longest of all goes first, and one that
// does not fit any more gives way to a shorter one at the same place.
void AddedTokenFinder::longest_first(std::string_view text, bool special,
                                     std::vector<Hit>& hits) const {
  std::vector<Hit> places;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (!may_begin(text, at)) continue;
    const std::size_t token = longest_at(text, at, text.size(), special);
    if (token < tokens_.size()) places.push_back({at, static_cast<std::uint32_t>(token)});
  }
  const auto size = [this](const Hit& hit) { return tokens_[hit.token].content.size(); };
  const auto overlap = [&](const Hit& a, const Hit& b) { return a.begin + size(a) > b.begin; };
  if (std::adjacent_find(places.begin(), places.end(), overlap) == places.end()) {
    hits = std::move(places);
    return;
  }
  const auto later = [&](const Hit& a, const Hit& b) {
    return std::make_tuple(size(b), tokens_[a.token].id, a.begin) >
           std::make_tuple(size(a), tokens_[b.token].id, b.begin);
  };
  std::sort(places.begin(), places.end(), [&](const Hit& a, const Hit& b) { return later(b, a); });
  std::priority_queue<Hit, std::vector<Hit>, decltype(later)> shorter(later);
  std::vector<bool> taken(text.size() + 1, false);
  for (std::size_t next = 0; next < places.size() || !shorter.empty();) {
    Hit hit{};
    if (shorter.empty() || (next < places.size() && later(shorter.top(), places[next]))) {
      hit = places[next++];
    } else {
      hit = shorter.top();
      shorter.pop();
    }
    if (taken[hit.begin]) continue;
    std::size_t free = 1;
    while (free < size(hit) && !taken[hit.begin + free]) ++free;
    if (free == size(hit)) {
      std::fill_n(taken.begin() + static_cast<std::ptrdiff_t>(hit.begin), free, true);
      hits.push_back(hit);
    } else if (const std::size_t token = longest_at(text, hit.begin, free, special);
               token < tokens_.size()) {
      shorter.push({hit.begin, static_cast<std::uint32_t>(token)});
    }
  }
  std::sort(hits.begin(), hits.end(), [](const Hit& a, const Hit& b) { return a.begin < b.begin; });
}

void AddedTokenFinder::cut(std::string_view text, const std::vector<Hit>& hits,
                           std::vector<Part>& out) const {
  const bool ascii = matching_ == TokenizerSpec::Matching::longest_first;
  std::size_t done = 0;
  for (const Hit& hit : hits) {
    const AddedToken& token = tokens_[hit.token];
    std::size_t begin = hit.begin;
    std::size_t end = hit.begin + token.content.size();
    if (token.lstrip) begin = std::max(done, trailing_space(text.substr(0, begin), ascii));
    if (token.rstrip) end += leading_space(text.substr(end), ascii);
    if (done < begin) out.push_back({text.substr(done, begin - done), -1});
    out.push_back({text.substr(hit.begin, token.content.size()), token.id});
    done = std::max(done, end);
  }
  if (done < text.size()) out.push_back({text.substr(done), -1});
}

}  // namespace bantam::tokenizer
