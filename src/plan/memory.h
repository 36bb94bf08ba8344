// The memory that a run takes, by part, before it is taken: what lies between the ops is counted by
// running the model's own forward with empty kernels.
#pragma once

#include <cstdint>
#include <span>

#include "base/rooms.h"
#include "infer/session.h"
#include "models/looked_up.h"

namespace bantam::plan {

// The types that a model's weights are stored in.
StoredType types_of(const ModelFile& file);

struct MemoryParts {  // bytes
  std::int64_t program =
      0;  // code, tokenizer, the file's head: what the process has without a model
  std::int64_t weights = 0;  // as they lie in memory, and rows of the embedding that are looked up
  std::int64_t cache = 0;    // keys and values of all positions of all slots
  std::int64_t scratch = 0;  // activations, logits, rotary tables, packed activations, scores
  std::int64_t total() const { return program + weights + cache + scratch; }
};

struct RunShape {
  Config config;
  StoredType type;
  Arithmetic arithmetic = Arithmetic::f32;
  Type cache = Type::f16;
  std::int64_t positions = 0, slots = 1, chunk = 512;
  unsigned threads = 1;
};
// What `options` come to for a file. Throws Error as opening a session would.
RunShape run_shape(const ModelFile& file, const SessionOptions& options);
// The same for a model that is not there.
RunShape run_shape_of(const Config& config, StoredType type, const SessionOptions& options);

// Keys and values of such a run.
CacheShape cache_shape_of(const RunShape& shape);

// When every position has been written. `program` stays 0: see program_bytes.
MemoryParts plan_memory(const RunShape& shape);
// What this process has now, and the pages of the program that only a run touches. Whoever runs a
// model opens its tokenizer too: it should be open already.
std::int64_t program_bytes();
// Null where the file has none that can be read: a model can be planned and measured without.
std::shared_ptr<const Tokenizer> tokenizer_if_any(const ModelFile& file);

// The most positions whose run stays within `limit` bytes, `program` among them; at most
// `shape.positions`; 0: not even one does. `beside`: a model that runs with it, over as many
// positions (a draft).
std::int64_t largest_context(RunShape shape, std::int64_t program, std::int64_t limit,
                             const RunShape* beside = nullptr);

// The most positions whose keys and values, of all slots and those of a draft beside it, stay within
// `limit` bytes; at most `shape.positions`.
std::int64_t positions_cached(RunShape shape, std::int64_t limit, const RunShape* beside = nullptr);

// Makes a session keep to `limit` bytes: where no context was asked for, there is memory for as
// many positions as fit (the context itself, which answers may depend on, stays what it is). Throws
// Error, saying what would fit, when what was asked for does not. `file` has been opened, and its
// tokenizer too if it is wanted. Returns the positions.
std::int64_t keep_to_memory(const ModelFile& file, SessionOptions& options, std::int64_t limit,
                            const RunShape* beside = nullptr);

}  // namespace bantam::plan
