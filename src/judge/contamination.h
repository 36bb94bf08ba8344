// Which questions a model may have seen in training: a ledger of the word runs of every item, held
// against the training text, which is read once and may be of any size.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/file.h"
#include "judge/training_text.h"

namespace bantam::judge {

// The units that runs are made of: words in small letters (runs of letters and digits), and each
// character of Chinese and Japanese by itself. 64-bit hashes of them.
std::vector<std::uint64_t> text_units(std::string_view text);

// What the ledger says of an item.
struct Overlap {
  double share = 0;  // of its units, those that lie in a run which the training text has too
  bool known = true;  // false: shorter than the shortest run, nothing can be said
  std::string first;  // where the first run was met: "FILE, document N"

  // As Llama 2's makers count (Touvron et al. 2023, app. A.6): less is phrases that everybody uses, or
  // a question that was written after the same pattern.
  bool dirty() const { return known && share >= 0.8; }
};

class Ledger {
 public:
  static constexpr std::size_t kRun = 13;      // units, as GPT-3's makers took (Brown et al. 2020, app. C)
  static constexpr std::size_t kShortest = 8;  // an item of 8 to 12 units is looked for as a whole

  // `items`: the text of each, as it would stand in training data.
  explicit Ledger(const std::vector<std::string>& items);

  // A document of the training text; `place` names it.
  void read(std::string_view text, const std::string& place);
  std::int64_t units() const { return units_; }  // of all that was read

  std::vector<Overlap> overlaps() const;

 private:
  struct Place {
    std::size_t item, at;
  };
  struct Table {
    std::size_t run = 0;
    std::uint64_t power = 1;  // of the hash's base, for what leaves the window
    std::unordered_multimap<std::uint64_t, Place> runs;
  };
  void scan(Table& table, const std::vector<std::uint64_t>& units, const std::string& place);

  std::vector<Table> tables_;            // one for each length of run
  std::vector<std::vector<bool>> met_;   // [item][unit]
  std::vector<std::string> first_;
  std::int64_t units_ = 0;
};

// Reads every document under the paths (.txt, .md, .jsonl) into the ledger. Throws Error: what cannot
// be read, a path without text.
TrainingText read_training_text(const std::vector<std::string>& paths, Ledger& ledger);

}  // namespace bantam::judge
