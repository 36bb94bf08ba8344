// The rows of the table in formats.cpp: each is defined in the file of its type.
#pragma once

#include "base/rooms.h"
#include "blocks/format.h"

namespace bantam::blocks {

extern const Format kF32Format;
extern const Format kF16Format;
extern const Format kBf16Format;
extern const Format kQ8_0Format;
extern const Format kI32Format;
extern const Format kQ4_0Format;
extern const Format kQ4_1Format;
extern const Format kQ5_0Format;
extern const Format kQ5_1Format;
extern const Format kQ2_KFormat;
extern const Format kQ3_KFormat;
extern const Format kQ4_KFormat;
extern const Format kQ5_KFormat;
extern const Format kIq4NLFormat;
extern const Format kIq4XSFormat;
extern const Format kTq1_0Format;
extern const Format kTq2_0Format;
extern const Format kMxfp4Format;
extern const Format kIq2XXSFormat;
extern const Format kIq2XSFormat;
extern const Format kIq2SFormat;
extern const Format kIq3XXSFormat;
extern const Format kIq3SFormat;
extern const Format kIq1SFormat;
extern const Format kIq1MFormat;
extern const Format kQ6_KFormat;

}  // namespace bantam::blocks
