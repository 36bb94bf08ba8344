// Tables (the embedding, positions) whose rows are looked up in the mapped file. A system may map
// megabytes around each row, so that a run would come to hold much of the file in memory, beside a
// head that was made of it. So rows that a pass wants are copied out of the file before it, and the
// file's pages given back.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/rooms.h"
#include "models/loader.h"
#include "nn/batch.h"

namespace bantam::models {

// The type in which a weight is stored.
using StoredType = std::function<Type(const WeightSpec& weight)>;

// Whether rows of `weight` are read by look-up alone: no product reads them where they are stored.
bool only_looked_up(const WeightSpec& weight, std::span<const WeightSpec> weights,
                    const StoredType& type, Arithmetic arithmetic);

// The most bytes that the copied rows of a table [N,K] take in a run whose sequences have `room`
// tokens in all, read in passes of `chunk`.
std::int64_t looked_up_bytes(const Shape& shape, Type type, std::int64_t room, std::int64_t chunk);

class LookedUp {
 public:
  // Puts tables of copied rows in place of those of `weights`, a loaded model's, that lie in the
  // file. Who changes such a weight himself afterwards may do so.
  LookedUp(std::shared_ptr<const ModelFile> file, std::span<const WeightSpec> weights,
           Arithmetic arithmetic, std::int64_t room, std::int64_t chunk);
  ~LookedUp();
  LookedUp(const LookedUp&) = delete;
  LookedUp& operator=(const LookedUp&) = delete;
  // Before a pass: the rows of its tokens and positions are there.
  void fetch(const Batch& batch);

 private:
  struct Table;
  std::shared_ptr<const ModelFile> file_;
  std::vector<std::unique_ptr<Table>> tables_;
};

}  // namespace bantam::models
