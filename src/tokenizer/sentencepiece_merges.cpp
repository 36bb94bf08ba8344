#include "tokenizer/sentencepiece_merges.h"

#include <algorithm>
#include <tuple>

#include "base/error.h"
#include "tokenizer/flat_hash.h"
#include "words/unicode.h"

namespace bantam::tokenizer {

namespace {

constexpr std::size_t kLongest = 1024;  // bytes of a piece: cutting is quadratic in them

// Calls each(left, right, characters of left) for the ways to cut a piece in two pieces.
template <class Each>
void cuts(const TokenizerSpec& spec, std::string_view piece, Each each) {
  if (piece.size() > kLongest)
    throw Error("a piece of " + std::to_string(piece.size()) + " bytes; at most " +
                std::to_string(kLongest) + " are expected")
        .field(printable(piece));
  std::int64_t characters = 0;
  for (std::size_t at = 0; at < piece.size();) {
    at += decode_rune(piece, at).size;
    ++characters;
    if (at >= piece.size()) return;
    const std::int32_t left = spec.vocabulary.find(piece.substr(0, at));
    const std::int32_t right = left < 0 ? -1 : spec.vocabulary.find(piece.substr(at));
    if (right >= 0) each(left, right, characters);
  }
}

bool ordinary(const TokenizerSpec& spec, std::int32_t id) {
  const TokenType type = spec.types[static_cast<std::size_t>(id)];
  return type == TokenType::normal || type == TokenType::unused;
}

}  // namespace

std::vector<std::pair<std::int32_t, std::int32_t>> merges_from_scores(const TokenizerSpec& spec) {
  struct Merge {
    double score;
    std::int64_t characters;  // of the left half, the longer first
    std::int32_t id, left, right;
  };
  std::vector<Merge> found;
  for (std::int32_t id = 0; id < spec.vocabulary.size(); ++id) {
    const std::string_view piece = spec.vocabulary.piece(id);
    const std::size_t before = found.size();
    cuts(spec, piece, [&](std::int32_t left, std::int32_t right, std::int64_t characters) {
      found.push_back({spec.scores[static_cast<std::size_t>(id)], characters, id, left, right});
    });
    std::sort(found.begin() + static_cast<std::ptrdiff_t>(before), found.end(),
              [](const Merge& a, const Merge& b) {
                return std::tie(a.left, a.right) < std::tie(b.left, b.right);
              });
  }
  std::stable_sort(found.begin(), found.end(), [](const Merge& a, const Merge& b) {
    return std::tie(a.score, a.characters) > std::tie(b.score, b.characters);
  });
  std::vector<std::pair<std::int32_t, std::int32_t>> out;
  out.reserve(found.size());
  for (const Merge& merge : found) out.emplace_back(merge.left, merge.right);
  return out;
}

std::vector<double> scores_from_merges(const TokenizerSpec& spec) {
  // Below all pieces that merges make, and finite: such pieces are not merged to.
  std::vector<double> scores(static_cast<std::size_t>(spec.vocabulary.size()), -1e6);
  std::vector<std::int64_t> made(scores.size(), 0);
  PairMap pairs(spec.merges.size());
  std::string joined;
  std::int32_t last = -1;
  double next = 0;
  for (const auto& [left, right] : spec.merges) {
    const std::int32_t id =
        spec.vocabulary.find(spec.vocabulary.piece(left), spec.vocabulary.piece(right), joined);
    const auto at = static_cast<std::size_t>(id);
    if (id < 0 || (id != last && made[at] > 0))
      throw Error("the merges that make \"" + printable(joined) +
                  "\" stand apart, which scores cannot express")
          .field("merges");
    if (id != last) scores[at] = next--;
    last = id;
    made[at] += pairs.insert(left, right, {0, id}) ? 1 : 0;
  }
  for (std::int32_t id = 0; id < spec.vocabulary.size(); ++id) {
    if (!ordinary(spec, id)) continue;
    std::int64_t possible = 0;
    cuts(spec, spec.vocabulary.piece(id), [&](auto, auto, auto) { ++possible; });
    if (possible != made[static_cast<std::size_t>(id)])
      throw Error("\"" + printable(spec.vocabulary.piece(id)) +
                  "\" is not made by all pairs of pieces that join to it, which scores cannot "
                  "express")
          .field("merges");
  }
  return scores;
}

}  // namespace bantam::tokenizer
