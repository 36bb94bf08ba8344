// Folders of BitNet models whose linear weights are packed: -1, 0 or 1, four to a byte, with one
// scale for the tensor under NAME_scale. Byte row r holds the output rows r, r + N/4, r + N/2 and
// r + 3N/4 in its bits 0-1, 2-3, 4-5 and 6-7, each as value + 1 (transformers,
// src/transformers/integrations/bitnet.py, unpack_weights).
#pragma once

#include "base/rooms.h"
#include "models/loader.h"

namespace bantam::models {

bool is_packed_ternary(const ModelFile& file, const WeightSpec& weight);
// The narrowest type that holds the scale, and so all numbers, exactly.
Type ternary_type(const ModelFile& file, const WeightSpec& weight);
// Throws Error when the tensors do not fit each other or a number is none of the three.
Tensor unpack_ternary(const ModelFile& file, const WeightSpec& weight);

}  // namespace bantam::models
