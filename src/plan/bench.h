// The speed of a model on this machine, beside what the machine can do: prompts, answers and the
// machine's own limits measured in alternation, so that what disturbs one disturbs the others.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/rooms.h"
#include "infer/session.h"
#include "plan/samples.h"
#include "plan/work.h"

namespace bantam::plan {

struct BenchOptions {
  SessionOptions session;     // context, positions, slots are chosen here
  std::int64_t prompt = 512;  // tokens
  std::int64_t answer = 64;   // tokens; 0: only prompts
  std::int64_t repeats = 5, loads = 3;
  std::vector<std::int64_t> depths{0};   // tokens that stand before the prompt
  std::vector<std::int64_t> batches{1};  // answers at once
};

// Prompts and answers at one depth, for so many sequences at once.
struct BenchRow {
  std::int64_t depth = 0, batch = 1;
  Samples prefill, decode;     // tokens a second, of all sequences together
  Samples prompt_ms;           // until the first token of an answer may be drawn
  Samples joules_per_token;    // of the answers; empty: no meter
  double bytes_per_token = 0;  // read on average for a step of the answers: weights, keys, values
  double decode_limit = 0, prefill_limit = 0;  // tokens a second
  double decode_fraction() const { return decode_limit > 0 ? decode.median() / decode_limit : 0; }
  double prefill_fraction() const {
    return prefill_limit > 0 ? prefill.median() / prefill_limit : 0;
  }
};

struct BenchReport {
  TokenWork work;
  std::string isa;
  unsigned threads = 0;
  Arithmetic arithmetic = Arithmetic::f32;
  Type cache = Type::f16;
  Samples load_ms;         // from opening the file until the model can be asked
  Samples first_token_ms;  // the same, and the first prompt after it
  Samples read;            // bytes a second, of a buffer as large as the weights
  Samples peak;            // operations a second on registers, of the arithmetic's own instruction
  std::uint64_t peak_bytes = 0;  // most memory that the process had, without the probes' buffer
  std::vector<BenchRow> rows;    // by depth, then batch
};

// Called before each of bench_steps() measurements with the number of those that are done. False:
// stop; the report is of what was measured.
using BenchStep = std::function<bool(std::int64_t done)>;
std::int64_t bench_steps(const BenchOptions& options);

// The longest sequence that the options lead to. Throws Error for options that make no sense.
std::int64_t bench_positions(const BenchOptions& options);

// Opens the model at `path` (load times are of a file that the system has read before) and
// measures. Throws Error: the model cannot be opened, or its context is too short.
BenchReport run_bench(const Path& path, const BenchOptions& options, const BenchStep& step = {});

// What the rows' limits are, from the best reading and arithmetic that were measured.
void set_limits(BenchReport& report, const CacheShape& cache, const BenchOptions& options);

}  // namespace bantam::plan
