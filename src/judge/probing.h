// Which model learns a person's own examples best: the records that every candidate learns a little of, those
// that it is measured by, and what is said of the losses. Models differ in their tokenizers, so that losses a
// token cannot be compared: what is compared are bits a byte of the answers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/rooms.h"
#include "data/conversation.h"
#include "judge/scaling.h"

namespace bantam::judge {

// [probe] of a recipe: data = "examples.jsonl", steps, examples, minutes, held_out.
struct ProbeRecipe {
  std::string data;  // empty: there is no probe
  std::optional<std::int64_t> steps;
  std::int64_t examples = 500;  // records, at most; a share of these is held out
  double held_out = 0.2;
  double minutes = 0;  // of learning, for each candidate; 0: any
};

struct ProbeData {
  ChatData records;                // those that are learnt from, then those that are held out
  std::vector<double> held_bytes;  // of the answers of each that is held out
  std::int64_t learnt() const { return static_cast<std::int64_t>(records.records.size() - held_bytes.size()); }
  std::int64_t twice = 0;          // records that said what an earlier one says: left out
};

// Reads the records and divides them, by a hash of what they say: the same record falls on the same side
// whatever the order and the tokenizer. Throws Error: a record that cannot be read, one that holds no answer as
// text (preferences, token ids), too few to tell anything.
ProbeData read_probe_data(const ProbeRecipe& recipe);
// The same of records that were read; `file`: what errors name.
ProbeData divide_for_probe(ChatData data, const ProbeRecipe& recipe, const std::string& file);

// A candidate's losses: -log p in nats of each held-out record's answers.
struct ProbeLosses {
  std::size_t candidate;
  std::vector<double> before, after;
};

struct ProbeRank {
  std::size_t candidate;
  double before, after;                       // bits a byte of the held-out answers
  Interval before_interval, after_interval;   // 95 %, paired bootstrap over the held-out records
  Interval change;                            // of after - before
  bool learnt = false;                        // the change is more than chance, and for the better
  double behind = 0;                          // bits a byte more than the first, after
  Interval behind_interval{};
  bool tie = false;                           // with the first: the difference may be chance
  bool worse() const { return change.low > 0; }
};

// The best first.
std::vector<ProbeRank> rank_probes(const std::vector<double>& bytes, const std::vector<ProbeLosses>& losses);

}  // namespace bantam::judge
