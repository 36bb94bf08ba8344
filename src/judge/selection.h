// Choosing a model: what a person wants of it, which candidates fit, and which is best by their own
// questions, where the difference is more than chance.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "judge/probing.h"

namespace bantam::judge {

// A TOML file: models = ["a.gguf", ...], tasks = [...], task_files = [...], text = "mine.txt",
// data = "sets", limit, few_shot; [device] memory = "2 GB", tokens_per_second, licences = [...];
// [weights] TASK = 2; [probe] data = "examples.jsonl", steps, examples, minutes, held_out. Questions may be left
// out where there is a probe.
struct SelectionRecipe {
  std::vector<std::string> models, tasks, task_files, licences;
  std::string text, data;
  double limit = 0;
  std::optional<std::int64_t> shots;
  std::uint64_t memory = 0;      // bytes; 0: any
  double tokens_per_second = 0;  // of answers; 0: any
  std::map<std::string, double> weights;
  ProbeRecipe probe;

  bool asks() const { return !tasks.empty() || !task_files.empty(); }
  double weight(const std::string& task) const;
};

// Paths in the file are relative to its folder. Throws Error with file and line.
SelectionRecipe read_selection(const std::string& file);
// "2 GB", "512 MB", "1.5 GiB", "800000000". Throws Error.
std::uint64_t parse_bytes(std::string_view text);

struct Candidate {
  std::string model;
  std::string why_not;  // empty: it fits
  std::uint64_t bytes = 0, memory = 0;
  double tokens_per_second = 0;
  std::string licence;
  Json report;  // of bantam eval; null when it does not fit, or nothing is asked

  // Of the probe: what it was and took, or why there was none.
  std::string not_probed, method;
  std::int64_t rank = 0, trained = 0;
  std::uint64_t probe_memory = 0;
  double probe_seconds = 0;
};

// What is said of a candidate that was judged.
struct Rank {
  std::size_t candidate;
  double score, error;  // weighted mean of each task's first score, and its standard error
  bool tie = false;     // with the best: the difference may be chance
};

// The fitting candidates, the best first. Of perplexities nothing enters the score.
std::vector<Rank> rank(const SelectionRecipe& recipe, const std::vector<Candidate>& candidates);

}  // namespace bantam::judge
