// What a person should know of records before training, and what training refuses of them.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/counting.h"
#include "base/error.h"
#include "base/hash.h"
#include "data/labelled.h"

namespace bantam::data {

namespace {

bool is_tokens(RecordForm form) {
  return form == RecordForm::tokens || form == RecordForm::token_preference || form == RecordForm::token_verdict;
}

std::string digest(const LabelledExample& example) {
  Sha256 sum;
  for (const LabelledIds* ids : {&example.first, &example.second}) {
    const std::uint64_t count = ids->ids.size();
    sum.add(std::as_bytes(std::span(&count, 1)));
    sum.add(std::as_bytes(std::span(ids->ids)));
    sum.add(std::as_bytes(std::span(ids->mask)));
  }
  sum.add(std::as_bytes(std::span(&example.label, 1)));
  return sum.hex();
}

void measure(std::vector<std::int64_t> sizes, LabelReport& report) {
  if (sizes.empty()) return;
  std::ranges::sort(sizes);
  report.shortest = sizes.front();
  report.median = sizes[sizes.size() / 2];
  report.high = sizes[sizes.size() * 95 / 100];
  report.longest = sizes.back();
}

}  // namespace

std::vector<LabelledExample> label_records(const ChatData& data, const Labeller& labeller,
                                           LabelReport& report) {
  std::vector<LabelledExample> out;
  std::map<std::string, std::int64_t> seen;
  std::map<RecordForm, std::int64_t> forms;
  std::vector<std::int64_t> sizes;
  bool tools_seen = false;  // one record tells of the template
  report.broken = data.broken;
  for (const ChatRecord& record : data.records) {
    LabelledExample example;
    try {
      example = labeller.label(record);
    } catch (const Error& error) {
      report.broken.push_back({record.line, error.message()});
      continue;
    }
    if (example.cut && (example.first.labels() == 0 ||
                        (example.kind == ExampleKind::preference && example.second.labels() == 0))) {
      ++report.empty;
      continue;
    }
    const auto [first, fresh] = seen.emplace(digest(example), example.line);
    if (!fresh) report.duplicates.emplace_back(first->second, example.line);
    for (const LabelledIds* ids : {&example.first, &example.second}) {
      if (ids->ids.empty()) continue;
      sizes.push_back(static_cast<std::int64_t>(ids->ids.size()));
      report.tokens += sizes.back();
      report.labels += ids->labels();
    }
    ++forms[record.form];
    report.cut += example.cut;
    if (!record.tools.is_null() && !std::exchange(tools_seen, true)) report.tools_left_out = labeller.leaves_out_tools(record);
    if (is_tokens(record.form)) {
      ++report.given;
      report.endless += !labeller.teaches_to_stop(example);
    }
    ++report.records;
    constexpr std::size_t kSamples = 4;
    if (report.samples.size() < kSamples)
      if (auto sample = labeller.sample(record)) report.samples.push_back(std::move(*sample));
    out.push_back(std::move(example));
  }
  report.forms.assign(forms.begin(), forms.end());
  std::ranges::sort(report.broken, {}, &BrokenRecord::line);
  measure(std::move(sizes), report);
  return out;
}

std::vector<std::string> LabelReport::lines() const {
  std::vector<std::string> out;
  std::string kinds;
  for (const auto& [form, count] : forms)
    kinds += (kinds.empty() ? "" : ", ") + std::to_string(count) + " of " + std::string(form_name(form));
  out.push_back("data: " + number_of(records, "record") + " (" + kinds + ")");
  if (records > 0)
    out.push_back("tokens: " + std::to_string(tokens) + ", of which " + std::to_string(labels) +
                  " are labels (" + std::to_string(tokens ? 100 * labels / tokens : 0) +
                  " %); a text has " + std::to_string(shortest) + " to " + std::to_string(longest) +
                  ", half of them at most " + std::to_string(median) + ", 95 of 100 at most " +
                  std::to_string(high));
  if (cut > 0 || empty > 0)
    out.push_back("too long: " + number_of(cut, "record") + " cut at the end" +
                  (empty > 0 ? ", " + std::to_string(empty) + " more with no label left" : ""));
  const auto some = [](std::size_t count) { return std::min<std::size_t>(count, 5); };
  if (tools_left_out)
    out.push_back("tools: the chat template leaves out which tools there are: the model learns its answers without having seen them");
  if (endless > 0)
    out.push_back(fmt::format("no stop token among the labels of {} of {} that are tokens already: {}", endless,
                              number_of(given, "record"), endless == given
                                  ? "the model does not learn from them where an answer ends"
                                  : "the model learns from the others where an answer ends"));
  if (!duplicates.empty()) {
    std::string text = "duplicates: " + std::to_string(duplicates.size());
    for (std::size_t i = 0; i < some(duplicates.size()); ++i)
      text += (i ? "; line " : ": line ") + std::to_string(duplicates[i].second) + " is line " +
              std::to_string(duplicates[i].first);
    out.push_back(text);
  }
  if (!broken.empty()) {
    out.push_back("broken: " + number_of(broken.size(), "record"));
    for (std::size_t i = 0; i < some(broken.size()); ++i)
      out.push_back("  line " + std::to_string(broken[i].line) + ": " + broken[i].reason);
  }
  return out;
}

namespace {

// Of records that are tokens already: whether the token behind an answer is one that ends it, and
// whether that is a label.
struct Stops {
  std::int64_t learned = 0, missed = 0, line = 0;

  void look(const LabelledExample& example, const Tokenizer& tokenizer) {
    const LabelledIds& s = example.first;
    for (std::size_t i = 1; i < s.ids.size(); ++i) {
      if (!tokenizer.ends(s.ids[i])) continue;
      if (s.mask[i]) ++learned;
      if (!s.mask[i] && s.mask[i - 1]) {
        ++missed;
        if (line == 0) line = example.line;
      }
    }
  }
};

}  // namespace

void check_labels(std::span<const LabelledExample> examples, const Tokenizer& tokenizer,
                  Labels labels) {
  Stops stops;
  for (const LabelledExample& example : examples) {
    const auto fail = [&](const std::string& what) {
      throw Error(what).field("mask").line(static_cast<std::uint64_t>(example.line));
    };
    if (example.first.ids.empty()) fail("the record holds no tokens");
    for (const LabelledIds* ids : {&example.first, &example.second}) {
      if (ids->ids.empty()) continue;
      if (ids->labels() == 0) fail("no token is a label: there is nothing to learn from this record");
      const bool whole = example.form == RecordForm::text || labels == Labels::all;
      if (!whole && ids->labels() == static_cast<std::int64_t>(ids->ids.size()) - 1)
        fail("every token is a label, the question too: a mask of the answers was expected");
    }
    if (example.form == RecordForm::tokens)
      stops.look(example, tokenizer);
    else if (!example.stopped && !example.cut && labels != Labels::all)
      fail(
          "the answer does not end with a token at which generation stops, so the model would not "
          "learn to stop: the chat template writes none behind it (is it this model's?)");
  }
  if (stops.missed > 0 && stops.learned == 0)
    throw Error("the stop token behind an answer is never a label, so the model would not learn to stop")
        .field("mask")
        .line(static_cast<std::uint64_t>(stops.line));
}

}  // namespace bantam::data
