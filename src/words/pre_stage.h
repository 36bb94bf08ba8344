// A stage of a pre-tokenizer at run time: a scanner, several of them fused, or an expression on
// PCRE2.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>

#include "base/rooms.h"
#include "words/pre_tokenizer.h"

namespace bantam::words::pre {

// Gathers pieces and hands them on in batches that stay in the first-level cache.
class Sink {
 public:
  explicit Sink(const PreTokenizer::Take& take) : take_(take) {}
  void add(const char* begin, const char* end) {
    pieces_[count_++] = {begin, static_cast<std::size_t>(end - begin)};
    if (count_ == pieces_.size()) flush();
  }
  void flush() {
    if (count_ != 0) take_(std::span(pieces_.data(), std::exchange(count_, 0)));
  }

 private:
  const PreTokenizer::Take& take_;
  std::array<std::string_view, 256> pieces_;
  std::size_t count_ = 0;
};

// A reference to something callable with the bounds of a piece.
class EmitRef {
 public:
  template <class Callable>
  explicit EmitRef(const Callable& callable)
      : object_(&callable), call_([](const void* object, const char* begin, const char* end) {
          (*static_cast<const Callable*>(object))(begin, end);
        }) {}
  void operator()(const char* begin, const char* end) const { call_(object_, begin, end); }

 private:
  const void* object_;
  void (*call_)(const void*, const char*, const char*);
};

class Stage {
 public:
  virtual ~Stage() = default;
  // Pieces, none of them empty, of a text that is not empty and is well-formed UTF-8.
  virtual void run(const char* begin, const char* end, EmitRef emit) const = 0;
  virtual void run(const char* begin, const char* end, Sink& sink) const = 0;
};

// A scanner as a stage.
template <class Scan>
class ScanStage final : public Stage {
 public:
  explicit ScanStage(Scan scan) : scan_(std::move(scan)) {}
  void run(const char* begin, const char* end, EmitRef emit) const override {
    scan_(begin, end, emit);
  }
  void run(const char* begin, const char* end, Sink& sink) const override {
    scan_(begin, end, [&sink](const char* b, const char* e) { sink.add(b, e); });
  }

 private:
  Scan scan_;
};

template <class Scan>
std::unique_ptr<const Stage> stage_of(Scan scan) {
  return std::make_unique<ScanStage<Scan>>(std::move(scan));
}

// The stage as any Split, Digits or Punctuation of tokenizer.json, without knowledge of patterns.
// Throws Error when the pattern does not compile.
std::unique_ptr<const Stage> general_stage(const PreStage& stage);

// A hand-written scanner for the stage, null when none is known.
std::unique_ptr<const Stage> known_stage(const PreStage& stage);

// One hand-written stage that does several at once, null when none is known.
std::unique_ptr<const Stage> known_sequence(const std::vector<PreStage>& stages);

// The stages in the form in which the tables have them: one spelling of each pattern, isolated
// where other behaviours come to the same.
std::vector<PreStage> canonical(const std::vector<PreStage>& stages);

}  // namespace bantam::words::pre
