// How often each distinct piece of a text occurs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/rooms.h"

namespace bantam::tokenizer {

// An open-addressing table whose keys lie one after the other in blocks of memory. The order of its
// entries says nothing: the hash is seeded (flat_hash.h), so that no text can be made to collide.
class alignas(64) PieceCounts {  // a worker each: no two on one cache line
 public:
  explicit PieceCounts(std::uint64_t seed) : seed_(seed), slots_(1 << 12) {}

  void add(std::string_view piece, std::int64_t count);
  std::size_t size() const { return used_; }

  // Calls body(piece, count) for those entries of which the hash falls into `part` of `parts`: the
  // same entries in all tables of one seed.
  template <class Body>
  void for_each(std::size_t part, std::size_t parts, Body&& body) const {
    for (const Slot& slot : slots_)
      if (slot.count != 0 && slot.hash % parts == part)
        body(std::string_view(slot.text, slot.size), slot.count);
  }

 private:
  struct Slot {
    const char* text = nullptr;
    std::uint32_t size = 0;
    std::uint32_t hash = 0;  // the high half; the low one says where to look first
    std::int64_t count = 0;  // 0: the slot is free
  };
  void grow();
  const char* keep(std::string_view piece);

  std::uint64_t seed_;
  std::vector<Slot> slots_;
  std::size_t used_ = 0;
  std::vector<std::unique_ptr<char[]>> blocks_;
  char* free_ = nullptr;
  std::size_t free_size_ = 0;
};

}  // namespace bantam::tokenizer
