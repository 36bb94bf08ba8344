// Where the reference data lies that the project does not ship. Tests that need it skip without it.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace bantam::test {

// BANTAM_SHARED, or ../shared beside the checkout (two folders above this file's).
inline std::filesystem::path shared_folder() {
  if (const char* named = std::getenv("BANTAM_SHARED")) return named;
  return std::filesystem::path(__FILE__).parent_path().parent_path().parent_path().parent_path() /
         "shared";
}

}  // namespace bantam::test

#define BANTAM_NEEDS_SHARED(relative)                                         \
  if (!std::filesystem::exists(::bantam::test::shared_folder() / (relative))) \
  GTEST_SKIP() << "the reference data " << (relative) << " is not here (set BANTAM_SHARED)"
