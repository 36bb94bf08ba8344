// Reads a dialogue of the default recipe as a person would and works it out again: nothing of the
// generator's arithmetic or tables is used.
#pragma once

#include <string>

#include "default/corpus.h"

namespace bantam::recipe::test {

// What is wrong with the worked answer: "" if nothing. The question is read back from its text;
// every step must hold, use the right digits and carries, and lead to the answer; the answer must
// be the one that the question asks for.
std::string check(const Dialogue& d);

// The operation and the numbers that a question asks for, one text for a + b and b + a.
std::string asked(const Dialogue& d);

}  // namespace bantam::recipe::test
