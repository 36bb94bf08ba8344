#include "adapt/prepare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "adapt/adapter.h"
#include "adapt/prompts.h"
#include "base/hash.h"
#include "chat/named_templates.h"

namespace bantam::adapt {

namespace {

std::optional<ChatTemplate> template_for(const std::optional<std::string>& name,
                                         const Tokenizer& tokenizer, const std::string& model) {
  std::error_code ignored;
  if (name && std::filesystem::is_regular_file(*name, ignored))
    return ChatTemplate(read_file(Path(*name), TemplateLimits().source), *name);
  if (auto own = own_template(tokenizer, model, name.value_or(""))) return own;
  if (name) return ChatTemplate(std::string(named_template(*name)), *name);
  return std::nullopt;
}

PreparedData opened(const TuneRequest& request) {
  PreparedData out;
  out.tokenizer = open_tokenizer(request.model);
  out.chat = template_for(request.chat_template, *out.tokenizer, request.model.string());
  if (!request.chat_template && request.start)
    if (std::string own = template_of(*request.start); !own.empty()) out.chat.emplace(std::move(own), request.start->string());
  if (out.chat) out.chat->set_variables(request.variables);
  return out;
}

std::string fingerprint(std::span<const LabelledExample> examples) {
  Sha256 sum;
  for (const LabelledExample& e : examples)
    for (const LabelledIds* ids : {&e.first, &e.second}) {
      const std::uint64_t count = ids->ids.size();
      sum.add(std::as_bytes(std::span(&count, 1)));
      sum.add(std::as_bytes(std::span(ids->ids)));
      sum.add(std::as_bytes(std::span(ids->mask)));
      for (const SoftLabel& soft : ids->soft) {
        sum.add(std::as_bytes(std::span(soft.ids)));
        sum.add(std::as_bytes(std::span(soft.shares)));
      }
    }
  return sum.hex();
}

}  // namespace

LocalTime day_of_run(const Path& folder, bool anew) {
  std::error_code ignored;
  if (!anew && std::filesystem::exists(folder / kDay, ignored)) return parse_local_time(read_file(folder / kDay, 64));
  LocalTime day = current_local_time();
  day.hour = day.minute = day.second = 0;
  return day;
}

void keep_day(const Path& folder, const LocalTime& day) {
  write_file(folder / kDay, fmt::format("{:04}-{:02}-{:02}T00:00:00", day.year, day.month, day.day));
}

std::string fingerprint(const PreparedData& data) {
  std::string records;
  for (const Json& r : data.records) records += to_text(r) + "\n";
  return fingerprint(data.examples) + (records.empty() ? "" : text_sum(records));
}

std::string fingerprint(const LabelledExample& example) { return fingerprint(std::span(&example, 1)); }

void hold_out(std::vector<LabelledExample>& examples, double share, std::vector<LabelledExample>& held) {
  if (share <= 0) return;
  std::vector<std::pair<std::string, std::size_t>> keys;
  for (std::size_t i = 0; i < examples.size(); ++i)
    keys.emplace_back(fingerprint(examples[i]), i);
  std::ranges::sort(keys);
  const auto count = std::min(static_cast<std::size_t>(std::ceil(share * static_cast<double>(keys.size()))),
                              keys.size() - 1);
  std::set<std::size_t> chosen;
  for (std::size_t i = 0; i < count; ++i) chosen.insert(keys[i].second);
  std::vector<LabelledExample> learnt;
  for (std::size_t i = 0; i < examples.size(); ++i)
    (chosen.contains(i) ? held : learnt).push_back(std::move(examples[i]));
  examples = std::move(learnt);
}

PreparedData prepare_data(const TuneRequest& request, const ChatData& records,
                          std::optional<LocalTime> day) {
  PreparedData out = opened(request);
  LabelOptions labels;
  labels.labels = request.labels_or_usual();
  labels.most_tokens = request.most_tokens.value_or(0);
  labels.now = day.value_or(current_local_time());
  const Labeller labeller(*out.tokenizer, out.chat ? &*out.chat : nullptr, labels);
  out.examples = label_records(records, labeller, out.report);
  return out;
}

PreparedData prepare_data(const TuneRequest& request, const Path& data, std::optional<LocalTime> day) {
  if (request.objective != Objective::grpo) return prepare_data(request, read_chat_data(data), day);
  check_group_request(request);
  PreparedData out = opened(request);
  prepare_prompts(request, data, day.value_or(current_local_time()), out);
  return out;
}

}  // namespace bantam::adapt
