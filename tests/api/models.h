// Models for the tests of the library, and what the rooms inside say of them: apart, as the public
// headers and those of the rooms use the same names.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace api_test {

// A folder that goes when the process ends, with plain.gguf (float32, without a chat template),
// chat.gguf (Q8_0, with one) and folder (F16, with one).
const std::string& folder();

// What the rooms make of it, without the library. temperature 0 when `seed` is negative.
std::string text_after(const std::string& file, const std::vector<std::int32_t>& prompt, int tokens,
                       std::int64_t seed);
std::vector<float> all_logits(const std::string& file, const std::vector<std::int32_t>& tokens);

}  // namespace api_test
