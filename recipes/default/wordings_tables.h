// The table of each language, for wordings().
#pragma once

#include "wordings.h"

namespace bantam::recipe {

std::span<const Wording> english_wordings();
std::span<const Wording> chinese_wordings();

}  // namespace bantam::recipe
