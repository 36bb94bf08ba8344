// Any bytes as a tokenizer.json: it compiles, or an Error says why not; then it encodes and
// decodes, and what is written of it encodes the same.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/error.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/tokenizer_json.h"

namespace {

using bantam::Error;
using bantam::Tokenizer;

constexpr std::string_view kText =
    "Hello, world! 12345 don't  \t\r\n\n \xE4\xB8\xAD\xE6\x96\x87\xE3\x80\x82 e\xCC\x81 \xC3\xA9 "
    "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB \xEF\xAC\x81 \xE2\x96\x81 <s></s><unk>[CLS] "
    "\x01\xFF\xC3";

// What was read must be written as something that means the same, or be refused with an Error.
void write_and_read(const Tokenizer& tokenizer, const std::vector<std::int32_t>& ids) {
  std::string json;
  try {
    json = bantam::tokenizer_json(tokenizer);
  } catch (const Error&) {
    return;
  }
  const Tokenizer again(bantam::read_tokenizer_json(json, "written"));
  if (again.encode(kText) != ids) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const Tokenizer tokenizer(bantam::read_tokenizer_json(text, "input"));
    const std::vector<std::int32_t> ids = tokenizer.encode(kText);
    for (const std::int32_t id : ids)
      if (id < 0 || id >= tokenizer.size()) std::abort();
    tokenizer.decode(ids);
    tokenizer.decode(ids, false);
    tokenizer.encode(kText, {false, false});
    write_and_read(tokenizer, ids);
  } catch (const Error&) {
  }
  return 0;
}
