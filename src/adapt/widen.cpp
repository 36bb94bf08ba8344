#include "adapt/widen.h"

#include "blocks/format.h"

namespace bantam::adapt {

std::int64_t widen_matrices(Model& model, std::int64_t most, const Exec& exec) {
  std::int64_t taken = 0;
  for (const WeightSpec& w : model.weights()) {
    if (!w.matrix || (w.matrix->type() != Type::f16 && w.matrix->type() != Type::bf16)) continue;
    const std::int64_t bytes = w.shape.count() * static_cast<std::int64_t>(sizeof(float));
    if (taken + bytes > most) continue;
    const Tensor narrow = w.rows(), wide = Tensor::zeros(w.shape);
    const std::int64_t width = w.shape[1], size = width * 2;
    exec.pool.parallel_ranges(w.shape[0], 16, [&](std::int64_t begin, std::int64_t end, unsigned) {
      format(narrow.type()).decode(narrow.view().data + begin * size, wide.f32() + begin * width,
                                   (end - begin) * width);
    });
    w.set(wide);
    taken += bytes;
  }
  return taken;
}

}  // namespace bantam::adapt
