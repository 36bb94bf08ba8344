#include "tokenizer/vocabulary.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>

#include "base/error.h"
#include "tokenizer/flat_hash.h"

namespace bantam::tokenizer {

std::uint64_t hash_seed() {
  std::uint64_t seed = 0;
  if (getentropy(&seed, sizeof seed) != 0)
    seed = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  return mix64(seed ^ 0x2545F4914F6CDD1Du, 0x9E3779B97F4A7C15u);
}

Vocabulary::Vocabulary() : slots_(64), seed_(hash_seed()) {}

void Vocabulary::reserve(std::int64_t tokens, std::size_t bytes) {
  if (tokens > kMostTokens) tokens = kMostTokens;
  spans_.reserve(static_cast<std::size_t>(tokens));
  bytes_.reserve(bytes);
  if (count_ == 0) slots_.resize(std::bit_ceil(static_cast<std::size_t>(tokens) * 2 + 64));
}

void Vocabulary::add(std::int32_t id, std::string_view piece) {
  if (id < 0 || id >= kMostTokens)
    throw Error("the token has the id " + std::to_string(id) + "; 0 to " +
                std::to_string(kMostTokens - 1) + " was expected")
        .field(printable(piece));
  if (contains(id))
    throw Error("the token has the id " + std::to_string(id) + ", as \"" +
                printable(this->piece(id)) + "\" has already")
        .field(printable(piece));
  if (bytes_.size() + piece.size() > UINT32_MAX - 1)
    throw Error("the pieces of the vocabulary are longer than 4 GiB together");
  if (count_ * 2 >= static_cast<std::int64_t>(slots_.size())) grow();
  const std::uint64_t hash = hash_bytes(piece, seed_);
  Slot& place = slots_[slot(piece, hash)];
  if (place.id >= 0)
    throw Error("the token stands twice in the vocabulary, with the ids " +
                std::to_string(place.id) + " and " + std::to_string(id))
        .field(printable(piece));
  place = {static_cast<std::uint32_t>(hash), id};
  if (id >= size()) spans_.resize(static_cast<std::size_t>(id) + 1);
  spans_[static_cast<std::size_t>(id)] = {static_cast<std::uint32_t>(bytes_.size()),
                                          static_cast<std::uint32_t>(piece.size())};
  bytes_.append(piece);
  ++count_;
}

std::int64_t Vocabulary::first_hole() const {
  if (count_ == size()) return size();
  std::int64_t id = 0;
  while (id < size() && contains(id)) ++id;
  return id;
}

std::int32_t Vocabulary::find(std::string_view piece) const {
  return slots_[slot(piece, hash_bytes(piece, seed_))].id;
}

void Vocabulary::find(std::span<const std::string_view> pieces, std::span<std::int32_t> ids) const {
  constexpr std::size_t kBlock = 32;
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t begin = 0; begin < pieces.size(); begin += kBlock) {
    const std::size_t end = std::min(begin + kBlock, pieces.size());
    std::array<std::uint64_t, kBlock> hashes;
    const auto first = [&](std::size_t i) -> const Slot& {
      return slots_[static_cast<std::size_t>(hashes[i - begin] >> 32) & mask];
    };
    for (std::size_t i = begin; i < end; ++i) {
      hashes[i - begin] = hash_bytes(pieces[i], seed_);
      __builtin_prefetch(&first(i));
    }
    for (std::size_t i = begin; i < end; ++i)
      if (first(i).id >= 0) prefetch(first(i).id);
    for (std::size_t i = begin; i < end; ++i)
      if (first(i).id >= 0) prefetch_text(first(i).id);
    for (std::size_t i = begin; i < end; ++i)
      ids[i] = slots_[slot(pieces[i], hashes[i - begin])].id;
  }
}

std::size_t Vocabulary::slot(std::string_view piece, std::uint64_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  const auto tag = static_cast<std::uint32_t>(hash);
  std::size_t at = static_cast<std::size_t>(hash >> 32) & mask;
  while (slots_[at].id >= 0 && !(slots_[at].tag == tag && this->piece(slots_[at].id) == piece))
    at = (at + 1) & mask;
  return at;
}

void Vocabulary::grow() {
  std::vector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.id < 0) continue;
    const std::uint64_t hash = hash_bytes(piece(slot.id), seed_);
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = static_cast<std::size_t>(hash >> 32) & mask;
    while (slots_[at].id >= 0) at = (at + 1) & mask;
    slots_[at] = slot;
  }
}

}  // namespace bantam::tokenizer
