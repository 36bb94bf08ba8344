// The version of the program; CHANGELOG.md says what is in it.
#pragma once

namespace bantam::cli {

inline constexpr char kVersion[] = "0.1.0";

}  // namespace bantam::cli
