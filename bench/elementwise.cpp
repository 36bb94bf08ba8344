// How fast the element-wise kernels are on one thread: row kernels in bytes touched per second,
// against memcpy of the same working set; attention in operations per second, against multiply-adds
// on registers. Both sides are measured in alternation; by processor time, so that neighbours who
// take turns on the core do not count. Usage: elementwise [instruction set] [part of a name]
#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "base/random.h"
#include "blocks/half.h"
#include "kernels/peak.h"

using namespace bantam;

namespace {

double processor_seconds() {
  timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}
double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

// Seconds of one call, from as many as take about 3 ms.
double time_of(const std::function<void()>& work) {
  int calls = 0;
  const double start = processor_seconds();
  double end = start;
  while (end - start < 0.003) {
    work();
    ++calls;
    end = processor_seconds();
  }
  return (end - start) / calls;
}

struct Bench {
  Isa isa;
  Kernels k;
  ThreadPool pool{1};
  std::string only;

  bool wanted(const std::string& what) const {
    return only.empty() || what.find(only) != std::string::npos;
  }
  void bytes(const std::string& what, double count, const std::function<void()>& work) {
    if (!wanted(what)) return;
    std::vector<std::byte> from(static_cast<std::size_t>(count / 2)), to(from.size());
    std::vector<double> ours, copies;
    work();
    for (int round = 0; round < 9; ++round) {
      ours.push_back(count / time_of(work));
      copies.push_back(count / time_of([&] { std::memcpy(to.data(), from.data(), from.size()); }));
    }
    print(what, median(ours), "GB/s", median(copies), "memcpy");
  }
  void operations(const std::string& what, double count, const std::function<void()>& work) {
    if (!wanted(what)) return;
    std::vector<double> ours, peaks;
    work();
    for (int round = 0; round < 9; ++round) {
      ours.push_back(count / time_of(work));
      peaks.push_back(measure_peak(pool, isa, Unit::fma, 0.002).by_processor);
    }
    print(what, median(ours), "Gflop/s", median(peaks), "FMA peak");
  }
  static void print(const std::string& what, double ours, const char* unit, double limit,
                    const char* of) {
    std::printf("%-56s %7.1f %-7s %5.1f %% of %s %.0f\n", what.c_str(), ours / 1e9, unit,
                100 * ours / limit, of, limit / 1e9);
    std::fflush(stdout);
  }
};

// [rows, columns] between -1 and 1.
struct Numbers {
  std::vector<std::byte> memory;
  View view;
  Numbers(Type type, std::int64_t rows, std::int64_t columns, std::uint64_t seed = 1) {
    const std::int64_t size = type == Type::f32 ? 4 : 2;
    memory.resize(static_cast<std::size_t>(rows * columns * size));
    const Random random(seed, 1);
    for (std::int64_t i = 0; i < rows * columns; ++i) {
      const auto value = static_cast<float>(2 * random.uniform(static_cast<std::uint64_t>(i)) - 1);
      const std::uint16_t half = type == Type::f16 ? float_to_half(value) : float_to_bf16(value);
      std::memcpy(memory.data() + i * size, size == 4 ? static_cast<const void*>(&value) : &half,
                  static_cast<std::size_t>(size));
    }
    view = View(memory.data(), type, Shape({rows, columns}));
  }
  float* floats() { return reinterpret_cast<float*>(memory.data()); }
};

void rows_of(Bench& b, Type type, std::int64_t rows, std::int64_t width) {
  const std::string shape = std::string(type == Type::f32 ? " f32 " : " bf16 ") +
                            std::to_string(rows) + "x" + std::to_string(width);
  const double one = static_cast<double>(rows * width * (type == Type::f32 ? 4 : 2));
  Numbers x(type, rows, width), y(type, rows, width, 2), z(type, rows, width, 3);
  Numbers u(type, rows, width, 4), w(type, rows, width, 5);
  Numbers gain(Type::f32, 1, width), inv(Type::f32, 1, rows), dgain(Type::f32, 1, width);
  const RmsNormArgs norm{x.view, gain.floats(), 1e-5f, y.view, inv.floats()};
  b.bytes("rms_norm" + shape, 2 * one, [&] { b.k.rms_norm(norm, 0, rows); });
  const RmsNormBackArgs back{y.view, x.view, gain.floats(), inv.floats(), {z.view, false}};
  b.bytes("rms_norm_back" + shape, 3 * one, [&] { b.k.rms_norm_back(back, 0, rows); });
  const RmsNormGainBackArgs gains{y.view, x.view, inv.floats(), dgain.floats()};
  b.bytes("rms_norm_gain_back" + shape, 2 * one, [&] { b.k.rms_norm_gain_back(gains, 0, width); });
  const GluArgs glu{Activation::silu, x.view, y.view, z.view};
  b.bytes("glu silu" + shape, 3 * one, [&] { b.k.glu(glu, 0, rows); });
  const GluBackArgs glu_back{Activation::silu, x.view,          y.view,
                             z.view,           {u.view, false}, {w.view, false}};
  b.bytes("glu_back silu" + shape, 5 * one, [&] { b.k.glu_back(glu_back, 0, rows); });
  const GluArgs gelu{Activation::gelu_erf, x.view, View(), z.view};
  b.bytes("gelu_erf" + shape, 2 * one, [&] { b.k.glu(gelu, 0, rows); });
  const AddArgs add{x.view, y.view, z.view};
  b.bytes("add" + shape, 3 * one, [&] { b.k.add(add, 0, rows); });
  std::vector<std::int32_t> positions(static_cast<std::size_t>(rows));
  for (std::size_t i = 0; i < positions.size(); ++i) positions[i] = static_cast<std::int32_t>(i);
  Numbers table(Type::f32, rows, 64);
  const RopeArgs rope{x.view, {z.view, false}, positions.data(), table.floats(), width / 64, 64, 32,
                      false};
  b.bytes("rope, heads of 64," + shape, 2 * one, [&] { b.k.rope(rope, 0, rows); });
}

void losses(Bench& b, std::int64_t rows, std::int64_t width) {
  Numbers logits(Type::f32, rows, width), gradient(Type::bf16, rows, width);
  std::vector<std::int32_t> targets(static_cast<std::size_t>(rows), 3);
  std::vector<float> weights(targets.size(), 1), out(targets.size());
  const CrossEntropyArgs args{logits.view, targets.data(), weights.data(), out.data(),
                              gradient.view};
  const std::string shape = " " + std::to_string(rows) + "x" + std::to_string(width);
  b.bytes("cross_entropy into bf16" + shape, 6.0 * static_cast<double>(rows * width),
          [&] { b.k.cross_entropy(args, 0, rows); });
  const CrossEntropyArgs only{logits.view, targets.data(), weights.data(), out.data(), View()};
  b.bytes("cross_entropy, losses only" + shape, 4.0 * static_cast<double>(rows * width),
          [&] { b.k.cross_entropy(only, 0, rows); });
}

void flat(Bench& b, std::int64_t count) {
  Numbers p(Type::f32, 1, count), g(Type::f32, 1, count), m(Type::f32, 1, count),
      v(Type::f32, 1, count);
  for (std::int64_t i = 0; i < count; ++i) v.floats()[i] = std::abs(v.floats()[i]);
  const AdamArgs adam{p.floats(), g.floats(), m.floats(), v.floats(), 1,     1e-4f,
                      1e-4f,      1,          0.9f,       0.95f,      1e-8f, 0.1f};
  b.bytes("adam " + std::to_string(count), 28.0 * static_cast<double>(count),
          [&] { b.k.adam(adam, 0, count); });
  std::vector<float> sums(static_cast<std::size_t>(count / 4096 + 1));
  const SquareSumArgs squares{g.floats(), count, sums.data()};
  b.bytes("square_sum " + std::to_string(count), 4.0 * static_cast<double>(count),
          [&] { b.k.square_sum(squares, 0, (count + 4095) / 4096); });
}

struct Sequences {
  const char* name;
  std::int32_t rows, document;  // document 0: one row over `stored` keys
  std::int64_t stored, heads, kv_heads, width;
  Type activation, kv;
};

void attention(Bench& b, const Sequences& s) {
  const auto [name, rows, document, stored, heads, kv_heads, width, activation, kv] = s;
  Numbers q(activation, rows, heads * width), out(activation, rows, heads * width);
  Numbers k(kv, stored, kv_heads * width, 2), v(kv, stored, kv_heads * width, 3);
  std::vector<float> lse(static_cast<std::size_t>(rows * heads));
  std::vector<std::int32_t> first, count, start;
  double operations = 0;
  for (std::int32_t t = 0; t < rows; ++t) {
    const std::int32_t begin = document == 0 ? 0 : t / document * document;
    if (t == begin) start.push_back(t);
    first.push_back(begin);
    count.push_back(document == 0 ? static_cast<std::int32_t>(stored) : t - begin + 1);
    operations += 4.0 * static_cast<double>(count.back() * heads * width);
  }
  start.push_back(rows);
  std::vector<float> scratch(static_cast<std::size_t>(
      attention_scratch(document == 0 ? stored : document, document, width)));
  const float scale = 1 / std::sqrt(static_cast<float>(width));
  const AttentionArgs args{q.view,
                           {k.view.data, v.view.data, kv, kv_heads * width, width},
                           first.data(),
                           count.data(),
                           heads,
                           kv_heads,
                           width,
                           scale,
                           0,
                           out.view,
                           lse.data()};
  const std::string text = std::string(name) + ", heads " + std::to_string(heads) + "/" +
                           std::to_string(kv_heads) + " of " + std::to_string(width) + ", " +
                           std::to_string(document == 0 ? stored : document) + " keys";
  const auto forward = [&] { b.k.attention(args, 0, rows * kv_heads, scratch.data()); };
  if (document == 0) {
    const double read =
        static_cast<double>(2 * stored * kv_heads * width * (kv == Type::f32 ? 4 : 2));
    return b.bytes(text, read, forward);
  }
  b.operations(text, operations, forward);
  if (activation != kv) return;
  Numbers dq(activation, rows, heads * width), dk(kv, stored, kv_heads * width), dv = dk;
  dv.view.data = dv.memory.data();
  const AttentionBackArgs back{
      q.view,          k.view,       v.view, out.view,         out.view,
      lse.data(),      start.data(), heads,  kv_heads,         width,
      1 << 30,         scale,        0,      {dq.view, false}, {dk.view, false},
      {dv.view, false}};
  b.operations(text + ", back", 2.5 * operations, [&] {
    for (std::int64_t task = 0; task < (rows + document - 1) / document * kv_heads; ++task)
      b.k.attention_back(back, task, scratch.data());
  });
}

}  // namespace

