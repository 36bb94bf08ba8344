#include "tensor/context.h"

#include <cstring>

#include "blocks/format.h"
#include "kernels/math.h"

namespace bantam::tensor {

Tensor Context::make(const Shape& shape, Type type) {
  std::byte* memory = arena.allocate(static_cast<std::size_t>(byte_size(type, shape)));
  return Tensor(View(memory, type, shape), nullptr);
}

// What a block made is given back, but for its output, which moves to where the block began.
Tensor Context::only_output(Arena::Mark begin, const Tensor& x, const Tensor& y) {
  if (y.view().data == x.view().data) return y;
  arena.release(begin);
  const Tensor kept = make(y.shape(), y.type());
  if (!arena.counting())
    std::memmove(kept.view().data, y.view().data,
                 static_cast<std::size_t>(byte_size(y.type(), y.shape())));
  return kept.with_slot(y.slot());
}

Tensor Context::block(int, const Tensor& x,
                      const std::function<Tensor(Context&, const Tensor&)>& run) {
  const Arena::Mark begin = arena.mark();
  if (tape && !tape->paused() && (!recompute || observer)) {
    const std::size_t first = tape->begin_block();
    const Tensor y = run(*this, x);
    return tape->end_block(x, first) ? y : only_output(begin, x, y);
  }
  const bool runs_again = tape && !tape->paused();
  Tensor y;
  {
    const Tape::Pause pause(tape);
    y = only_output(begin, x, run(*this, x));
  }
  if (runs_again && y.slot() >= 0 && y.view().data != x.view().data) tape->record_block(y, x, run);
  return y;
}

const float* RopeTables::get(const std::shared_ptr<const std::vector<double>>& frequencies,
                             float scale, std::int64_t positions) {
  Entry& entry = entries_[frequencies.get()];
  entry.frequencies = frequencies;
  if (entry.positions < positions) {
    const std::int64_t half = static_cast<std::int64_t>(frequencies->size());
    std::int64_t grown = entry.positions < 64 ? 64 : entry.positions;
    while (grown < positions) grown *= 2;
    entry.table.resize(static_cast<std::size_t>(grown * 2 * half));
    for (std::int64_t p = entry.positions; p < grown; ++p) {
      float* row = entry.table.data() + p * 2 * half;
      for (std::int64_t i = 0; i < half; ++i) {
        const double angle = static_cast<double>(p) * (*frequencies)[static_cast<std::size_t>(i)];
        row[i] = static_cast<float>(bantam_cos(angle)) * scale;
        row[half + i] = static_cast<float>(bantam_sin(angle)) * scale;
      }
    }
    entry.positions = grown;
  }
  return entry.table.data();
}

}  // namespace bantam::tensor
