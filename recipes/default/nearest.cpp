// Nearest training question by an inverted index of character trigrams.
#include "nearest.h"

#include <algorithm>
#include <string>
#include <unordered_map>

namespace bantam::recipe {
namespace {

// The first byte of each character, and the end.
std::vector<std::size_t> character_starts(const std::string& text) {
  std::vector<std::size_t> starts;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) starts.push_back(i);
  }
  starts.push_back(text.size());
  return starts;
}

class Trigrams {
 public:
  // Ids of the different trigrams of a question; those that no call with `grow` has met are new
  // ones past all lists.
  std::vector<std::uint32_t> ids(const std::string& question, bool grow) {
    const std::string text = " " + question + " ";
    const auto starts = character_starts(text);
    std::vector<std::uint32_t> out;
    for (std::size_t i = 0; i + 3 < starts.size(); ++i) {
      const std::string trigram = text.substr(starts[i], starts[i + 3] - starts[i]);
      const auto fresh = static_cast<std::uint32_t>(ids_.size());
      const auto [place, added] = ids_.try_emplace(trigram, fresh);
      if (added && grow) postings_.emplace_back();
      out.push_back(place->second);
    }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
  }

  std::vector<std::uint32_t>& postings(std::uint32_t id) { return postings_[id]; }
  bool known(std::uint32_t id) const { return id < postings_.size(); }

 private:
  std::unordered_map<std::string, std::uint32_t> ids_;
  std::vector<std::vector<std::uint32_t>> postings_;
};

}  // namespace

std::vector<std::size_t> nearest_questions(std::span<const Dialogue> training,
                                           std::span<const Dialogue> questions) {
  Trigrams trigrams;
  std::vector<std::size_t> sizes;
  for (const Dialogue& d : training) {
    const auto ids = trigrams.ids(d.question, true);
    for (std::uint32_t id : ids) {
      trigrams.postings(id).push_back(static_cast<std::uint32_t>(sizes.size()));
    }
    sizes.push_back(ids.size());
  }
  std::vector<std::size_t> nearest;
  std::vector<std::uint32_t> common(training.size());
  for (const Dialogue& q : questions) {
    std::fill(common.begin(), common.end(), 0u);
    const auto ids = trigrams.ids(q.question, false);
    for (std::uint32_t id : ids) {
      if (!trigrams.known(id)) continue;
      for (std::uint32_t doc : trigrams.postings(id)) ++common[doc];
    }
    std::size_t best = 0;
    double best_similarity = -1;
    for (std::size_t i = 0; i < common.size(); ++i) {
      const auto both = static_cast<double>(common[i]);
      const double similarity = both / (static_cast<double>(sizes[i] + ids.size()) - both);
      if (similarity > best_similarity) {
        best = i;
        best_similarity = similarity;
      }
    }
    nearest.push_back(best);
  }
  return nearest;
}

double nearest_match(std::span<const Dialogue> training, std::span<const Dialogue> questions) {
  if (training.empty() || questions.empty()) return 0;
  const auto nearest = nearest_questions(training, questions);
  std::size_t right = 0;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    right += training[nearest[i]].answer == questions[i].answer;
  }
  return static_cast<double>(right) / static_cast<double>(questions.size());
}

}  // namespace bantam::recipe
