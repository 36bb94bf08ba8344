// Decoding speed: tokens a second of one sequence on a 135M shape with random Q8_0 weights, as a
// fraction of reading the weights' bytes at the rate of a buffer of their size, measured in the
// same run in alternation. Usage: decode [threads] [rounds]
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "files/gguf_writer.h"
#include "infer/session.h"
#include "kernels/peak.h"
#include "models/loader.h"
#include "models/writer.h"

namespace bantam {

namespace {

// SmolLM2-135M (HuggingFaceTB): 106.2 M parameters multiplied per token, and a head of 28.3 M.
Config shape_135m() {
  Config c;
  c.family = "llama";
  c.layers = 30;
  c.width = 576;
  c.heads = 9;
  c.kv_heads = 3;
  c.head_dim = 64;
  c.feed_forward = 1536;
  c.vocabulary = 49152;
  c.context = 2048;
  c.tied = true;
  return c;
}

Tensor random_weight(const WeightSpec& w) {
  const bool gain = w.role == Role::gain;
  Tensor t = Tensor::zeros(w.shape, gain ? Type::f32 : Type::q8_0);
  if (gain) {
    std::fill_n(t.f32(), w.shape.count(), 1.0f);
    return t;
  }
  const Random random(1, 7);
  std::vector<float> row(static_cast<std::size_t>(w.shape.back()));
  const Format& q8 = format(Type::q8_0);
  // Few different rows do: the time does not depend on the numbers.
  for (std::int64_t r = 0; r < w.shape.rows(); ++r) {
    std::byte* to = t.view().data + r * q8.bytes(w.shape.back());
    if (r >= 16) {
      std::memcpy(to, t.view().data + r % 16 * q8.bytes(w.shape.back()),
                  static_cast<std::size_t>(q8.bytes(w.shape.back())));
      continue;
    }
    for (std::size_t i = 0; i < row.size(); ++i)
      row[i] =
          static_cast<float>(random.uniform(static_cast<std::uint64_t>(r) * row.size() + i) - 0.5) *
          0.1f;
    q8.encode(row.data(), to, w.shape.back());
  }
  return t;
}

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double median(std::vector<double> v) {
  std::nth_element(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2), v.end());
  return v[v.size() / 2];
}

}  // namespace

void run(unsigned threads, int rounds) {
  const Path path = std::filesystem::temp_directory_path() /
                    ("bantam-bench-" + std::to_string(getpid()) + ".gguf");
  struct Remove {
    const Path& path;
    ~Remove() { std::filesystem::remove(path); }
  } remove{path};
  std::int64_t bytes = 0;
  {
    const Family& family = family_by_gguf("llama", "");
    const std::unique_ptr<Model> model = family.make(shape_135m());
    GgufWriter writer(path);
    write_gguf(*model, family, writer, random_weight,
               [](const WeightSpec& w) { return w.role == Role::gain ? Type::f32 : Type::q8_0; });
    for (const WeightSpec& w : model->weights())
      if (w.role == Role::linear || w.role == Role::head) bytes += byte_size(Type::q8_0, w.shape);
  }
  SessionOptions options;
  options.threads = threads;
  options.context = 512;
  Session session(std::make_shared<ModelFile>(path), options);
  ThreadPool pool(session.threads());
  const Bytes buffer = allocate_bytes(static_cast<std::size_t>(bytes));
  std::memset(buffer.get(), 1, static_cast<std::size_t>(bytes));
  std::vector<double> speed, read;
  for (int round = 0; round < rounds; ++round) {
    const std::int32_t token = 5;
    session.trim(0, 0);
    constexpr int kTokens = 32;
    const double start = now();
    for (int i = 0; i < kTokens; ++i) {
      const Session::Part part{0, std::span(&token, 1), Session::Want::last};
      session.evaluate(std::span(&part, 1),
                       [](std::size_t, std::size_t, std::span<const float>) {});
    }
    speed.push_back(kTokens / (now() - start));
    measure_read_bandwidth(pool, buffer.get(), static_cast<std::size_t>(bytes));
    read.push_back(
        measure_read_bandwidth(pool, buffer.get(), static_cast<std::size_t>(bytes)).by_clock);
  }
  const double most = *std::max_element(speed.begin(), speed.end()),
               widest = *std::max_element(read.begin(), read.end());
  const double weights = static_cast<double>(bytes);
  fmt::print(
      "135M Q8_0, {} threads, {}: {:.1f} tokens/s (best {:.1f}); weights {:.1f} MB, read at {:.1f} "
      "GB/s (best {:.1f})\n",
      session.threads(), session.isa(), median(speed), most, weights / 1e6, median(read) / 1e9,
      widest / 1e9);
  fmt::print("decode is {:.0f} % of the read bandwidth (medians; best to best {:.0f} %)\n",
             100 * median(speed) * weights / median(read), 100 * most * weights / widest);
}

}  // namespace bantam

int main(int argc, char** argv) {
  try {
    bantam::run(argc > 1 ? static_cast<unsigned>(std::atoi(argv[1])) : 0,
                argc > 2 ? std::atoi(argv[2]) : 9);
    return 0;
  } catch (const bantam::Error& error) {
    fmt::print(stderr, "decode: {}\n", error.what());
    return 1;
  }
}
