#include "adapt/prompts.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/counting.h"
#include "base/error.h"
#include "chat/content_form.h"
#include "chat/quoting.h"
#include "data/questions.h"

namespace bantam::adapt {

void check_group_request(const TuneRequest& request) {
  if (request.objective != Objective::grpo) return;
  const auto refuse = [](const char* message) { throw Error(message, Error::Kind::usage); };
  if (!request.reward.of)
    refuse("the objective grpo needs a reward: --reward says what an answer earns");
  if (request.validation.value_or(0) > 0 || request.evaluate)
    refuse("--validation and --evaluate measure how likely the answers of the data are; with the objective grpo "
           "it has none: the mean reward is reported, and bantam eval measures the result");
  if (request.most_tokens)
    refuse("--max-tokens cuts answers of the data; --answer-tokens bounds those of the objective grpo");
  if (request.labels.value_or(Labels::answers) != Labels::answers)
    refuse("--labels chooses among answers of the data; with the objective grpo it has none");
  if (request.teacher)
    refuse("--teacher says or writes what is learnt; with the objective grpo a model learns from its own answers");
  const GroupSettings& g = request.groups;
  if (g.group < 2) refuse("--group: at least 2 answers are needed, which are compared");
  if (g.answer_tokens < 1 || g.iterations < 1 || !(g.temperature > 0) || !(g.epsilon >= 0))
    refuse("answers of at least one token, at least one iteration, a temperature above 0 and an epsilon "
           "from 0 were expected");
}

namespace {

// The question of a record: what else it has, an answer too, is the reward's.
ChatRecord asked_of(const Json& record) {
  if (!record.is_object()) throw Error("an object was expected");
  Json asking = Json::object();
  for (const char* key : {"messages", "prompt", "question", "system", "system_prompt", "tools"})
    if (const auto at = record.find(key); at != record.end() && !at->is_null()) asking[key] = *at;
  if (!asking.contains("messages") && !asking.contains("prompt") && !asking.contains("question"))
    throw Error("nothing is asked: prompt, question or messages was expected");
  return question_of(asking);
}

std::vector<std::int32_t> plain_ids(const Tokenizer& tokenizer, const ChatRecord& record) {
  if (record.messages.size() != 1 || record.messages[0]["role"] != "user")
    throw Error("the model has no chat template, and this is more than a prompt: --template NAME gives it one");
  std::vector<std::int32_t> ids =
      tokenizer.encode(text_of_content(record.messages[0]["content"]).value(), {true, false});
  // An end token that the model's own encoding puts behind a text does not belong before an answer.
  for (std::size_t i = 0; i < tokenizer.suffix().size() && !ids.empty(); ++i) ids.pop_back();
  return ids;
}

std::vector<std::int32_t> prompt_ids(const PreparedData& data, const ChatRecord& record,
                                     const LocalTime& day) {
  if (!data.chat) return plain_ids(*data.tokenizer, record);
  ChatInput input;
  input.messages = record.messages;
  input.tools = record.tools;
  input.now = day;
  set_special_tokens(*data.tokenizer, input);
  const QuotedRendering quoted = render_quoting(*data.chat, *data.tokenizer, input);
  std::vector<EncodedPart> parts;
  return data.tokenizer->encode_quoting(quoted.rendering.text, quoted.quoted, parts);
}

// A conversation as the gate renders it again: without the opening of an answer.
RenderedSample sample_of(const PreparedData& data, const ChatRecord& record, const LocalTime& day) {
  ChatInput input;
  input.messages = record.messages;
  input.tools = record.tools;
  input.now = day;
  set_special_tokens(*data.tokenizer, input);
  return {record.messages, record.tools, mask_answers(*data.chat, *data.tokenizer, input)};
}

}  // namespace

void prepare_prompts(const TuneRequest& request, const Path& data, const LocalTime& day,
                     PreparedData& out) {
  std::vector<Json> records;  // beside those that are read
  const ChatData asked = read_chat_data(data, [&](const Json& json) {
    ChatRecord record = asked_of(json);
    request.reward.check(json);
    records.push_back(json);
    return record;
  });
  out.report.broken = asked.broken;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const ChatRecord& record = asked.records[i];
    try {
      LabelledExample example;
      example.line = record.line;
      example.form = record.form;
      example.first.ids = prompt_ids(out, record, day);
      if (example.first.ids.empty()) throw Error("the prompt has no token");
      example.first.mask.assign(example.first.ids.size(), 0);
      example.prompt = example.first.ids.size();
      constexpr std::size_t kSamples = 4;
      if (out.chat && out.report.samples.size() < kSamples)
        out.report.samples.push_back(sample_of(out, record, day));
      out.report.tokens += static_cast<std::int64_t>(example.first.ids.size());
      out.report.longest = std::max(out.report.longest, static_cast<std::int64_t>(example.first.ids.size()));
      out.examples.push_back(std::move(example));
      out.records.push_back(std::move(records[i]));
    } catch (const Error& error) {
      out.report.broken.push_back({record.line, error.message()});
    }
  }
  std::ranges::sort(out.report.broken, {}, &BrokenRecord::line);
  out.report.records = static_cast<std::int64_t>(out.examples.size());
  if (!out.examples.empty()) return;
  throw Error("no record can be used: " + out.report.broken.front().reason)
      .in(data.string())
      .line(static_cast<std::uint64_t>(out.report.broken.front().line));
}

std::vector<std::string> PreparedData::lines() const {
  if (records.empty()) {
    std::vector<std::string> lines = report.lines();
    const auto talk = [](const auto& form) { return form.first != RecordForm::text && form.first > RecordForm::token_verdict; };
    if (!chat && std::ranges::any_of(report.forms, talk))
      lines.emplace_back("template: the model has none: an answer follows its question with nothing between; --template NAME gives it one");
    return lines;
  }
  std::vector<std::string> out{"data: " + number_of(report.records, "prompt") + " of at most " +
                               number_of(report.longest, "token")};
  if (!report.broken.empty())
    out.push_back("broken: " + number_of(report.broken.size(), "record") + "; the first, line " +
                  std::to_string(report.broken.front().line) + ": " + report.broken.front().reason);
  return out;
}

}  // namespace bantam::adapt
