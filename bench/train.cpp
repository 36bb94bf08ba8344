// Training speed: tokens a second of whole steps (AdamW, clipping), beside PyTorch's best (float32
// or bf16 autocast) where it is installed, and the register-only peak of the arithmetic in use: all
// in one run, in alternation. Usage: train [0.86M|8.4M|124M|all] [rounds] [threads]
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/machine.h"
#include "base/random.h"
#include "kernels/peak.h"
#include "models/model.h"
#include "train/trainer.h"

namespace bantam {

namespace {

struct BenchShape {
  const char* name;
  std::int64_t layers, width, heads, feed_forward, vocabulary, rows, context;
  bool tied;
};
constexpr BenchShape kShapes[] = {
    {"0.86M", 4, 128, 4, 344, 512, 8, 256, true},
    {"8.4M", 8, 256, 4, 688, 4096, 8, 256, false},
    {"124M", 12, 768, 12, 2048, 50304, 4, 256, true},
};

TrainSettings settings_of(const BenchShape& s, Arithmetic arithmetic) {
  TrainSettings t;
  t.model.family = "llama";
  t.model.layers = s.layers;
  t.model.width = s.width;
  t.model.heads = t.model.kv_heads = s.heads;
  t.model.head_dim = s.width / s.heads;
  t.model.feed_forward = s.feed_forward;
  t.model.vocabulary = s.vocabulary;
  t.model.context = s.context;
  t.model.tied = s.tied;
  t.steps = 1000;
  t.rows = s.rows;
  t.context = s.context;
  t.arithmetic = arithmetic;
  t.validation = 0;
  t.optimiser.muon = false;  // the peer's step is AdamW too
  return t;
}

TokenStore random_text(const BenchShape& s) {
  TokenStore store;
  const Random random(1, 1);
  std::uint64_t index = 0;
  for (int d = 0; d < 64; ++d) {
    std::vector<std::int32_t> tokens;
    for (std::int64_t i = 0; i <= s.context; ++i)
      tokens.push_back(static_cast<std::int32_t>(
          random.below(index++, static_cast<std::uint64_t>(s.vocabulary))));
    store.add(tokens, std::vector<float>(tokens.size(), 1.0f));
  }
  return store;
}

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// bench/train_torch.py in a process of its own, asked for one step at a time.
class Peer {
 public:
  Peer(const BenchShape& s, unsigned threads) {
    int to[2], from[2];
    if (pipe(to) != 0 || pipe(from) != 0) return;
    child_ = fork();
    if (child_ == 0) {
      dup2(to[0], 0);
      dup2(from[1], 1);
      for (const int d : {to[0], to[1], from[0], from[1]}) close(d);
      // What a fair comparison sets: a good BLAS, and an allocator that keeps its memory.
      setenv("LD_PRELOAD", "libopenblas.so.0", 1);
      setenv("MALLOC_TRIM_THRESHOLD_", "4294967296", 1);
      setenv("MALLOC_MMAP_THRESHOLD_", "4294967296", 1);
      setenv("OMP_NUM_THREADS", std::to_string(threads).c_str(), 1);
      unsetenv("OPENBLAS_CORETYPE");
      unsetenv("OPENBLAS_L2_SIZE");
      if (freopen("/dev/null", "w", stderr))
        execl("/usr/bin/python3", "python3", BANTAM_SOURCE "/bench/train_torch.py", nullptr);
      _exit(127);
    }
    close(to[0]);
    close(from[1]);
    out_ = fdopen(to[1], "w");
    in_ = fdopen(from[0], "r");
    ask(fmt::format("{} {} {} {} {} {} {} {}", s.layers, s.width, s.heads, s.feed_forward,
                    s.vocabulary, s.rows, s.context, s.tied ? 1 : 0));
    there_ = answer() == "ready";
  }
  ~Peer() {
    if (out_) fclose(out_);
    if (in_) fclose(in_);
    if (child_ > 0) waitpid(child_, nullptr, 0);
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  bool there() const { return there_; }
  double step(const char* arithmetic) {
    ask(arithmetic);
    const std::string text = answer();
    return text.empty() ? 1e30 : std::atof(text.c_str());
  }

 private:
  void ask(const std::string& line) {
    std::fprintf(out_, "%s\n", line.c_str());
    std::fflush(out_);
  }
  std::string answer() {
    char line[128];
    if (!std::fgets(line, sizeof line, in_)) return "";
    std::string text = line;
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
  }
  pid_t child_ = -1;
  std::FILE *out_ = nullptr, *in_ = nullptr;
  bool there_ = false;
};

struct Times {
  std::vector<double> all;
  double median() const {
    std::vector<double> v = all;
    std::sort(v.begin(), v.end());
    return v[v.size() / 2];
  }
  double best() const { return *std::min_element(all.begin(), all.end()); }
};

void compare(const BenchShape& shape, int rounds, ThreadPool& pool, Isa isa) {
  const Kernels kernels = kernels_for(isa);
  const TokenStore store = random_text(shape);
  const Family& family = family_by_gguf("llama", "");
  Trainer f32(family, settings_of(shape, Arithmetic::f32), store, pool, kernels);
  Trainer bf16(family, settings_of(shape, Arithmetic::bf16), store, pool, kernels);
  Peer peer(shape, pool.size());
  const Unit unit = isa == Isa::amx ? Unit::tile_bf16 : Unit::fma;
  Times ours_f32, ours_bf16, torch_f32, torch_bf16;
  std::vector<double> peaks;
  for (int round = -1; round < rounds; ++round) {  // the first one is not counted
    const auto time = [&](Times& times, auto&& step) {
      const double seconds = step();
      if (round >= 0) times.all.push_back(seconds);
    };
    const auto whole_step = [](Trainer& t) {
      const double start = now();
      t.step();
      return now() - start;
    };
    time(ours_bf16, [&] { return whole_step(bf16); });
    time(ours_f32, [&] { return whole_step(f32); });
    if (peer.there()) {
      time(torch_f32, [&] { return peer.step("f32"); });
      time(torch_bf16, [&] { return peer.step("bf16"); });
    }
    peaks.push_back(measure_peak(pool, isa, unit, 0.02).by_clock);
  }
  const double tokens = static_cast<double>(shape.rows * shape.context);
  const double peak = *std::max_element(peaks.begin(), peaks.end());
  // A multiply and an add for each weight and token, forward and twice backward; an embedding that
  // is not the head multiplies nothing.
  const double flops = 6.0 *
                       static_cast<double>(bf16.plan().parameters -
                                           (shape.tied ? 0 : shape.vocabulary * shape.width)) *
                       tokens;
  const auto line = [&](const char* who, const Times& t) {
    fmt::print("  {:<14} {:>8.0f} tokens/s (best {:.0f}), {:>4.1f} % of the peak\n", who,
               tokens / t.median(), tokens / t.best(), 100 * flops / t.median() / peak);
  };
  fmt::print("{}: {} x {} tokens a step, {} threads, {}; peak of {} {:.2f} Tflop/s\n", shape.name,
             shape.rows, shape.context, pool.size(), kernels.name,
             isa == Isa::amx ? "bf16 tiles" : "FMA", peak / 1e12);
  line("bantam bf16", ours_bf16);
  line("bantam f32", ours_f32);
  if (!peer.there()) {
    fmt::print("  PyTorch is not installed (scripts/setup --torch)\n");
    return;
  }
  line("PyTorch f32", torch_f32);
  line("PyTorch bf16", torch_bf16);
  const double theirs = std::min(torch_f32.median(), torch_bf16.median());
  fmt::print("  bantam's default (bf16) is {:.2f} times PyTorch's best; f32 to f32 {:.2f} times\n",
             theirs / ours_bf16.median(), torch_f32.median() / ours_f32.median());
}

}  // namespace

int run(int argc, char** argv) {
  const std::string only = argc > 1 ? argv[1] : "all";
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 7;
  ThreadPool pool(argc > 3 ? static_cast<unsigned>(std::atoi(argv[3])) : default_threads());
  for (const BenchShape& shape : kShapes)
    if (only == "all" || only == shape.name) compare(shape, rounds, pool, best_isa());
  return 0;
}

}  // namespace bantam

int main(int argc, char** argv) {
  try {
    return bantam::run(argc, argv);
  } catch (const bantam::Error& error) {
    fmt::print(stderr, "train: {}\n", error.what());
    return 1;
  }
}
