// Keys and values of sequences that go on: for each layer [slot][stored head][position][head_dim].
// A layer with a window keeps the positions that the window can still reach, not the others. Every
// head has the address space of all its positions, and memory for those that it holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/lazy_memory.h"
#include "nn/batch.h"
#include "ops/ops.h"

namespace bantam::nn {

struct CacheShape {
  struct Layer {
    std::int64_t kv_heads, head_dim;
    std::int64_t window = 0;  // 0: every position is seen
  };
  std::vector<Layer> layers;
  std::int64_t slots = 1, context = 0;
  std::int64_t chunk = 512;  // rows that one pass may add to a slot
  Type type = Type::f16;
  // Positions of a slot that the layer has room for.
  std::int64_t room(const Layer& layer) const;
  std::int64_t bytes() const;
};

class Cache {
 public:
  explicit Cache(CacheShape shape);
  const CacheShape& shape() const { return shape_; }

  // Makes room for the rows of a pass, before anything is asked of it: windows move on. Throws
  // Error when a row's position cannot follow what its slot holds.
  void make_room(const Batch& batch);
  // Writes the rows' keys and values [T, kv_heads*head_dim] at their slots and positions.
  void append(Context& ctx, int layer, const Batch& batch, const Tensor& k, const Tensor& v);
  KeyValues view(int layer) const;
  // The stored row of (slot, position) for attention.
  std::int64_t row(int layer, std::int64_t slot, std::int64_t position) const;
  // Whether a sequence can go on after the first `length` positions: the windows still reach back
  // from there.
  bool holds(std::int64_t slot, std::int64_t length) const;
  void forget(std::int64_t slot);
  // A slot will hold so many positions before long, those of a long prompt: where that is half of its room or
  // more, its memory comes in huge pages. An answer after 7,600 positions is 10 to 25 % faster so.
  void expect(std::int64_t slot, std::int64_t length);
  // Gives the memory of a slot's positions from `length` on back to the system.
  void shrink(std::int64_t slot, std::int64_t length);
  // Copies the first `length` positions of one slot, which it must hold, to another (a shared
  // prompt).
  void copy(std::int64_t from, std::int64_t to, std::int64_t length);

  // The first position that each layer keeps of a slot: where a saved one begins.
  std::vector<std::int64_t> starts(std::int64_t slot) const;
  // Throws Error when they cannot be those of a slot of `length` positions.
  void set_starts(std::int64_t slot, std::span<const std::int64_t> starts, std::int64_t length);
  // All bytes that are kept of the first `length` positions of a slot, piece by piece, in a fixed
  // order.
  void visit(std::int64_t slot, std::int64_t length,
             const std::function<void(std::size_t layer, std::span<std::byte> bytes)>& see);

 private:
  std::int64_t& start(std::size_t layer, std::int64_t slot) {
    return starts_[layer * static_cast<std::size_t>(shape_.slots) + static_cast<std::size_t>(slot)];
  }
  std::int64_t start(std::size_t layer, std::int64_t slot) const {
    return const_cast<Cache*>(this)->start(layer, slot);
  }
  void in_huge_pages(std::int64_t slot, bool huge);
  void move_window(std::size_t layer, std::int64_t slot, std::int64_t to, std::int64_t end);

  // The first byte of a head.
  std::byte* head(const LazyMemory& memory, std::size_t layer, std::int64_t slot,
                  std::int64_t head) const;
  std::int64_t head_bytes(std::size_t layer) const;  // of all its positions
  std::int64_t row_bytes(std::size_t layer) const;   // of one

  CacheShape shape_;
  std::vector<LazyMemory> k_, v_;  // by layer
  std::vector<std::int64_t> starts_;  // [layer][slot]
  std::vector<bool> huge_;            // slots whose memory may come in huge pages
};

}  // namespace bantam::nn
