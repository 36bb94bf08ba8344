// The adapters that a request asks for by their numbers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "serve/fields.h"

namespace bantam::serve {

struct AskedAdapter {
  std::int64_t id = 0;
  double scale = 1;
  std::string field;  // where it stands, for refusals: "lora[0]"
};

// "lora" of a body, as llama.cpp's server has it (tools/server/README.md): [{"id": 0, "scale": 1.0}];
// those that are not in it are off. Empty: nothing is said. Throws Refusal (400) that names the field.
std::vector<AskedAdapter> parse_adapters(const Fields& body);

}  // namespace bantam::serve
