#include "adapt/teacher_writes.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "adapt/teacher.h"
#include "base/counting.h"
#include "base/error.h"
#include "base/hash.h"
#include "chat/content_form.h"
#include "infer/decoder.h"
#include "infer/session.h"

namespace bantam::adapt {

namespace {

constexpr std::int64_t kAnswersAtOnce = 8;
constexpr std::int64_t kPromptRows = 512;  // of a pass beside tokens of answers: nobody waits for those here
constexpr const char* kTooLong = "too long";

}  // namespace

// The file: a line that says what it was made for, then a line an answer: {"record", "end", "text"}.
class TeacherWriter::Kept {
 public:
  static std::string head_of(const std::string& made_for) { return to_text(Json{{"made_for", made_for}}) + "\n"; }

  Kept(const Path& path, const std::string& made_for, std::vector<Said>& said) : path_(path), said_(said) {
    head_ = head_of(made_for);
    read();
    // Also rid of a last line that a kill has cut, and in the order of the records.
    rewrite();
    out_.open(path_, std::ios::binary | std::ios::app);
  }

  void add(std::size_t record, std::string_view end, const std::string& text) {
    const std::string line = line_of(record, {std::string(end), text});
    take(line);  // as it will be read again
    out_ << line << std::flush;
    if (!out_) throw Error("cannot be written: is the disk full?").in(path_.string());
  }

  // The same bytes, whenever and however often it was interrupted.
  void rewrite() {
    AtomicFile file(path_, 0600);
    file.write(head_);
    for (std::size_t i = 0; i < said_.size(); ++i)
      if (!said_[i].end.empty()) file.write(line_of(i, said_[i]));
    file.commit();
  }

 private:
  static std::string line_of(std::size_t record, const Said& said) {
    return to_text(Json{{"record", record}, {"end", said.end}, {"text", said.text}}) + "\n";
  }
  bool take(std::string_view line) {
    try {
      const Json json = parse_json(line, path_.string());
      const auto record = json.at("record").get<std::size_t>();
      if (record >= said_.size()) return false;
      said_[record] = {json.at("end").get<std::string>(), json.at("text").get<std::string>()};
      return true;
    } catch (const std::exception&) {
      return false;
    }
  }
  void read() {
    std::error_code ignored;
    if (!std::filesystem::exists(path_, ignored)) return;
    const std::string bytes = read_file(path_);
    if (!bytes.starts_with(head_)) return;
    std::string_view rest = std::string_view(bytes).substr(head_.size());
    for (std::size_t end; (end = rest.find('\n')) != std::string_view::npos; rest.remove_prefix(end + 1))
      if (!take(rest.substr(0, end))) return;
  }

