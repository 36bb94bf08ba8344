#include "models/stored.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "blocks/format.h"
#include "models/ternary.h"

namespace bantam::models {

void copy_rotary_rows(const std::byte* from, std::byte* to, std::int64_t rows,
                      std::int64_t row_bytes, std::int64_t heads, bool to_half) {
  // GGUF's row 2i of a head is the half layout's i, its row 2i+1 is half + i (llama.cpp,
  // convert_hf_to_gguf.py, LlamaModel.permute).
  const std::int64_t per_head = rows / heads, half = per_head / 2;
  const auto bytes = static_cast<std::size_t>(row_bytes);
  for (std::int64_t h = 0; h < heads; ++h)
    for (std::int64_t i = 0; i < per_head; ++i) {
      const std::int64_t interleaved = i < half ? 2 * i : 2 * (i - half) + 1;
      const std::int64_t a = h * per_head + interleaved, b = h * per_head + i;
      std::memcpy(to + (to_half ? b : a) * row_bytes, from + (to_half ? a : b) * row_bytes, bytes);
    }
}

Tensor transpose(const Tensor& rows) {
  const std::int64_t n = rows.dim(0), k = rows.dim(1);
  const auto size = static_cast<std::size_t>(format(rows.type()).bytes(1));
  if (format(rows.type()).block != 1) throw Error("a matrix in blocks cannot be transposed");
  Tensor out = Tensor::zeros({k, n}, rows.type());
  const std::byte* from = rows.view().data;
  std::byte* to = out.view().data;
  // Square pieces, so that both sides stay in the cache.
  constexpr std::int64_t kPiece = 64;
  for (std::int64_t i0 = 0; i0 < n; i0 += kPiece)
    for (std::int64_t j0 = 0; j0 < k; j0 += kPiece)
      for (std::int64_t i = i0; i < std::min(n, i0 + kPiece); ++i)
        for (std::int64_t j = j0; j < std::min(k, j0 + kPiece); ++j)
          std::memcpy(to + static_cast<std::size_t>(j * n + i) * size,
                      from + static_cast<std::size_t>(i * k + j) * size, size);
  return out;
}

Tensor plus(const Tensor& vector, float number) {
  const std::int64_t count = vector.shape().count();
  Tensor sum = Tensor::zeros(vector.shape());
  format(vector.type()).decode(vector.view().data, sum.f32(), count);
  for (std::int64_t i = 0; i < count; ++i) sum.f32()[i] += number;
  return sum;
}

Shape shape_in_gguf(const WeightSpec& w) {
  return w.gguf_part.whole.rank() ? w.gguf_part.whole : w.shape;
}

Shape shape_in_folder(const WeightSpec& w) {
  const Shape whole = w.hf_part.whole.rank() ? w.hf_part.whole : w.shape;
  return w.transposed ? Shape{whole[1], whole[0]} : whole;
}

namespace {

// Rows [first, first + those of `shape`) of a tensor.
Tensor part(const Tensor& whole, std::int64_t first, const Shape& shape,
            const std::shared_ptr<const void>& owner) {
  const std::int64_t row = whole.shape().count() / whole.dim(0);
  const std::byte* data = whole.view().data + format(whole.type()).bytes(first * row);
  return Tensor::borrowed(ConstView(data, whole.type(), shape), owner);
}

Tensor room(const Shape& shape, Type type, MemoryBlocks* memory) {
  if (memory == nullptr) return Tensor::zeros(shape, type);
  std::shared_ptr<std::byte> bytes = memory->take(static_cast<std::size_t>(byte_size(type, shape)));
  const View view(bytes.get(), type, shape);
  return Tensor(view, std::move(bytes));
}

Tensor copied(const Tensor& rows, MemoryBlocks* memory) {
  Tensor copy = room(rows.shape(), rows.type(), memory);
  std::memcpy(copy.view().data, rows.view().data,
              static_cast<std::size_t>(byte_size(rows.type(), rows.shape())));
  return copy;
}

}  // namespace

Type stored_type(const ModelFile& file, const WeightSpec& weight) {
  const TensorInfo& info = file.find(weight);
  return is_packed_ternary(file, weight) ? ternary_type(file, weight) : info.format->type;
}

Tensor stored_rows(const std::shared_ptr<const ModelFile>& file, const WeightSpec& weight,
                   MemoryBlocks* memory) {
  const TensorInfo& info = file->find(weight);
  if (is_packed_ternary(*file, weight)) return unpack_ternary(*file, weight);
  const bool gguf = file->gguf() != nullptr;
  const Part& where = gguf ? weight.gguf_part : weight.hf_part;
  const bool turned = !gguf && weight.transposed;
  Tensor whole = Tensor::borrowed(ConstView(info.data.data(), info.format->type, info.shape), file);
  if (whole.shape().count() == 0)
    throw Error("a tensor without numbers").in(info.file).field(info.name);
  if (turned) whole = transpose(whole);
  Tensor rows = part(whole, where.first, weight.shape, file);
  const auto address = reinterpret_cast<std::uintptr_t>(rows.view().data);
  if (gguf && weight.rotary_heads > 0) {
    Tensor half = room(weight.shape, rows.type(), memory);
    const std::int64_t count = weight.shape.rank() == 1 ? weight.shape[0] : weight.shape.rows();
    copy_rotary_rows(rows.view().data, half.view().data, count,
                     byte_size(rows.type(), weight.shape) / count, weight.rotary_heads, true);
    rows = half;
  } else if (!gguf && weight.less_one) {
    rows = plus(rows, 1);
  } else if (turned && weight.shape == whole.shape()) {
    rows = whole;
  } else if (turned || address % 4 != 0) {
    rows = copied(rows, memory);
  } else {
    return rows;
  }
  file->tensors().release(info);
  return rows;
}

}  // namespace bantam::models
