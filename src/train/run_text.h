// The text of a run: read, with the tokenizer that its recipe asks for, and as tokens of it.
#pragma once

#include <functional>
#include <memory>

#include "base/thread_pool.h"
#include "data/dataset.h"
#include "data/documents.h"
#include "models/loader.h"
#include "tokenizer/tokenizer.h"
#include "train/recipe.h"

namespace bantam::train {

struct RunText {
  ReadReport report;
  std::shared_ptr<const ModelFile> teacher;  // null: none
  std::shared_ptr<const Tokenizer> tokenizer;
  TokenStore store;
};

// `read` is told what was read before the tokenizer is trained. The same for any threads. Throws Error: what
// read_documents refuses, a teacher that cannot be opened, a vocabulary that is not the teacher's.
RunText read_run_text(const Recipe& recipe, ThreadPool& pool,
                      const std::function<void(const ReadReport&)>& read = [](const ReadReport&) {});

}  // namespace bantam::train