  Path path_;
  std::string head_;
  std::vector<Said>& said_;
  std::ofstream out_;
};

TeacherWriter::TeacherWriter(const Path& teacher, ChatData questions, const WritingSettings& settings, const LocalTime& day)
    : file_(std::make_shared<const ModelFile>(teacher)),
      tokenizer_(tokenizer_of(*file_)),
      chat_(own_template(*tokenizer_, teacher.string())),
      settings_(settings),
      broken_(std::move(questions.broken)) {
  check_weights(*file_);
  for (ChatRecord& record : questions.records) {
    const std::int64_t line = record.line;
    try {
      asked_.push_back(ask(std::move(record), day));
    } catch (const Error& error) {
      broken_.push_back({line, "the teacher cannot be asked: " + error.message()});
    }
  }
  said_.resize(asked_.size());
  made_for_ = purpose(teacher);
}

TeacherWriter::Asked TeacherWriter::ask(ChatRecord record, const LocalTime& day) const {
  Asked out;
  if (chat_) {
    ChatInput input;
    input.messages = record.messages;
    input.tools = record.tools;
    input.now = day;
    set_special_tokens(*tokenizer_, input);
    const std::string text = chat_->render(input);
    out.ids = tokenizer_->encode(text, {false, true});
    const std::size_t thought = text.rfind("<think>"), last = text.find_last_not_of(" \n");
    if (thought != std::string::npos && last + 1 == thought + 7) out.opening = text.substr(thought);
  } else {
    if (record.messages.size() != 1)
      throw Error("it has no chat template, and this is more than a prompt");
    out.ids = tokenizer_->encode(text_of_content(record.messages[0]["content"]).value());
  }
  if (out.ids.empty()) throw Error("the prompt has no tokens");
  out.record = std::move(record);
  return out;
}

std::string TeacherWriter::purpose(const Path& teacher) const {
  Sha256 sum;
  const std::string mark = teacher_mark(*file_, teacher) +
                           to_text(Json{settings_.most_tokens, settings_.temperature, settings_.seed});
  sum.add(std::as_bytes(std::span(mark)));
  for (const Asked& a : asked_) {
    const std::uint64_t count = a.ids.size();
    sum.add(std::as_bytes(std::span(&count, 1)));
    sum.add(std::as_bytes(std::span(a.ids)));
  }
  return sum.hex();
}

void TeacherWriter::require_kept(const Path& path, bool anew) const {
  std::error_code ignored;
  if (anew || !std::filesystem::exists(path, ignored)) return;
  const std::string bytes = read_file(path);
  const auto lines = std::ranges::count(bytes, '\n');
  if (lines < 2 || bytes.starts_with(Kept::head_of(made_for_))) return;
  throw Error("holds " + number_of(lines - 1, "answer") +
              " of a teacher that were written for other questions, another teacher or other settings than these: say what "
              "was said then to go on with them, --force (without --resume) to have all written anew, or another --out")
      .in(path.string());
}

bool TeacherWriter::write(const Path& path, unsigned threads, const std::function<bool(std::int64_t done)>& go_on) {
  Kept kept(path, made_for_, said_);
  std::vector<std::size_t> pending;
  for (std::size_t i = 0; i < said_.size(); ++i) {
    if (!said_[i].end.empty()) continue;
    if (static_cast<std::int64_t>(asked_[i].ids.size()) >= file_->config().context)
      kept.add(i, kTooLong, "");
    else
      pending.push_back(i);
  }
  const bool whole = pending.empty() || answer(pending, kept, threads, go_on);
  if (whole) kept.rewrite();
  return whole;
}

bool TeacherWriter::answer(const std::vector<std::size_t>& pending, Kept& kept, unsigned threads,
                           const std::function<bool(std::int64_t)>& go_on) {
  struct Live {
    std::size_t record;
    Answer answer;
    Going going;
    Live(std::size_t at, const Asked& asked, const std::shared_ptr<const Tokenizer>& tokenizer, AnswerOptions options)
        : record(at), answer(tokenizer, std::move(options)), going(asked.ids, answer) {}
  };
  std::size_t longest = 0;
  for (const std::size_t i : pending) longest = std::max(longest, asked_[i].ids.size());
  SessionOptions options;
  options.threads = threads;
  options.positions = std::min(file_->config().context, static_cast<std::int64_t>(longest) + settings_.most_tokens);
  options.slots = std::min(kAnswersAtOnce, static_cast<std::int64_t>(pending.size()));
  Session session(file_, options);
  DecoderOptions how;
  how.rows_beside = kPromptRows;
  Decoder decoder(session, how);
  std::vector<std::unique_ptr<Live>> live;
  std::vector<Going*> goings;
  auto done = static_cast<std::int64_t>(said_.size() - pending.size());
  for (std::size_t next = 0; next < pending.size() || !live.empty();) {
    // One a pass: the next prompt then finds what it shares with this one in its slot.
    if (next < pending.size() && live.size() < static_cast<std::size_t>(session.slots())) {
      const Asked& asked = asked_[pending[next]];
      AnswerOptions one;
      one.sampling.temperature = settings_.temperature;
      one.sampling.seed = settings_.seed;
      one.stream = pending[next];
      one.most_tokens = settings_.most_tokens;
      if (!chat_) one.continues = asked.ids;
      live.push_back(std::make_unique<Live>(pending[next++], asked, tokenizer_, std::move(one)));
      decoder.seat(live.back()->going, goings);
      goings.push_back(&live.back()->going);
    }
    if (!decoder.step(goings, [&] { return go_on(done); })) return false;
    for (const auto& l : live) {
      if (l->going.fault()) std::rethrow_exception(l->going.fault());
      if (!l->going.over()) continue;
      kept.add(l->record, stop_reason_name(l->answer.reason()), asked_[l->record].opening + l->answer.text());
      ++done;
    }
    std::erase_if(live, [](const auto& l) { return l->going.over(); });
    goings.clear();
    for (const auto& l : live) goings.push_back(&l->going);
  }
  return true;
}

ChatData TeacherWriter::take(std::vector<std::string>& lines) {
  ChatData out;
  out.broken = std::move(broken_);
  std::int64_t cut = 0, empty = 0, too_long = 0;
  for (std::size_t i = 0; i < asked_.size(); ++i) {
    const Said& said = said_[i];
    if (said.end == kTooLong) {
      ++too_long;
    } else if (said.end != stop_reason_name(StopReason::end)) {
      ++cut;
    } else if (said.text.find_first_not_of(" \t\r\n") == std::string::npos) {
      ++empty;
    } else {
      ChatRecord& record = out.records.emplace_back(std::move(asked_[i].record));
      record.messages.push_back({{"role", "assistant"}, {"content", said.text}});
    }
  }
  const auto number = [](std::int64_t n) { return std::to_string(n); };
  lines.push_back("the teacher wrote " + number_of(out.records.size(), "answer"));
  if (cut > 0)
    lines.push_back("left out: " + number(cut) + " that did not end within " + number_of(settings_.most_tokens, "token") +
                    " (--teacher-tokens) or the teacher's context");
  if (empty > 0) lines.push_back("left out: " + number_of(empty, "empty answer"));
  if (too_long > 0) lines.push_back("left out: " + number_of(too_long, "question") + " longer than the teacher's context");
  if (out.records.empty())
    throw Error("no answer of the teacher can be learnt: " + number(cut) + " did not end within " + number_of(settings_.most_tokens, "token") +
                " (say more with --teacher-tokens), " + number_of(empty, "empty answer") + ", " +
                number_of(too_long, "question") + " too long for its context, " + number(static_cast<std::int64_t>(out.broken.size())) + " cannot be asked" +
                (out.broken.empty() ? "" : " (line " + number(out.broken.front().line) + ": " + out.broken.front().reason + ")"));
  return out;
}

}  // namespace bantam::adapt
