// Files that gzip has packed.
#include <zlib.h>

#include <memory>

#include "base/error.h"
#include "judge/records.h"

namespace bantam::judge {

std::string read_unpacked(const Path& path) {
  constexpr std::size_t kMost = std::size_t{1} << 30;
  std::string packed = read_file(path);
  if (path.extension() != ".gz") return packed;
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) throw std::bad_alloc();
  const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, inflateEnd);
  stream.next_in = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string out;
  std::string part(1 << 16, '\0');
  for (;;) {
    stream.next_out = reinterpret_cast<Bytef*>(part.data());
    stream.avail_out = static_cast<uInt>(part.size());
    const int state = inflate(&stream, Z_NO_FLUSH);
    if (state != Z_OK && state != Z_STREAM_END)
      throw Error("cannot be unpacked: damaged or cut")
          .in(path.string())
          .at(packed.size() - stream.avail_in);
    out.append(part, 0, part.size() - stream.avail_out);
    if (out.size() > kMost) throw Error("unpacks to more than 1 GiB").in(path.string());
    if (state == Z_STREAM_END) {
      if (stream.avail_in == 0) return out;
      if (inflateReset(&stream) != Z_OK)  // several members, one after the other
        throw Error("cannot be unpacked").in(path.string());
    } else if (stream.avail_in == 0 && stream.avail_out != 0) {
      throw Error("is cut: its end is missing").in(path.string()).at(packed.size());
    }
  }
}

}  // namespace bantam::judge
