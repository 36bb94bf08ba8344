#include "judge/contamination.h"

#include <utf8proc.h>

#include <algorithm>

#include "base/random.h"
#include "words/unicode.h"

namespace bantam::judge {

namespace {

constexpr std::uint64_t kBase = 0x9e3779b97f4a7c15u | 1;

bool stands_alone(char32_t c) {
  return (c >= 0x3040 && c <= 0x30ff) || (c >= 0x3400 && c <= 0x9fff) ||
         (c >= 0xf900 && c <= 0xfaff) || (c >= 0x20000 && c <= 0x3ffff);
}

}  // namespace

std::vector<std::uint64_t> text_units(std::string_view text) {
  const CharClasses& classes = CharClasses::get();
  std::vector<std::uint64_t> out;
  std::uint64_t word = 0;
  const auto end_word = [&] {
    if (word != 0) out.push_back(word);
    word = 0;
  };
  for (std::size_t at = 0; at < text.size();) {
    const Rune rune = decode_rune(text, at);
    at += rune.size;
    if ((classes[rune.value] & (char_class::letter | char_class::number)) == 0) {
      end_word();
    } else if (stands_alone(rune.value)) {
      end_word();
      out.push_back(mix64(rune.value) | 1);
    } else {
      const auto small = static_cast<std::uint64_t>(
          utf8proc_tolower(static_cast<utf8proc_int32_t>(rune.value)));
      word = mix64((word ^ small) + kBase) | 1;
    }
  }
  end_word();
  return out;
}

Ledger::Ledger(const std::vector<std::string>& items) : first_(items.size()) {
  for (std::size_t item = 0; item < items.size(); ++item) {
    const std::vector<std::uint64_t> units = text_units(items[item]);
    met_.emplace_back(units.size(), false);
    const std::size_t run = std::min(kRun, units.size());
    if (run < kShortest) continue;
    auto table = std::find_if(tables_.begin(), tables_.end(), [&](const Table& t) { return t.run == run; });
    if (table == tables_.end()) {
      tables_.push_back({run, 1, {}});
      table = tables_.end() - 1;
      for (std::size_t i = 1; i < run; ++i) table->power *= kBase;
    }
    std::uint64_t hash = 0;
    for (std::size_t i = 0; i < units.size(); ++i) {
      if (i >= run) hash -= units[i - run] * table->power;
      hash = hash * kBase + units[i];
      if (i + 1 >= run) table->runs.emplace(hash, Place{item, i + 1 - run});
    }
  }
}

void Ledger::scan(Table& table, const std::vector<std::uint64_t>& units, const std::string& place) {
  std::uint64_t hash = 0;
  for (std::size_t i = 0; i < units.size(); ++i) {
    if (i >= table.run) hash -= units[i - table.run] * table.power;
    hash = hash * kBase + units[i];
    if (i + 1 < table.run) continue;
    const auto [begin, end] = table.runs.equal_range(hash);
    for (auto at = begin; at != end; ++at) {
      const Place& p = at->second;
      if (first_[p.item].empty()) first_[p.item] = place;
      std::fill_n(met_[p.item].begin() + static_cast<std::ptrdiff_t>(p.at), table.run, true);
    }
  }
}

void Ledger::read(std::string_view text, const std::string& place) {
  const std::vector<std::uint64_t> units = text_units(text);
  units_ += static_cast<std::int64_t>(units.size());
  for (Table& table : tables_) scan(table, units, place);
}

std::vector<Overlap> Ledger::overlaps() const {
  std::vector<Overlap> out;
  for (std::size_t i = 0; i < met_.size(); ++i) {
    Overlap overlap;
    overlap.known = met_[i].size() >= kShortest;
    if (overlap.known)
      overlap.share = static_cast<double>(std::count(met_[i].begin(), met_[i].end(), true)) /
                      static_cast<double>(met_[i].size());
    overlap.first = first_[i];
    out.push_back(std::move(overlap));
  }
  return out;
}

TrainingText read_training_text(const std::vector<std::string>& paths, Ledger& ledger) {
  // Whole documents: a question must not be cut in two.
  ReadOptions options;
  options.document_bytes = 1 << 30;
  return read_training_text(paths, options, [&](Document&& d, const std::string& place) {
    std::string text = d.text;
    for (const Message& m : d.messages) text += "\n" + m.content;
    ledger.read(text, place);
  });
}

}  // namespace bantam::judge
