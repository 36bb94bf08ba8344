// Numbers of things for people: "1 record", "2 records".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/rooms.h"

namespace bantam::base {

// `thing` in the singular; its plural is an s more.
template <class Count>
std::string number_of(Count count, std::string_view thing) {
  return std::to_string(count) + " " + std::string(thing) + (count == 1 ? "" : "s");
}

}  // namespace bantam::base
