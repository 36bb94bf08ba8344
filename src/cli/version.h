// The version of the program.
#pragma once

#include "bantam/version.h"

namespace bantam::cli {

inline constexpr char kVersion[] = BANTAM_VERSION;

}  // namespace bantam::cli
