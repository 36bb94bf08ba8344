#include "tokenizer/charsmap.h"

#include <utf8proc.h>

#include <cstring>

#include "base/error.h"
#include "words/unicode.h"

namespace bantam::tokenizer {

CharsMap::CharsMap(std::string_view blob) {
  std::uint32_t size = 0;
  if (blob.size() >= 4) std::memcpy(&size, blob.data(), 4);
  if (blob.size() < 4 || size > blob.size() - 4 || size % 4 != 0 || size == 0)
    throw Error("the character map is cut: " + std::to_string(blob.size()) +
                " bytes, of them its trie " + std::to_string(size))
        .field("precompiled_charsmap");
  units_.resize(size / 4);
  std::memcpy(units_.data(), blob.data() + 4, size);
  replacements_ = blob.substr(4 + size);
  if (!is_valid_utf8(replacements_))
    throw Error("the replacements are not UTF-8").field("precompiled_charsmap");
}

// The bits of a unit are those of Darts-clone (s-yata/darts-clone, include/darts.h): the label in
// the low 8 and the top bit, a flag for a value in bit 8, an offset above, in steps of 256 if bit 9
// is set.
template <class Found>
void CharsMap::walk(std::string_view text, Found found) const {
  const auto offset = [](std::uint32_t unit) { return (unit >> 10) << ((unit & 1u << 9) >> 6); };
  std::size_t node = offset(units_[0]);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == 0) return;
    node ^= byte;
    if (node >= units_.size()) return;
    const std::uint32_t unit = units_[node];
    if ((unit & (1u << 31 | 0xFF)) != byte) return;
    node ^= offset(unit);
    if (node >= units_.size()) return;
    if (unit >> 8 & 1) {
      const std::size_t begin = units_[node] & 0x7FFFFFFFu;
      if (begin > replacements_.size()) return;
      const std::string_view rest = std::string_view(replacements_).substr(begin);
      if (!found(Match{i + 1, rest.substr(0, rest.find('\0'))})) return;
    }
  }
}

std::optional<CharsMap::Match> CharsMap::longest(std::string_view text) const {
  std::optional<Match> best;
  walk(text, [&](Match match) {
    best = match;
    return true;
  });
  return best;
}

std::optional<CharsMap::Match> CharsMap::shortest(std::string_view text) const {
  std::optional<Match> best;
  walk(text, [&](Match match) {
    best = match;
    return false;
  });
  return best;
}

namespace {

class PrefixMapOp final : public NormalizeOp {
 public:
  explicit PrefixMapOp(std::string_view blob) : map_(blob) {}
  void apply(std::string& text, bool) const override {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
      const std::string_view rest = std::string_view(text).substr(at);
      std::size_t size = decode_rune(text, at).size;
      if (const auto match = map_.longest(rest)) {
        out += match->replacement;
        size = match->size;
      } else {
        out += rest.substr(0, size);
      }
      at += size;
    }
    // A map may cut characters: what it leaves must be UTF-8 all the same.
    text = is_valid_utf8(out) ? std::move(out) : repair_utf8(out);
  }

 private:
  CharsMap map_;
};

// Whole grapheme clusters of at most 5 bytes first, then single characters; of several prefixes
// that have a replacement the shortest one counts, for the whole cluster.
class ClusterMapOp final : public NormalizeOp {
 public:
  explicit ClusterMapOp(std::string_view blob) : map_(blob) {}
  void apply(std::string& text, bool) const override {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = cluster_end(text, at);
      put(std::string_view(text).substr(at, end - at), out);
      at = end;
    }
    text = std::move(out);
  }

 private:
  static std::size_t cluster_end(std::string_view text, std::size_t at) {
    const auto first = static_cast<unsigned char>(text[at]);
    const std::size_t next = at + 1;
    // Most clusters are one ASCII character before another.
    if (first < 0x80 && first != '\r' &&
        (next == text.size() || static_cast<unsigned char>(text[next]) < 0x80))
      return next;
    Rune rune = decode_rune(text, at);
    utf8proc_int32_t state = 0;
    for (std::size_t end = at + rune.size; end < text.size();) {
      const Rune after = decode_rune(text, end);
      if (utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(rune.value),
                                           static_cast<utf8proc_int32_t>(after.value), &state))
        return end;
      end += after.size;
      rune = after;
    }
    return text.size();
  }
  void put(std::string_view cluster, std::string& out) const {
    if (cluster.size() < 6) {
      if (const auto match = map_.shortest(cluster)) {
        out += match->replacement;
        return;
      }
    }
    for (std::size_t at = 0; at < cluster.size();) {
      const std::string_view part = cluster.substr(at, decode_rune(cluster, at).size);
      const auto match = map_.shortest(part);
      out += match ? match->replacement : part;
      at += part.size();
    }
  }

  CharsMap map_;
};

// White space as SentencePiece has it: a space put before or after the text, runs made one and
// those at the ends dropped, each space written as `content`.
class SpaceOp final : public NormalizeOp {
 public:
  explicit SpaceOp(const NormalizeStep& step)
      : space_(step.content),
        before_(step.left),
        after_(step.right),
        merge_(step.merge_spaces),
        once_(step.once) {}
  void apply(std::string& text, bool first) const override {
    std::string_view rest = text;
    if (merge_) {
      const std::size_t begin = rest.find_first_not_of(' ');
      rest = begin == std::string_view::npos ? std::string_view() : rest.substr(begin);
      rest = rest.substr(0, rest.find_last_not_of(' ') + 1);
    }
    std::string out;
    if (rest.empty()) {
      text.clear();
      return;
    }
    out.reserve(rest.size() + rest.size() / 2 + space_.size());
    if (before_ && (first || !once_)) out += space_;
    bool after_space = false;
    for (const char c : rest) {
      if (c != ' ')
        out += c;
      else if (!(merge_ && after_space))
        out += space_;
      after_space = c == ' ';
    }
    if (after_) out += space_;
    text = std::move(out);
  }

 private:
  std::string space_;
  bool before_, after_, merge_, once_;
};

}  // namespace

std::unique_ptr<NormalizeOp> make_charsmap_op(std::string_view blob, bool by_prefix) {
  if (by_prefix) return std::make_unique<PrefixMapOp>(blob);
  return std::make_unique<ClusterMapOp>(blob);
}

std::unique_ptr<NormalizeOp> make_sentencepiece_space_op(const NormalizeStep& step) {
  return std::make_unique<SpaceOp>(step);
}

}  // namespace bantam::tokenizer
