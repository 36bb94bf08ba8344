// The options of guessing ahead, and the opening of a draft model.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cli/options.h"
#include "infer/draft.h"
#include "plan/memory.h"

namespace bantam::cli {

// A draft model that was opened and fits, but is not loaded yet.
struct DraftFile {
  std::shared_ptr<const ModelFile> file;  // null: none was asked for
  SessionOptions options;
  std::size_t length = 0;  // of a guess; 0: as many tokens as pay

  // What it takes, for a plan of memory; nothing where there is no draft.
  std::optional<RunShape> shape() const;
  // Null where there is no draft. On the session's threads, with room for what the session has.
  std::unique_ptr<DraftModel> load(const Session& session) const;
};

struct SpeculationFlags {
  bool off = false;
  std::optional<std::string> draft;
  std::optional<std::int64_t> tokens;

  // --draft, --draft-tokens, --no-speculation.
  void declare(Options& options);
  // Throws Error: the options do not fit together (usage), the draft cannot be opened, or its
  // tokenizer is another one.
  DraftFile open(const Tokenizer& tokenizer, const SessionOptions& model) const;
};

}  // namespace bantam::cli
