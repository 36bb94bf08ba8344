// SHA-256 (FIPS 180-4, by OpenSSL): what tells that a file is the one that was written.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "base/rooms.h"

namespace bantam::base {

class Sha256 {
 public:
  using Digest = std::array<std::byte, 32>;
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void add(std::span<const std::byte> bytes);
  // Ends the sum; no add afterwards.
  Digest digest();
  std::string hex();

 private:
  void* state_;
};

}  // namespace bantam::base
