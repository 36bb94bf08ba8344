// Any bytes as a GGUF file: it opens, or an Error says why not; then everything that it offers can
// be asked for.
#include <cstdint>
#include <cstdlib>
#include <span>

#include "base/error.h"
#include "files/gguf.h"

namespace {

using bantam::Error;
using bantam::GgufFile;
using bantam::Metadata;
using bantam::TensorInfo;

// An Error is an answer; any other exception is a fault.
template <class Ask>
void answered(Ask ask) {
  try {
    ask();
  } catch (const Error&) {
  }
}

void use(const Metadata& metadata) {
  for (const Metadata::Entry& entry : metadata.entries()) {
    if (metadata.find(entry.key) != &entry) std::abort();
    Metadata::type_name(entry);
    Metadata::preview(entry);
    answered([&] { metadata.need_uint(entry.key); });
    answered([&] { metadata.need_int(entry.key); });
    answered([&] { metadata.need_float(entry.key); });
    answered([&] { metadata.need_bool(entry.key); });
    answered([&] { metadata.need_string(entry.key); });
    answered([&] { metadata.need_strings(entry.key); });
    answered([&] { metadata.need_ints(entry.key); });
    answered([&] { metadata.need_floats(entry.key); });
  }
}

void use(const GgufFile& file, std::span<const std::byte> bytes) {
  unsigned sum = 0;
  for (const TensorInfo& tensor : file.tensors()) {
    if (file.find(tensor.name) != &tensor) std::abort();
    if (tensor.data.empty() || tensor.data.data() != bytes.data() + tensor.offset) std::abort();
    sum += static_cast<unsigned>(tensor.data.front()) + static_cast<unsigned>(tensor.data.back());
    if (!tensor.format) continue;
    if (tensor.format->bytes(tensor.shape.count()) != static_cast<std::int64_t>(tensor.data.size()))
      std::abort();
    float block[bantam::kMostBlock];
    tensor.format->decode(tensor.data.data(), block, tensor.format->block);
  }
  if (sum == 0xffffffffu) std::abort();  // so that the bytes are read
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  answered([&] {
    const GgufFile file(bytes, "input");
    use(file.metadata());
    use(file, bytes);
  });
  return 0;
}
