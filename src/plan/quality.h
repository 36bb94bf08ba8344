// What a model loses by the types of its weights, by its arithmetic and by the type of its cache:
// measured on a text, against the most exact run that there is.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/rooms.h"
#include "infer/divergence.h"
#include "infer/session.h"

namespace bantam::plan {

struct QualityRow {
  Arithmetic arithmetic;
  Type cache;
  std::int64_t cache_bytes_per_token = 0;
  TextDivergence divergence;
};

struct QualityOptions {
  SessionOptions session;    // threads, arithmetic
  std::vector<Type> caches;  // each is measured
};

// Runs `tokens` (no more of them than the reference's logits fit into 600 MB) through `parent` with
// f32 arithmetic and an f32 cache, and through `file` with each cache. Throws Error when the two
// have different vocabularies, or the context is too short.
std::vector<QualityRow> measure_quality(std::shared_ptr<const ModelFile> file,
                                        std::shared_ptr<const ModelFile> parent,
                                        std::span<const std::int32_t> tokens,
                                        const QualityOptions& options,
                                        const Session::GoOn& go_on = {});

}  // namespace bantam::plan
