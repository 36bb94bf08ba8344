// The ids of single characters: a table in two stages, of which only the blocks in use are there.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/rooms.h"

namespace bantam::tokenizer {

class CharIds {
 public:
  CharIds() : index_(0x110000 >> 7, 0), blocks_(128, -1) {}

  void set(char32_t value, std::int32_t id) {
    std::uint16_t& block = index_[value >> 7];
    if (block == 0) {
      block = static_cast<std::uint16_t>(blocks_.size() >> 7);
      blocks_.resize(blocks_.size() + 128, -1);
    }
    blocks_[std::size_t{block} << 7 | (value & 127)] = id;
  }
  // -1: none. `value` is a scalar value.
  std::int32_t operator[](char32_t value) const {
    return blocks_[std::size_t{index_[value >> 7]} << 7 | (value & 127)];
  }

 private:
  std::vector<std::uint16_t> index_;
  std::vector<std::int32_t> blocks_;
};

}  // namespace bantam::tokenizer
