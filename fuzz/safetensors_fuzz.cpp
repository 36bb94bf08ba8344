// Any bytes as a safetensors file: it opens, or an Error says why not; then its tensors cover its
// data.
#include <cstdint>
#include <cstdlib>
#include <span>

#include "base/error.h"
#include "files/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  try {
    const bantam::SafetensorsFile file(bytes, "input");
    std::size_t covered = 0;
    for (const bantam::TensorInfo& tensor : file.tensors()) {
      if (file.find(tensor.name) != &tensor) std::abort();
      if (tensor.data.data() != bytes.data() + tensor.offset) std::abort();
      if (tensor.data.size() > size - tensor.offset) std::abort();
      covered += tensor.data.size();
      if (!tensor.format || tensor.data.empty()) continue;
      if (tensor.format->bytes(tensor.shape.count()) !=
          static_cast<std::int64_t>(tensor.data.size()))
        std::abort();
      float value;
      tensor.format->decode(tensor.data.data(), &value, 1);
    }
    if (covered > size) std::abort();
  } catch (const bantam::Error&) {
  }
  return 0;
}
