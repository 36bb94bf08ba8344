// What a token costs a model: the parameters it is multiplied with, and the bytes that are read for
// it. The limits of the machine divided by these are the limits of the model's speed.
#pragma once

#include <cstdint>
#include <functional>

#include "base/rooms.h"
#include "kernels/peak.h"
#include "models/loader.h"
#include "nn/cache.h"
#include "tensor/context.h"

namespace bantam::plan {

struct TokenWork {
  std::int64_t body = 0;  // parameters of linear layers, which every token is multiplied with
  std::int64_t head = 0;  // parameters of the output head, for the last token of a prompt only
  std::int64_t weight_bytes = 0;  // read for a token of an answer, as the arithmetic keeps them

  // Operations (a multiply-add is two) of a prompt of so many tokens.
  double prompt_operations(std::int64_t tokens) const;
};
// Of a file that has all the model's weights (throws Error where one is missing).
TokenWork token_work(const ModelFile& file, Arithmetic arithmetic);

// Bytes in memory of a weight that is stored as `type` (not of an embedding's, which stays in the
// file).
std::int64_t held_bytes(const WeightSpec& weight, Type type, Arithmetic arithmetic);
// The same work for a model that is not there.
TokenWork token_work(const Config& config, Arithmetic arithmetic,
                     const std::function<Type(const WeightSpec&)>& type);

// Bytes of keys and values that a token reads which stands after `depth` others.
std::int64_t cache_bytes_read(const CacheShape& shape, std::int64_t depth);

// The instruction that bounds the products of `arithmetic` on `isa`.
Unit unit_of(Arithmetic arithmetic, Isa isa);

}  // namespace bantam::plan
