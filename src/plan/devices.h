// Machines that people have, in round numbers: for planning without having one at hand.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/rooms.h"

namespace bantam::plan {

struct Device {
  std::string_view name;  // "pi5"
  std::string_view what;
  unsigned threads;      // that pay
  double read;           // bytes a second from memory, all threads
  double bytes_peak;     // int8 operations a second on registers
  double float_peak;     // float32 operations a second on registers
  double storage;        // bytes a second when a file is read for the first time
  std::uint64_t memory;  // that programs can have
};
std::span<const Device> devices();
// Null: there is none of this name.
const Device* find_device(std::string_view name);

}  // namespace bantam::plan
