// Everything a forward pass runs with: threads, kernels, memory, and what else may look on.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "base/rooms.h"
#include "kernels/exec.h"
#include "tensor/arena.h"
#include "tensor/tape.h"
#include "tensor/tensor.h"
#include "tensor/weight.h"

namespace bantam::nn {
class Observer;  // nn/observer.h
}

namespace bantam::tensor {

// The arithmetic of linear layers, one for a whole run (design: "Arithmetic").
// int8 and faithful round activations, to 8 bits and to 15. The numbers are kept in files.
enum class Arithmetic : std::uint8_t { f32, int8, bf16, faithful };


// Sees what goes into each linear layer of a pass: x [T,K] and the weight [N,K] (never changed).
class LinearInputs {
 public:
  virtual ~LinearInputs() = default;
  virtual void see(Context& ctx, const Tensor& x, const Weight& w) = 0;
};

// Rows [begin, end) of a pass that one adapter of several changes.
struct AdaptedRows {
  std::int32_t adapter = 0;
  std::int64_t begin = 0, end = 0;
};

// Rotary tables, made as positions are met and kept: [position][half cosines, half sines].
class RopeTables {
 public:
  // `frequencies`: radians a position, one for each pair. `scale` multiplies cosines and sines.
  const float* get(const std::shared_ptr<const std::vector<double>>& frequencies, float scale,
                   std::int64_t positions);

 private:
  struct Entry {
    std::shared_ptr<const std::vector<double>> frequencies;
    std::int64_t positions = 0;
    std::vector<float> table;
  };
  std::map<const void*, Entry> entries_;
};

struct Context {
  Context(ThreadPool& pool, const Kernels& kernels, Arena& arena_)
      : scratch(pool.size() + 1), exec{pool, kernels, scratch}, arena(arena_) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  std::vector<Scratch> scratch;
  Exec exec;
  Arena& arena;
  Arithmetic arithmetic = Arithmetic::f32;
  Type activation = Type::f32;  // what lies between ops: bf16 in bf16 training
  Tape* tape = nullptr;
  nn::Observer* observer = nullptr;
  LinearInputs* linear_inputs = nullptr;
  bool recompute =
      false;  // with a tape: keep only the inputs of blocks, run them again in backward
  RopeTables rope_tables;
  // Of the pass under way, by rising rows; a row that is in none has the layers as they are.
  std::vector<AdaptedRows> adapted_rows;

  // Whether an op of these inputs is recorded: what its backward will read is worth keeping.
  bool records(std::initializer_list<Tape::Input> inputs) const {
    return tape && tape->needs(inputs);
  }

  const Kernels& kernels() const { return exec.kernels; }
  // An uninitialised tensor of the arena.
  Tensor make(const Shape& shape) { return make(shape, activation); }
  Tensor make(const Shape& shape, Type type);

  // A layer of the model; training may run it again. Of what it makes only the output is kept,
  // unless backward will need more.
  Tensor block(int layer, const Tensor& x,
               const std::function<Tensor(Context&, const Tensor&)>& run);

  template <class Args>
  void rows(RangeKernel<Args> kernel, const Args& args, std::int64_t count,
            std::int64_t work_per_row) {
    // A region costs about a microsecond; below some 16,000 elements one thread is sooner done.
    constexpr std::int64_t kSmall = 16384;
    const std::int64_t grain = work_per_row <= 0 ? 1 : (kSmall + work_per_row - 1) / work_per_row;
    run_range(exec, kernel, args, count, grain);
  }

 private:
  Tensor only_output(Arena::Mark begin, const Tensor& x, const Tensor& y);
};

}  // namespace bantam::tensor
