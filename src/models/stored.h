// A weight's rows as a file keeps them, made canonical: what loading and converting both begin
// with.
#pragma once

#include <memory>

#include "base/rooms.h"
#include "models/loader.h"

namespace bantam::models {

// The weight with its own shape, in the file's type: its part of a fused tensor, rotary rows in the
// half layout, matrices output by input, gains whole, packed ternary numbers times their scale.
// Memory of the file where the rows lie there like that, else a copy. Throws Error when the tensor
// is missing, of another shape, or cannot be computed with. `memory`: where a copy that is kept
// goes, in place of memory of its own.
Tensor stored_rows(const std::shared_ptr<const ModelFile>& file, const WeightSpec& weight,
                   MemoryBlocks* memory = nullptr);
// The type that they have.
Type stored_type(const ModelFile& file, const WeightSpec& weight);

// The shape of the tensor that holds the weight.
Shape shape_in_gguf(const WeightSpec& weight);
Shape shape_in_folder(const WeightSpec& weight);

// Copies a weight's bytes between the worlds: with rotary heads, rows are moved between GGUF's
// interleaved and the half layout. Works on whole rows of any type.
void copy_rotary_rows(const std::byte* from, std::byte* to, std::int64_t rows,
                      std::int64_t row_bytes, std::int64_t heads, bool to_half);
// [N, K] to [K, N], of a type that is not of blocks.
Tensor transpose(const Tensor& rows);
// A vector in F32 with a number added to each element: a gain between the model (whole) and a
// folder that keeps it less one. 1 + (g - 1) is g again for every g that a sum 1 + w can give.
Tensor plus(const Tensor& vector, float number);

}  // namespace bantam::models
