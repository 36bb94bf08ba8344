// The rows of the table in formats.cpp: each is defined in the file of its type.
#pragma once

#include "blocks/format.h"

namespace bantam {

extern const Format kF32Format;
extern const Format kF16Format;
extern const Format kBf16Format;
extern const Format kQ8_0Format;
extern const Format kI32Format;
extern const Format kQ4_0Format;
extern const Format kQ4_1Format;
extern const Format kQ6_KFormat;

}  // namespace bantam
