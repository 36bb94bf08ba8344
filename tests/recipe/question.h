// What a question of the default recipe asks for, read back from its text.
#pragma once

#include <string>
#include <vector>

#include "default/corpus.h"

namespace bantam::recipe::test {

struct Asked {
  std::string operation;  // "+", "-", "×", "larger", "smaller", "units", "after", "before", "date",
                          // "×+", "×-", "-×"
  std::vector<int> numbers;  // as the operation takes them
  std::string answer;        // what is right
};

// Throws std::runtime_error for a question that makes no sense.
Asked read_question(const Dialogue& d);

}  // namespace bantam::recipe::test
