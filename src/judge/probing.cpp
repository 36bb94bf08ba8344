#include "judge/probing.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/error.h"
#include "base/hash.h"
#include "chat/content_form.h"
#include "judge/bootstrap.h"

namespace bantam::judge {

namespace {

// Fewer say nothing: the interval of a handful is as wide as chance makes it.
constexpr std::size_t kFewest = 8;

bool holds_answers(RecordForm form) {
  return form == RecordForm::chat || form == RecordForm::sharegpt || form == RecordForm::alpaca ||
         form == RecordForm::question || form == RecordForm::text;
}

std::size_t answer_bytes(const ChatRecord& record) {
  if (record.form == RecordForm::text) return record.text.size();
  std::size_t bytes = 0;
  for (const Json& message : record.messages) {
    if (message.value("role", "") != "assistant") continue;
    for (const char* key : {"reasoning_content", "content"})
      if (const auto text = text_of_content(message.value(key, Json()))) bytes += text->size();
    if (const auto calls = message.find("tool_calls"); calls != message.end()) bytes += to_text(*calls).size();
  }
  return bytes;
}

std::string sum_of_record(const ChatRecord& record) {
  Sha256 sum;
  const std::string said = record.form == RecordForm::text ? record.text : to_text(Json{record.messages, record.tools});
  sum.add(std::as_bytes(std::span(said)));
  return sum.hex();
}

void require_answers(const ChatData& data, const std::string& file) {
  const auto wrong = [&](const std::string& what, std::int64_t line) {
    return Error(what).in(file).line(static_cast<std::uint64_t>(line));
  };
  if (!data.broken.empty())
    throw wrong(std::to_string(data.broken.size()) + " records cannot be used: " + data.broken.front().reason + "; mend them first",
                data.broken.front().line);
  for (const ChatRecord& r : data.records)
    if (!holds_answers(r.form))
      throw wrong("records with answers as text were expected (conversations, questions with answers, text), not " +
                      std::string(form_name(r.form)) + ": models of several tokenizers are to learn them",
                  r.line);
}

// Places of the records, those of the same words once, by their sums.
std::vector<std::size_t> dealt(const ChatData& data) {
  std::vector<std::pair<std::string, std::size_t>> sums;
  for (std::size_t i = 0; i < data.records.size(); ++i) sums.emplace_back(sum_of_record(data.records[i]), i);
  std::ranges::sort(sums);
  const auto again = std::ranges::unique(sums, {}, &std::pair<std::string, std::size_t>::first);
  sums.erase(again.begin(), again.end());
  std::vector<std::size_t> out;
  for (const auto& [sum, place] : sums) out.push_back(place);
  return out;
}

}  // namespace

ProbeData divide_for_probe(ChatData data, const ProbeRecipe& recipe, const std::string& file) {
  require_answers(data, file);
  std::vector<std::size_t> places = dealt(data);
  ProbeData out;
  out.twice = static_cast<std::int64_t>(data.records.size() - places.size());
  places.resize(std::min(places.size(), static_cast<std::size_t>(recipe.examples)));
  const auto held = static_cast<std::size_t>(std::ceil(recipe.held_out * static_cast<double>(places.size())));
  if (held < kFewest || places.size() - held < kFewest)
    throw Error("of " + std::to_string(places.size()) + " different records " + std::to_string(held) +
                " would be held out; at least " + std::to_string(kFewest) + " to measure by and " + std::to_string(kFewest) +
                " to learn from are needed: more records, or another probe.held_out")
        .in(file);
  // In the order of the file, so that steps do not depend on how records hash.
  const auto first_held = places.begin() + static_cast<std::ptrdiff_t>(places.size() - held);
  std::sort(places.begin(), first_held);
  std::sort(first_held, places.end());
  for (const std::size_t place : places) out.records.records.push_back(std::move(data.records[place]));
  for (std::size_t i = places.size() - held; i < places.size(); ++i)
    out.held_bytes.push_back(static_cast<double>(answer_bytes(out.records.records[i])));
  if (std::accumulate(out.held_bytes.begin(), out.held_bytes.end(), 0.0) == 0)
    throw Error("the answers of the records are empty: there is nothing to learn").in(file);
  return out;
}

ProbeData read_probe_data(const ProbeRecipe& recipe) {
  return divide_for_probe(read_chat_data(recipe.data), recipe, recipe.data);
}

namespace {

PairedMeans means_a_byte(const std::vector<double>& bytes, const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<ScorePair> pairs;
  for (std::size_t i = 0; i < bytes.size(); ++i) pairs.push_back({-a[i], -b[i], bytes[i], {}});
  constexpr std::int64_t kSamples = 10'000;
  return paired_means(pairs, MeanForm::bits, 1, kSamples);
}

}  // namespace

std::vector<ProbeRank> rank_probes(const std::vector<double>& bytes, const std::vector<ProbeLosses>& losses) {
  std::vector<std::size_t> order(losses.size());
  std::vector<PairedMeans> means;
  for (std::size_t i = 0; i < losses.size(); ++i) {
    order[i] = i;
    means.push_back(means_a_byte(bytes, losses[i].before, losses[i].after));
  }
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return means[i].b; });
  std::vector<ProbeRank> out;
  for (const std::size_t i : order) {
    const PairedMeans& m = means[i];
    ProbeRank rank{losses[i].candidate, m.a, m.b, m.a_interval, m.b_interval, m.difference, m.difference.high < 0};
    if (!out.empty()) {
      const PairedMeans to_first = means_a_byte(bytes, losses[order.front()].after, losses[i].after);
      rank.behind = to_first.b - to_first.a;
      rank.behind_interval = to_first.difference;
      rank.tie = to_first.difference.low <= 0;
    }
    out.push_back(rank);
  }
  return out;
}

}  // namespace bantam::judge
