// Which kind of file a tokenizer is in, and what the files beside it say.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "files/gguf.h"
#include "text/end_tokens.h"
#include "text/tokenizer.h"
#include "text/tokenizer_json.h"
#include "text/tokenizer_spec.h"

namespace bantam {

namespace {

std::shared_ptr<const Tokenizer> compile(TokenizerSpec spec, const std::string& file) {
  try {
    return std::make_shared<const Tokenizer>(std::move(spec));
  } catch (Error& error) {
    throw error.in(file);
  }
}

TokenizerSpec read_json_file(const Path& path) {
  const MappedFile file(path);
  const auto bytes = file.bytes();
  return read_tokenizer_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()},
                             path.string());
}

bool begins_with(const Path& path, std::string_view magic) {
  const MappedFile file(path);
  const auto bytes = file.bytes();
  return bytes.size() >= magic.size() &&
         std::string_view(reinterpret_cast<const char*>(bytes.data()), magic.size()) == magic;
}

}  // namespace

std::shared_ptr<const Tokenizer> open_tokenizer(const Path& path) {
  if (path.extension() == ".json") return compile(read_json_file(path), path.string());
  if (begins_with(path, "GGUF")) return open_tokenizer(GgufFile(path));
  throw Error("a GGUF file, a tokenizer.json, a tokenizer.model or a folder was expected")
      .in(path.string());
}

}  // namespace bantam
