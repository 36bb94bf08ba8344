// Keys and values of sequences that go on: for each layer [slot][stored head][position][head_dim].
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "nn/batch.h"
#include "ops/ops.h"

namespace bantam {

struct CacheShape {
  struct Layer {
    std::int64_t kv_heads, head_dim;
  };
  std::vector<Layer> layers;
  std::int64_t slots = 1, context = 0;
  Type type = Type::f16;
  std::int64_t bytes() const;
};

class Cache {
 public:
  explicit Cache(CacheShape shape);
  const CacheShape& shape() const { return shape_; }

  // Writes the rows' keys and values [T, kv_heads*head_dim] at their slots and positions.
  void append(Context& ctx, int layer, const Batch& batch, const Tensor& k, const Tensor& v);
  KeyValues view(int layer) const;
  // The stored row of (slot, position) for attention.
  std::int64_t row(int layer, std::int64_t slot, std::int64_t position) const;
  // Copies the first `length` positions of one slot to another (a shared prompt).
  void copy(std::int64_t from, std::int64_t to, std::int64_t length);

 private:
  CacheShape shape_;
  std::vector<Tensor> k_, v_;
};

}  // namespace bantam
