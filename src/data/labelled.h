// Records as tokens with their labels: what fine-tuning learns from.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/rooms.h"
#include "chat/answer_mask.h"
#include "data/conversation.h"
#include "tokenizer/tokenizer.h"

namespace bantam::data {

// What may stand at the place of a label, and the share of each: what a teacher says there.
struct SoftLabel {
  std::vector<std::int32_t> ids;
  std::vector<float> shares;
};

struct LabelledIds {
  std::vector<std::int32_t> ids;
  std::vector<std::uint8_t> mask;  // 1: the token is a label, predicted from those before it
  std::vector<SoftLabel> soft = {};  // of each label in order; empty: there is no teacher
  std::int64_t labels() const;     // the first token is none
};

enum class ExampleKind : std::uint8_t { supervised, preference, verdict };

struct LabelledExample {
  std::int64_t line = 0;
  RecordForm form = RecordForm::text;
  ExampleKind kind = ExampleKind::supervised;
  LabelledIds first;   // all of it; prompt and chosen; prompt and completion
  LabelledIds second;  // prompt and rejected
  std::size_t prompt = 0;  // tokens before the answer, of preferences and verdicts
  bool label = true;       // of a verdict
  bool cut = false;        // it was longer than allowed
  bool stopped = true;     // each answer ends with a stop token
};

struct LabelOptions {
  Labels labels = Labels::answers;
  std::int64_t most_tokens = 0;  // longer records are cut at their end; 0: none is
  LocalTime now;                 // that templates see
};

// A conversation as it was rendered: for looking at, and for comparing later.
struct RenderedSample {
  Json messages, tools;
  MaskedPrompt masked;
};

class Labeller {
 public:
  // `chat` may be null: then a prompt and its answer simply follow each other. Both outlive this.
  Labeller(const Tokenizer& tokenizer, const ChatTemplate* chat, LabelOptions options);
  // Throws Error: a conversation without a template, what the template raises, ids outside the
  // vocabulary, a prompt that the template renders differently before its two answers.
  LabelledExample label(const ChatRecord& record) const;
  // The conversation of a record (of a preference with its chosen answer) as the template renders
  // it; none of a record that is no conversation, or without a template.
  std::optional<RenderedSample> sample(const ChatRecord& record) const;
  // The template writes the same conversation with the record's tools and without.
  bool leaves_out_tools(const ChatRecord& record) const;
  // A token at which generation stops is among the labels (of a preference: of the chosen answer).
  bool teaches_to_stop(const LabelledExample& example) const;

 private:
  MaskedPrompt rendered(const Json& messages, const Json& tools, Labels labels) const;
  LabelledIds conversation(const Json& messages, const Json& tools, bool* stopped) const;
  LabelledIds plain(const Json& messages, std::size_t* prompt = nullptr) const;
  std::size_t answer_of(const ChatRecord& record, const Json& answer, LabelledIds& out,
                        bool* stopped) const;
  void check_ids(const LabelledIds& ids) const;
  void shorten(LabelledExample& example) const;

  const Tokenizer& tokenizer_;
  const ChatTemplate* chat_;
  LabelOptions options_;
};

// What a person should know before training.
struct LabelReport {
  std::vector<std::pair<RecordForm, std::int64_t>> forms;
  std::int64_t records = 0, tokens = 0, labels = 0, cut = 0, empty = 0;
  std::int64_t given = 0, endless = 0;  // records of tokens; those of which no label ends an answer
  bool tools_left_out = false;          // the template does not write which tools there are
  std::int64_t shortest = 0, median = 0, high = 0, longest = 0;  // tokens of a record; 95 of 100 at most `high`
  std::vector<std::pair<std::int64_t, std::int64_t>> duplicates;  // lines: the first, the other
  std::vector<BrokenRecord> broken;
  std::vector<RenderedSample> samples;  // the first few conversations
  std::vector<std::string> lines() const;  // for people
};

// Every record that can be used. Those that cannot are listed as broken; those of which no label is
// left after cutting are counted as `empty` and left out.
std::vector<LabelledExample> label_records(const ChatData& data, const Labeller& labeller,
                                           LabelReport& report);

// Throws Error naming the line and why: no token is a label, or every one is; an answer's stop
// token is missing or no label, so that the model would never learn to stop.
void check_labels(std::span<const LabelledExample> examples, const Tokenizer& tokenizer,
                  Labels labels);

}  // namespace bantam::data
