// The table of pieces.
#include "tokenizer/piece_counts.h"

#include <algorithm>
#include <cstring>

#include "tokenizer/flat_hash.h"

namespace bantam::tokenizer {

namespace {
constexpr std::size_t kCountBlock = std::size_t{1} << 18;
}

void PieceCounts::add(std::string_view piece, std::int64_t count) {
  const std::uint64_t hash = hash_bytes(piece, seed_);
  const auto high = static_cast<std::uint32_t>(hash >> 32);
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
    Slot& slot = slots_[at];
    if (slot.count == 0) {
      slot = {keep(piece), static_cast<std::uint32_t>(piece.size()), high, count};
      if (++used_ * 2 > slots_.size()) grow();
      return;
    }
    if (slot.hash == high && slot.size == piece.size() &&
        std::memcmp(slot.text, piece.data(), piece.size()) == 0) {
      slot.count += count;
      return;
    }
  }
}

void PieceCounts::grow() {
  std::vector<Slot> bigger(slots_.size() * 2);
  const std::size_t mask = bigger.size() - 1;
  for (const Slot& slot : slots_) {
    if (slot.count == 0) continue;
    std::size_t at = hash_bytes({slot.text, slot.size}, seed_) & mask;
    while (bigger[at].count != 0) at = (at + 1) & mask;
    bigger[at] = slot;
  }
  slots_ = std::move(bigger);
}

const char* PieceCounts::keep(std::string_view piece) {
  if (piece.size() > free_size_) {
    free_size_ = std::max(kCountBlock, piece.size());
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(free_size_));
    free_ = blocks_.back().get();
  }
  char* const kept = free_;
  std::memcpy(kept, piece.data(), piece.size());
  free_ += piece.size();
  free_size_ -= piece.size();
  return kept;
}

}  // namespace bantam::tokenizer
