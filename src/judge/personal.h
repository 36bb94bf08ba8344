// Personal data in a text: addresses of e-mail, telephone numbers, cards, accounts, Taiwan's identity
// numbers. What can be checked is: a number whose check digit is wrong is none.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/rooms.h"

namespace bantam::judge {

struct Personal {
  std::string_view kind;  // "e-mail", "telephone", "card", "account", "identity number"
  std::size_t at, size;   // bytes
};

// In the order of the text; none within another.
std::vector<Personal> personal_data(std::string_view text);

}  // namespace bantam::judge