int main(int argc, char** argv) {
  Bench b{best_isa(), {}, ThreadPool(1), argc > 2 ? argv[2] : ""};
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::neon})
    if (argc > 1 && std::strcmp(argv[1], isa_name(isa)) == 0 && isa_available(isa)) b.isa = isa;
  b.k = kernels_for(b.isa);
  std::printf("one thread, %s\n", isa_name(b.isa));
  for (const std::int64_t width : {128, 256, 768})
    for (const Type type : {Type::bf16, Type::f32}) rows_of(b, type, 256, width);
  for (const std::int64_t width : {512, 4096, 50304})
    losses(b, std::max<std::int64_t>(4, 65536 / width), width);
  flat(b, 100000);
  flat(b, 8000000);
  for (const Sequences& s :
       {Sequences{"training, short documents", 2000, 40, 2000, 4, 4, 32, Type::bf16, Type::bf16},
        Sequences{"training", 2048, 256, 2048, 4, 4, 32, Type::bf16, Type::bf16},
        Sequences{"training", 2048, 1024, 2048, 4, 4, 64, Type::bf16, Type::bf16},
        Sequences{"training", 512, 512, 512, 4, 4, 64, Type::f32, Type::f32},
        Sequences{"prefill", 512, 512, 512, 9, 3, 64, Type::f32, Type::f16},
        Sequences{"prefill", 2048, 2048, 2048, 9, 3, 64, Type::f32, Type::f16},
        Sequences{"prefill", 512, 512, 512, 4, 1, 256, Type::f32, Type::f16},
        Sequences{"decode f16", 1, 0, 512, 9, 3, 64, Type::f32, Type::f16},
        Sequences{"decode f16", 1, 0, 4096, 9, 3, 64, Type::f32, Type::f16},
        Sequences{"decode bf16", 1, 0, 4096, 4, 4, 64, Type::f32, Type::bf16},
        Sequences{"decode f32", 1, 0, 4096, 4, 4, 64, Type::f32, Type::f32}})
    attention(b, s);
  return 0;
}
