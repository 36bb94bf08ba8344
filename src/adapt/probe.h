// A probe: a short fine-tuning by LoRA of which nothing is kept but how likely the model found answers that it
// was not shown, before and after. What models of different tokenizers are compared by.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "adapt/run.h"
#include "base/file.h"
#include "base/progress.h"
#include "base/rooms.h"
#include "data/conversation.h"

namespace bantam::adapt {

struct ProbeRequest {
  Path model;
  const ChatData& data;  // the same for every model that is compared
  std::size_t held = 0;  // the last of them are measured and not learnt from
  std::optional<std::int64_t> steps;  // default: as finetune chooses
  double most_seconds = 0;            // of learning; 0: any
  LocalTime day;                      // that templates see
};

struct ProbeOptions {
  unsigned threads = 0;
  // Where the result lies, and until then a checkpoint: what is there for the same purpose is gone on from.
  // Empty: nothing is written.
  Path kept;
  double save_every = 60;  // seconds between checkpoints
  Progress::Style progress = Progress::Style::silent;
  std::function<bool()> stop = [] { return false; };
};

struct ProbeResult {
  bool finished = false;  // false: stopped
  std::string method;
  std::int64_t rank = 0, steps = 0, batch = 0, trained = 0;
  std::int64_t memory = 0;  // bytes: the model, what is trained, and the most that a step takes
  double seconds = 0;       // of everything, in all starts
  // -log p of each held-out record's answers, in nats, the tokens that end them counted.
  std::vector<double> before, after;
};

// Changes nothing of the model's file. The same numbers for any threads and after any stop. Throws Error where
// the model cannot be probed: it has no chat template for these records, one is longer than its context, its
// template writes no end behind answers, memory or time is short.
ProbeResult run_probe(const ProbeRequest& request, const ProbeOptions& options);

}  // namespace bantam::adapt
