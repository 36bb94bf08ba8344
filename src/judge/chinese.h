// How Taiwanese an answer in Chinese is: characters that only Simplified Chinese has, terms of the
// mainland, and tokens a character.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/rooms.h"

namespace bantam::judge {

struct ChineseCount {
  std::int64_t characters = 0;  // Chinese ones
  std::int64_t simplified = 0;  // of them, those that Traditional Chinese does not write
  std::int64_t terms = 0;       // words of the mainland, in either script, for which Taiwan has others

  ChineseCount& operator+=(const ChineseCount& other);
};

ChineseCount count_chinese(std::string_view text);

}  // namespace bantam::judge
