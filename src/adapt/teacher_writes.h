// Distillation by text: a teacher, of any tokenizer, writes the answers that the student learns (Kim and Rush
// 2016, "Sequence-level knowledge distillation"). What it has written is kept in a file, line by line, so that
// a run which ends in the middle goes on from there.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/rooms.h"
#include "chat/chat_template.h"
#include "data/conversation.h"
#include "models/loader.h"
#include "tokenizer/tokenizer.h"

namespace bantam::adapt {

struct WritingSettings {
  std::int64_t most_tokens = 512;  // of an answer; one that is longer is left out
  double temperature = 0;          // 0: the likeliest token each time
  std::uint64_t seed = 1;          // a record's answer depends on it and the record's place alone
};

class TeacherWriter {
 public:
  // `questions` without their answers (data/questions.h). Throws Error when the teacher cannot be opened.
  // `day`: what templates see.
  TeacherWriter(const Path& teacher, ChatData questions, const WritingSettings& settings, const LocalTime& day);

  // Throws Error where the file holds answers that were written for another teacher, other questions or settings,
  // which write() would replace: they may have taken an hour. `anew`: they may go.
  void require_kept(const Path& kept, bool anew) const;

  // Answers what the file `kept` does not hold, several at once, by the teacher's own chat template, and
  // writes each into it as it ends; its owner alone can read it. One that was kept for another teacher, other
  // questions or settings is begun anew. `go_on` is asked between forward passes; false: it said no.
  bool write(const Path& kept, unsigned threads, const std::function<bool(std::int64_t done)>& go_on);

  // After write(): the questions with the answers that came to an end. `lines`: for people, what was left
  // out. Throws Error when nothing is left.
  ChatData take(std::vector<std::string>& lines);

  std::int64_t questions() const { return static_cast<std::int64_t>(asked_.size()); }
  bool has_template() const { return chat_.has_value(); }
  // Records that ask nothing, or that the teacher's template has no form for.
  const std::vector<BrokenRecord>& broken() const { return broken_; }

 private:
  struct Asked {
    ChatRecord record;
    std::vector<std::int32_t> ids;
    std::string opening;  // of the answer, which the template has written already: "<think>"
  };
  struct Said {
    std::string end, text;  // how it ended (stop_reason_name); empty: not yet
  };
  class Kept;

  Asked ask(ChatRecord record, const LocalTime& day) const;
  std::string purpose(const Path& teacher) const;
  bool answer(const std::vector<std::size_t>& pending, Kept& kept, unsigned threads,
              const std::function<bool(std::int64_t)>& go_on);

  std::shared_ptr<const ModelFile> file_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  std::optional<ChatTemplate> chat_;
  WritingSettings settings_;
  std::vector<Asked> asked_;
  std::vector<BrokenRecord> broken_;
  std::string made_for_;
  std::vector<Said> said_;  // by asked_
};

}  // namespace bantam::adapt
