#include "data/labelled.h"

#include <algorithm>
#include <array>
#include <map>
#include <numeric>

#include "base/counting.h"
#include "base/error.h"
#include "base/hash.h"
#include "chat/content_form.h"

namespace bantam::data {

std::int64_t LabelledIds::labels() const {
  return mask.empty() ? 0 : std::accumulate(mask.begin() + 1, mask.end(), std::int64_t{0});
}

Labeller::Labeller(const Tokenizer& tokenizer, const ChatTemplate* chat, LabelOptions options)
    : tokenizer_(tokenizer), chat_(chat), options_(options) {}

MaskedPrompt Labeller::rendered(const Json& messages, const Json& tools, Labels labels) const {
  ChatInput input;
  input.messages = messages;
  input.tools = tools;
  input.now = options_.now;
  set_special_tokens(tokenizer_, input);
  return mask_answers(*chat_, tokenizer_, std::move(input), labels);
}

std::optional<RenderedSample> Labeller::sample(const ChatRecord& record) const {
  if (!chat_ || !record.messages.is_array()) return std::nullopt;
  RenderedSample out;
  out.messages = record.messages;
  out.tools = record.tools;
  if (record.chosen.is_array())
    out.messages.insert(out.messages.end(), record.chosen.begin(), record.chosen.end());
  out.masked = rendered(out.messages, out.tools, options_.labels);
  return out;
}

LabelledIds Labeller::conversation(const Json& messages, const Json& tools, bool* stopped) const {
  if (!chat_) return plain(messages);
  MaskedPrompt masked = rendered(messages, tools, options_.labels);
  for (const MaskedPrompt::Span& span : masked.answers) *stopped = *stopped && (span.stopped || !span.counts);
  return {std::move(masked.ids), std::move(masked.mask)};
}

// A question, its answer and the end token.
LabelledIds Labeller::plain(const Json& messages, std::size_t* prompt) const {
  if (messages.size() != 2 || messages[0]["role"] != "user" || messages[1]["role"] != "assistant")
    throw Error(
        "the model has no chat template, and this is more than a prompt with its answer: "
        "--template NAME gives it one");
  LabelledIds out;
  out.ids = tokenizer_.encode(text_of_content(messages[0]["content"]).value(), {true, false});
  // An end token that the model's own encoding puts behind a text does not belong here.
  for (std::size_t i = 0; i < tokenizer_.suffix().size() && !out.ids.empty(); ++i) out.ids.pop_back();
  out.mask.assign(out.ids.size(), 0);
  if (prompt) *prompt = out.ids.size();
  tokenizer_.encode(text_of_content(messages[1]["content"]).value(), {false, false}, out.ids);
  if (tokenizer_.eos()) out.ids.push_back(*tokenizer_.eos());
  out.mask.resize(out.ids.size(), counts_in_training(messages[1]) ? 1 : 0);
  return out;
}

// The prompt and one of its answers, up to the end of the answer. Returns how many tokens the prompt
// has.
std::size_t Labeller::answer_of(const ChatRecord& record, const Json& answer, LabelledIds& out,
                                bool* stopped) const {
  Json messages = record.messages;
  const auto said = [](const Json& m) { return m["role"] == "assistant"; };
  const auto before = static_cast<std::size_t>(std::ranges::count_if(messages, said));
  messages.insert(messages.end(), answer.begin(), answer.end());
  if (!chat_) {
    std::size_t prompt = 0;
    out = plain(messages, &prompt);
    return prompt;
  }
  MaskedPrompt masked = rendered(messages, record.tools, Labels::answers);
  const std::size_t prompt = masked.answers.at(before).first, end = masked.answers.back().last;
  for (std::size_t i = before; i < masked.answers.size(); ++i)
    *stopped = *stopped && (masked.answers[i].stopped || !masked.answers[i].counts);
  masked.ids.resize(end);
  masked.mask.resize(end);
  std::fill_n(masked.mask.begin(), prompt, std::uint8_t{0});
  out = {std::move(masked.ids), std::move(masked.mask)};
  return prompt;
}

void Labeller::check_ids(const LabelledIds& ids) const {
  for (const std::int32_t id : ids.ids)
    if (id < 0 || id >= tokenizer_.size())
      throw Error("there is no token " + std::to_string(id) + "; ids are 0 to " +
                  std::to_string(tokenizer_.size() - 1));
}

namespace {

LabelledIds joined(const std::vector<std::int32_t>& prompt, const std::vector<std::int32_t>& answer) {
  LabelledIds out{prompt, std::vector<std::uint8_t>(prompt.size(), 0)};
  out.ids.insert(out.ids.end(), answer.begin(), answer.end());
  out.mask.resize(out.ids.size(), 1);
  return out;
}

ExampleKind kind_of(RecordForm form) {
  switch (form) {
    case RecordForm::token_preference:
    case RecordForm::preference:
      return ExampleKind::preference;
    case RecordForm::token_verdict:
    case RecordForm::verdict:
      return ExampleKind::verdict;
    default:
      return ExampleKind::supervised;
  }
}

}  // namespace

void Labeller::shorten(LabelledExample& example) const {
  if (options_.most_tokens <= 0) return;
  const auto most = static_cast<std::size_t>(options_.most_tokens);
  for (LabelledIds* ids : {&example.first, &example.second})
    if (ids->ids.size() > most) {
      ids->ids.resize(most);
      ids->mask.resize(most);
      example.cut = true;
    }
}

namespace {

bool blank(const std::string& text) { return text.find_first_not_of(" \t\r\n") == std::string::npos; }

bool says_something(const Json& message) {
  for (const auto& [key, value] : message.items()) {
    if (key == "role" || key == "name" || key == "weight") continue;
    if (const auto text = text_of_content(value); text ? !blank(*text) : !value.is_null() && !value.empty()) return true;
  }
  return false;
}

// A record whose answers, or whose text, have no word would teach to say nothing.
void require_words(const ChatRecord& record, ExampleKind kind) {
  if (record.form == RecordForm::text && blank(record.text)) throw Error("it is empty: there is no word in its text");
  if (kind != ExampleKind::supervised || !record.messages.is_array()) return;
  const auto answers = [](const Json& m) { return m["role"] == "assistant" && says_something(m); };
  if (std::ranges::none_of(record.messages, answers)) throw Error("it is empty: there is no word in its answer");
}

// Of a record in which an answer has the weight 0 something else must be left to learn.
void require_weight(const ChatRecord& record, const LabelledExample& example) {
  const auto left_out = [](const Json& m) { return m["role"] == "assistant" && !counts_in_training(m); };
  const bool given = std::ranges::any_of(std::array{&record.messages, &record.chosen, &record.rejected}, [&](const Json* list) {
    return list->is_array() && std::ranges::any_of(*list, left_out);
  });
  if (!given) return;
  for (const LabelledIds* ids : {&example.first, &example.second})
    if (!ids->ids.empty() && ids->labels() == 0) throw Error("nothing is to be learnt from it: its answer has the weight 0");
}

}  // namespace

LabelledExample Labeller::label(const ChatRecord& record) const {
  require_words(record, kind_of(record.form));
  LabelledExample out;
  out.line = record.line;
  out.form = record.form;
  out.kind = kind_of(record.form);
  out.label = record.label;
  switch (record.form) {
    case RecordForm::tokens:
      out.first = {record.first, record.mask};
      break;
    case RecordForm::token_preference:
    case RecordForm::token_verdict:
      out.prompt = record.prompt.size();
      out.first = joined(record.prompt, record.first);
      if (out.kind == ExampleKind::preference) out.second = joined(record.prompt, record.second);
      break;
    case RecordForm::preference: {
      out.prompt = answer_of(record, record.chosen, out.first, &out.stopped);
      const std::size_t other = answer_of(record, record.rejected, out.second, &out.stopped);
      if (other != out.prompt ||
          !std::equal(out.first.ids.begin(), out.first.ids.begin() + static_cast<std::ptrdiff_t>(other),
                      out.second.ids.begin()))
        throw Error("the template renders the prompt differently before the two answers");
      break;
    }
    case RecordForm::verdict:
      out.prompt = answer_of(record, record.chosen, out.first, &out.stopped);
      break;
    case RecordForm::text:
      out.first.ids = tokenizer_.encode(record.text, {true, false});
      if (tokenizer_.eos() && (out.first.ids.empty() || out.first.ids.back() != *tokenizer_.eos()))
        out.first.ids.push_back(*tokenizer_.eos());
      out.first.mask.assign(out.first.ids.size(), 1);
      break;
    default:
      out.first = conversation(record.messages, record.tools, &out.stopped);
  }
  check_ids(out.first);
  check_ids(out.second);
  require_weight(record, out);
  shorten(out);
  return out;
}

namespace {

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
  report.broken = data.broken;
  for (const ChatRecord& record : data.records) {
    LabelledExample example;
    try {
      example = labeller.label(record);
    } catch (const Error& error) {
      report.broken.push_back({record.line, error.message()});
      continue;
    }
    ++forms[record.form];
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
    report.cut += example.cut;
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
