// Stages without knowledge of patterns, as huggingface/tokenizers splits (tokenizers/src/tokenizer/
// normalizer.rs, NormalizedString::split, and pattern.rs).
#include "words/pre_stage.h"

#include "words/pre_scan.h"
#include "words/regex.h"

namespace bantam::words::pre {
namespace {

struct Segment {
  const char *begin, *end;
  bool matched;
};

// Cuts a text into matches and what lies between them.
class Finder {
 public:
  virtual ~Finder() = default;
  virtual std::vector<Segment> find(const char* begin, const char* end) const = 0;
};

class Segments {
 public:
  explicit Segments(const char* begin) : open_(begin) {}
  void match(const char* begin, const char* end) {
    if (open_ != begin) list_.push_back({open_, begin, false});
    list_.push_back({begin, end, true});
    open_ = end;
  }
  std::vector<Segment> finish(const char* end) {
    if (open_ != end) list_.push_back({open_, end, false});
    return std::move(list_);
  }

 private:
  const char* open_;
  std::vector<Segment> list_;
};

class RegexFinder final : public Finder {
 public:
  explicit RegexFinder(std::string_view pattern) : regex_(pattern) {}
  std::vector<Segment> find(const char* begin, const char* end) const override {
    Segments segments(begin);
    regex_.find_all({begin, static_cast<std::size_t>(end - begin)},
                    [&](Regex::Match m) { segments.match(begin + m.begin, begin + m.end); });
    return segments.finish(end);
  }

 private:
  Regex regex_;
};

class LiteralFinder final : public Finder {
 public:
  explicit LiteralFinder(std::string_view literal) : literal_(literal) {}
  std::vector<Segment> find(const char* begin, const char* end) const override {
    Segments segments(begin);
    const std::string_view text(begin, static_cast<std::size_t>(end - begin));
    // An empty one matches nowhere.
    for (std::size_t at = 0; !literal_.empty(); at += literal_.size()) {
      at = text.find(literal_, at);
      if (at == std::string_view::npos) break;
      segments.match(begin + at, begin + at + literal_.size());
    }
    return segments.finish(end);
  }

 private:
  std::string literal_;
};

// Each character of the classes, and of ASCII's punctuation if asked for, is a match of its own.
class ClassFinder final : public Finder {
 public:
  ClassFinder(std::uint16_t bits, bool ascii_symbols)
      : bits_(bits), ascii_symbols_(ascii_symbols) {}
  std::vector<Segment> find(const char* begin, const char* end) const override {
    Segments segments(begin);
    for (const char* p = begin; p != end;) {
      const Classified c = reader_.at(p);
      const bool symbol = ascii_symbols_ && c.value < 0x80 && (c.bits & char_class::symbol);
      if (symbol || (c.bits & bits_)) segments.match(p, p + c.size);
      p += c.size;
    }
    return segments.finish(end);
  }

 private:
  std::uint16_t bits_;
  bool ascii_symbols_;
  Reader reader_;
};

// Joins or drops segments as the behaviour says; the order is kept.
std::vector<Segment> arrange(std::vector<Segment> in, PreStage::Behavior behavior) {
  using Behavior = PreStage::Behavior;
  std::vector<Segment> out;
  bool after_match = false;
  switch (behavior) {
    case Behavior::isolated:
      return in;
    case Behavior::removed:
      std::erase_if(in, [](const Segment& s) { return s.matched; });
      return in;
    case Behavior::contiguous:
      for (const Segment& s : in) {
        if (!out.empty() && out.back().matched == s.matched) {
          out.back().end = s.end;
        } else {
          out.push_back(s);
        }
      }
      return out;
    case Behavior::merged_with_previous:
      for (const Segment& s : in) {
        if (s.matched && !after_match && !out.empty()) {
          out.back().end = s.end;
        } else {
          out.push_back(s);
        }
        after_match = s.matched;
      }
      return out;
    case Behavior::merged_with_next:
      for (auto s = in.rbegin(); s != in.rend(); ++s) {
        if (s->matched && !after_match && !out.empty()) {
          out.back().begin = s->begin;
        } else {
          out.push_back(*s);
        }
        after_match = s->matched;
      }
      return {out.rbegin(), out.rend()};
  }
  return in;
}

class GeneralStage final : public Stage {
 public:
  GeneralStage(std::unique_ptr<const Finder> finder, PreStage::Behavior behavior, bool invert)
      : finder_(std::move(finder)), behavior_(behavior), invert_(invert) {}

  void run(const char* begin, const char* end, EmitRef emit) const override {
    run_with(begin, end, emit);
  }
  void run(const char* begin, const char* end, Sink& sink) const override {
    run_with(begin, end, [&](const char* b, const char* e) { sink.add(b, e); });
  }

 private:
  template <class Emit>
  void run_with(const char* begin, const char* end, Emit&& emit) const {
    std::vector<Segment> segments = finder_->find(begin, end);
    if (invert_)
      for (Segment& s : segments) s.matched = !s.matched;
    for (const Segment& s : arrange(std::move(segments), behavior_))
      if (s.begin != s.end) emit(s.begin, s.end);
  }

  std::unique_ptr<const Finder> finder_;
  PreStage::Behavior behavior_;
  bool invert_;
};

}  // namespace

std::unique_ptr<const Stage> general_stage(const PreStage& stage) {
  const auto make = [](std::unique_ptr<const Finder> finder, PreStage::Behavior behavior,
                       bool invert) {
    return std::make_unique<GeneralStage>(std::move(finder), behavior, invert);
  };
  switch (stage.kind) {
    case PreStage::Kind::digits:
      return make(std::make_unique<ClassFinder>(char_class::number, false),
                  stage.individual ? PreStage::Behavior::isolated : PreStage::Behavior::contiguous,
                  false);
    case PreStage::Kind::punctuation:
      return make(std::make_unique<ClassFinder>(char_class::punctuation, true), stage.behavior,
                  false);
    case PreStage::Kind::gpt2:
      return stage_of(Gpt2{});
    case PreStage::Kind::split:
      break;
  }
  if (stage.literal)
    return make(std::make_unique<LiteralFinder>(stage.pattern), stage.behavior, stage.invert);
  return make(std::make_unique<RegexFinder>(stage.pattern), stage.behavior, stage.invert);
}

}  // namespace bantam::words::pre
