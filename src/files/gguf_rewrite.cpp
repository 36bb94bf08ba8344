#include "files/gguf_rewrite.h"

#include "files/gguf.h"

namespace bantam::files {

bool is_of_weights(std::string_view key) {
  return key == "bantam.golden" || key.starts_with("bantam.fidelity.");
}

void set_gguf_keys(const Path& path, const std::function<void(GgufWriter&)>& more,
                   const std::function<void()>& tick) {
  const GgufFile file(path);
  GgufWriter writer(path);
  for (const Metadata::Entry& entry : file.metadata().entries()) writer.copy(entry);
  more(writer);
  for (const TensorInfo& t : file.tensors())
    writer.add_tensor(t.name, *find_gguf_type(t.type_name), t.shape);
  writer.finish([&](std::size_t index, const PutBytes& put) {
    tick();
    put(file.tensors()[index].data);
  });
}

}  // namespace bantam::files
