// How fast the products are, against what the machine does on registers alone and against reading
// memory, both measured in the same run in alternation. Usage: gemm [threads] [name of a part]
#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "base/machine.h"
#include "base/random.h"
#include "base/thread_pool.h"
#include "blocks/format.h"
#include "blocks/half.h"
#include "kernels/gemm/gemm.h"
#include "kernels/peak.h"

using namespace bantam;

namespace {

double clock_seconds(clockid_t clock) {
  timespec t;
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}
double best(const std::vector<double>& values) {
  return *std::max_element(values.begin(), values.end());
}

struct Bench {
  ThreadPool pool;
  std::vector<Scratch> scratch;
  Isa isa;
  Kernels kernels;
  Exec exec;

  explicit Bench(unsigned threads)
      : pool(threads),
        scratch(threads + 1),
        isa(best_isa()),
        kernels(kernels_for(isa)),
        exec{pool, kernels, scratch} {}
};

struct Buffer {
  Bytes memory;
  std::size_t size;
  explicit Buffer(std::size_t bytes) : memory(allocate_bytes(bytes)), size(bytes) {}
  View view(Type type, std::int64_t rows, std::int64_t columns) {
    return View(memory.get(), type, Shape({rows, columns}));
  }
};

// [rows, columns] of f32, f16 or bf16 between -1 and 1.
Buffer numbers(Type type, std::int64_t rows, std::int64_t columns) {
  const std::int64_t count = rows * columns, size = type == Type::f32 ? 4 : 2;
  Buffer buffer(static_cast<std::size_t>(count * size));
  const Random random(1, static_cast<std::uint64_t>(count));
  for (std::int64_t i = 0; i < count; ++i) {
    const auto value = static_cast<float>(2 * random.uniform(static_cast<std::uint64_t>(i)) - 1);
    const std::uint16_t half = type == Type::f16 ? float_to_half(value) : float_to_bf16(value);
    std::memcpy(buffer.memory.get() + i * size,
                size == 4 ? static_cast<const void*>(&value) : &half,
                static_cast<std::size_t>(size));
  }
  return buffer;
}

// Prints the best call by the clock and the median by processor time, each as a fraction of the
// peak's. (On a machine with neighbours a call that is not interrupted is rare, and rarer with two
// threads; processor time hides the waiting, but not that neighbours use the caches.)
void measure(Bench& b, const std::string& what, Unit unit, double operations,
             const std::function<void()>& product) {
  std::vector<double> rate, peak, rate_cpu, peak_cpu;
  product();
  for (int round = 0; round < 15; ++round) {
    const Rate limit = measure_peak(b.pool, b.isa, unit, 0.002);
    peak.push_back(limit.by_clock);
    peak_cpu.push_back(limit.by_processor);
    int calls = 0;
    const double begin = clock_seconds(CLOCK_MONOTONIC);
    const double cpu = clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
    double start = begin, end;
    do {
      product();
      ++calls;
      end = clock_seconds(CLOCK_MONOTONIC);
      rate.push_back(operations / (end - start));
      start = end;
    } while (end - begin < 0.015);
    rate_cpu.push_back(operations * calls * b.pool.size() /
                       (clock_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu));
  }
  std::printf("%-52s %7.1f %7.1f G/s  %5.1f %5.1f %%\n", what.c_str(), best(rate) / 1e9,
              median(rate_cpu) / 1e9, 100 * best(rate) / best(peak),
              100 * median(rate_cpu) / median(peak_cpu));
  std::fflush(stdout);
}

// Reads layer after layer, so that no cache holds them, in alternation with reading as many bytes
// alone. Prints the best and the median layer, and both as fractions of reading's.
void measure_reading(Bench& b, const std::string& what, std::size_t layer_bytes,
                     std::int64_t layers, const std::function<void(std::int64_t)>& layer) {
  const Buffer memory(std::size_t{256} << 20);
  std::memset(memory.memory.get(), 1, memory.size);  // else all of it is one page of zeros
  std::vector<double> rate, limit;
  std::size_t at = 0;
  for (int round = 0; round < 3; ++round)
    for (std::int64_t l = 0; l < layers; ++l) {
      if (at + layer_bytes > memory.size) at = 0;
      limit.push_back(
          measure_read_bandwidth(b.pool, memory.memory.get() + at, layer_bytes).by_clock);
      at += layer_bytes;
      const double start = clock_seconds(CLOCK_MONOTONIC);
      layer(l);
      rate.push_back(static_cast<double>(layer_bytes) / (clock_seconds(CLOCK_MONOTONIC) - start));
    }
  std::printf("%-52s %7.1f %7.1f GB/s %5.1f %5.1f %%\n", what.c_str(), best(rate) / 1e9,
              median(rate) / 1e9, 100 * best(rate) / best(limit),
              100 * median(rate) / median(limit));
  std::fflush(stdout);
}

std::string shape(const char* name, std::int64_t m, std::int64_t n, std::int64_t k) {
  return std::string(name) + " M=" + std::to_string(m) + " N=" + std::to_string(n) +
         " K=" + std::to_string(k);
}
double work(std::int64_t m, std::int64_t n, std::int64_t k) {
  return 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
}

// What tiles or FMA, whichever the table uses, do at most for bf16 panels.
Unit bf16_unit(const Bench& b) { return b.isa == Isa::amx ? Unit::tile_bf16 : Unit::fma; }

// Forward: y = x w^T, w packed beforehand. Input gradient: dx = dy w. Weight gradient: dw = dy^T x,
// both packed at every call, added in place.
void bf16(Bench& b, std::int64_t tokens, std::int64_t in, std::int64_t out) {
  Buffer x = numbers(Type::bf16, tokens, in), w = numbers(Type::f32, out, in);
  Buffer dy = numbers(Type::bf16, tokens, out), dw(static_cast<std::size_t>(out * in * 4));
  Buffer y(static_cast<std::size_t>(tokens * out * 2));
  const PackSource x_rows{x.memory.get(), Type::bf16, in, true};
  const PackSource dy_rows{dy.memory.get(), Type::bf16, out, true};
  const PackSource dy_columns{dy.memory.get(), Type::bf16, out, false};
  PackedB forward(in, out), back(out, in), inputs(tokens, in);
  forward.pack(b.exec, w.view(Type::f32, out, in), true);
  back.pack(b.exec, w.view(Type::f32, out, in), false);
  const Unit unit = bf16_unit(b);
  measure(b, shape("bf16 forward", tokens, out, in), unit, work(tokens, in, out), [&] {
    gemm_bf16(b.exec, tokens, x_rows, forward, nullptr, {y.view(Type::bf16, tokens, out)});
  });
  measure(b, shape("bf16 input gradient", tokens, in, out), unit, work(tokens, in, out), [&] {
    gemm_bf16(b.exec, tokens, dy_rows, back, nullptr, {x.view(Type::bf16, tokens, in)});
  });
  measure(b, shape("bf16 weight gradient", out, in, tokens), unit, work(tokens, in, out), [&] {
    inputs.pack(b.exec, x.view(Type::bf16, tokens, in), false);
    gemm_bf16(b.exec, out, dy_columns, inputs, nullptr, {dw.view(Type::f32, out, in), true});
  });
}

void f32(Bench& b, std::int64_t tokens, std::int64_t in, std::int64_t out) {
  Buffer x = numbers(Type::f32, tokens, in), dy = numbers(Type::f32, tokens, out);
  Buffer dw(static_cast<std::size_t>(out * in * 4)), y(static_cast<std::size_t>(tokens * out * 4));
  for (const auto& [name, type] :
       {std::pair{"f32 dot", Type::f32}, std::pair{"f32 dot, f16 w", Type::f16},
        std::pair{"f32 dot, bf16 w", Type::bf16}}) {
    Buffer w = numbers(type, out, in);
    measure(b, shape(name, tokens, out, in), Unit::fma, work(tokens, in, out), [&] {
      gemm_dot(b.exec, x.view(Type::f32, tokens, in), w.view(type, out, in), nullptr,
               {y.view(Type::f32, tokens, out)});
    });
  }
  Buffer w = numbers(Type::f32, out, in);
  measure(b, shape("f32 input gradient", tokens, in, out), Unit::fma, work(tokens, in, out), [&] {
    gemm_chain(b.exec, tokens, out, {dy.view(Type::f32, tokens, out).as<float>(), out, 1},
               w.view(Type::f32, out, in), {x.view(Type::f32, tokens, in)});
  });
  measure(b, shape("f32 weight gradient", out, in, tokens), Unit::fma, work(tokens, in, out), [&] {
    gemm_chain(b.exec, out, tokens, {dy.view(Type::f32, tokens, out).as<float>(), 1, out},
               x.view(Type::f32, tokens, in), {dw.view(Type::f32, out, in), true});
  });
}

// Blocks of random bytes whose scales are of a usual size.
Buffer random_blocks(const Format& f, std::int64_t n, std::int64_t k) {
  Buffer blocks(static_cast<std::size_t>(f.bytes(n * k)));
  const Random random(3, 3);
  std::uint64_t next = 0;
  BlockIntegers numbers;
  for (std::int64_t at = 0; at < f.bytes(n * k); at += f.block_bytes) {
    std::byte* block = blocks.memory.get() + at;
    do {
      for (std::int64_t i = 0; i < f.block_bytes; ++i)
        block[i] = static_cast<std::byte>(random.bits(next++));
      f.integers(block, numbers);
    } while (!(std::fabs(numbers.d) < 64 && std::fabs(numbers.dmin) < 64));
  }
  return blocks;
}

std::string block_shape(const Format& f, const char* what, Planes planes, std::int64_t m,
                        std::int64_t n, std::int64_t k) {
  const std::string name =
      std::string(f.name) + (planes == Planes::one ? " " : " faithful ") + what;
  return shape(name.c_str(), m, n, k);
}

void prompt(Bench& b, const Format& f, Planes planes, std::int64_t m, std::int64_t n,
            std::int64_t k) {
  Buffer blocks = random_blocks(f, n, k), x = numbers(Type::f32, m, k);
  Buffer y(static_cast<std::size_t>(m * n * 4));
  MemoryBlocks memory;
  const PackedBlocks w(b.exec, blocks.view(f.type, n, k), memory);
  measure(b, block_shape(f, "prompt", planes, m, n, k), Unit::bytes, work(m, n, k), [&] {
    gemm_blocks(b.exec, x.view(Type::f32, m, k), w, planes, nullptr, {y.view(Type::f32, m, n)});
  });
}

void decode(Bench& b, const Format& f, Planes planes, std::int64_t m, std::int64_t n,
            std::int64_t k, std::size_t total) {
  Buffer blocks = random_blocks(f, n, k), x = numbers(Type::f32, m, k);
  Buffer y(static_cast<std::size_t>(m * n * 4));
  MemoryBlocks memory;
  std::vector<PackedBlocks> layers;
  while (layers.size() * blocks.size < total)
    layers.emplace_back(b.exec, blocks.view(f.type, n, k), memory);
  measure_reading(b, block_shape(f, "decode", planes, m, n, k), blocks.size,
                  static_cast<std::int64_t>(layers.size()), [&](std::int64_t l) {
                    gemm_blocks(b.exec, x.view(Type::f32, m, k),
                                layers[static_cast<std::size_t>(l)], planes, nullptr,
                                {y.view(Type::f32, m, n)});
                  });
}

void decode_dot(Bench& b, Type type, std::int64_t m, std::int64_t n, std::int64_t k,
                std::size_t total) {
  const std::int64_t size = type == Type::f32 ? 4 : 2;
  Buffer x = numbers(Type::f32, m, k), y(static_cast<std::size_t>(m * n * 4));
  const auto layer = static_cast<std::size_t>(n * k * size);
  const std::int64_t layers = static_cast<std::int64_t>(total / layer);
  Buffer w(static_cast<std::size_t>(layers) * layer);
  const char* name = type == Type::f32   ? "f32 decode"
                     : type == Type::f16 ? "f32 decode, f16 w"
                                         : "f32 decode, bf16 w";
  measure_reading(b, shape(name, m, n, k), layer, layers, [&](std::int64_t l) {
    gemm_dot(b.exec, x.view(Type::f32, m, k),
             ConstView(w.memory.get() + l * n * k * size, type, Shape({n, k})), nullptr,
             {y.view(Type::f32, m, n)});
  });
}

struct Part {
  const char* name;
  void (*run)(Bench&);
};

constexpr std::size_t kLarge = std::size_t{256} << 20;

const Part kParts[] = {
    {"bf16",
     [](Bench& b) {
       for (const auto& [in, out] :
            {std::pair{128, 128}, std::pair{256, 256}, std::pair{256, 688}, std::pair{256, 4096},
             std::pair{768, 768}, std::pair{768, 2304}})
         bf16(b, 2048, in, out);
       bf16(b, 8192, 256, 256);
     }},
    {"f32",
     [](Bench& b) {
       for (const auto& [in, out] :
            {std::pair{256, 256}, std::pair{768, 768}, std::pair{2048, 2048}})
         f32(b, 512, in, out);
     }},
    {"q8",
     [](Bench& b) {
       for (const auto& [n, k] : {std::pair{2048, 2048}, std::pair{2048, 8192},
                                  std::pair{8192, 2048}, std::pair{1536, 576}})
         prompt(b, format(Type::q8_0), Planes::one, 512, n, k);
     }},
    {"prompt",
     [](Bench& b) {
       for (const Format& f : formats())
         if (f.packing.bits > 0)
           for (const Planes planes : {Planes::one, Planes::two})
             prompt(b, f, planes, 512, 2048, 2048);
     }},
    {"decode",
     [](Bench& b) {
       for (const std::int64_t m : {1, 2, 4}) {
         for (const Type type : {Type::f32, Type::f16, Type::bf16})
           decode_dot(b, type, m, 2048, 2048, kLarge);
         decode(b, format(Type::q8_0), Planes::one, m, 2048, 2048, kLarge);
       }
       decode(b, format(Type::q8_0), Planes::one, 1, 1536, 576, kLarge / 4);
     }},
    {"blocks",
     [](Bench& b) {
       for (const Format& f : formats())
         if (f.packing.bits > 0)
           for (const Planes planes : {Planes::one, Planes::two})
             decode(b, f, planes, 1, 2048, 2048, kLarge / 2);
     }},
};

}  // namespace

int main(int argc, char** argv) {
  Bench b(argc > 1 ? static_cast<unsigned>(std::atoi(argv[1])) : default_threads());
  std::printf("%s, %u threads: best by the clock and median by processor time, and of the limit\n",
              b.kernels.name, b.pool.size());
  for (const Part& part : kParts)
    if (argc < 3 || std::strcmp(argv[2], part.name) == 0) part.run(b);
}
