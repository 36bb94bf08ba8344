// Runs the stages of a pre-tokenizer over a text.
#include "words/pre_tokenizer.h"

#include <algorithm>

#include "words/byte_alphabet.h"
#include "words/pre_stage.h"
#include "words/unicode.h"

namespace bantam::words {

namespace {

using Stages = std::vector<PreStage>;

// Stages that follow a ByteLevel: they see GPT-2's spelling of bytes, a character for each.
class SpelledBytes final : public pre::Stage {
 public:
  explicit SpelledBytes(Stages stages) : stages_(std::move(stages)) {}
  void run(const char* begin, const char* end, pre::EmitRef emit) const override {
    run_with(begin, end, emit);
  }
  void run(const char* begin, const char* end, pre::Sink& sink) const override {
    run_with(begin, end, [&](const char* b, const char* e) { sink.add(b, e); });
  }

 private:
  template <class Emit>
  void run_with(const char* begin, const char* end, Emit&& emit) const {
    const std::string spelled =
        ByteAlphabet::get().encode({begin, static_cast<std::size_t>(end - begin)});
    std::size_t at = 0;  // in `spelled`; pieces may leave gaps
    stages_.split(spelled, [&](std::span<const std::string_view> pieces) {
      for (const std::string_view piece : pieces) {
        const auto first = static_cast<std::size_t>(piece.data() - spelled.data());
        begin += characters(std::string_view(spelled).substr(at, first - at));
        const char* const next = begin + characters(piece);
        emit(begin, next);
        begin = next;
        at = first + piece.size();
      }
    });
  }
  static std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
  }

  PreTokenizer stages_;
};

}  // namespace

PreTokenizer::PreTokenizer(std::vector<PreStage> stages, std::string_view gguf_name)
    : stages_(std::move(stages)), gguf_name_(gguf_name) {
  const Stages canonical = pre::canonical(stages_);
  if (auto whole = pre::known_sequence(canonical)) {
    running_.push_back(std::move(whole));
    return;
  }
  for (auto stage = canonical.begin(); stage != canonical.end(); ++stage) {
    auto known = pre::known_stage(*stage);
    running_.push_back(known != nullptr ? std::move(known) : pre::general_stage(*stage));
    if (stage->kind == PreStage::Kind::gpt2 && stage + 1 != canonical.end()) {
      running_.push_back(std::make_unique<SpelledBytes>(Stages(stage + 1, canonical.end())));
      return;
    }
  }
}

PreTokenizer::~PreTokenizer() = default;
PreTokenizer::PreTokenizer(PreTokenizer&&) noexcept = default;
PreTokenizer& PreTokenizer::operator=(PreTokenizer&&) noexcept = default;

void PreTokenizer::split(std::string_view text, std::vector<std::string_view>& out) const {
  split(text, [&](std::span<const std::string_view> pieces) {
    out.insert(out.end(), pieces.begin(), pieces.end());
  });
}

void PreTokenizer::split(std::string_view text, const Take& take) const {
  if (is_valid_utf8(text)) return split_valid(text, take);
  const std::string repaired = repair_utf8(text);
  // Pieces come in order: one walk over both texts leads from one to the other.
  std::size_t at = 0, repaired_at = 0;
  const auto original = [&](const char* p) {
    const auto target = static_cast<std::size_t>(p - repaired.data());
    while (repaired_at < target) {
      const Rune rune = decode_rune(text, at);
      at += rune.size;
      repaired_at += rune.value == kReplacement ? 3 : rune.size;
    }
    return at;
  };
  std::vector<std::string_view> pieces;
  split_valid(repaired, [&](std::span<const std::string_view> batch) {
    pieces.clear();
    for (const std::string_view piece : batch) {
      const std::size_t begin = original(piece.data());
      const std::size_t end = original(piece.data() + piece.size());
      // Stages that see bytes may cut a U+FFFD, which has no places inside in the text.
      if (begin != end) pieces.push_back(text.substr(begin, end - begin));
    }
    take(pieces);
  });
}

void PreTokenizer::split_valid(std::string_view text, const Take& take) const {
  if (text.empty()) return;
  pre::Sink sink(take);
  run_from(0, text.data(), text.data() + text.size(), sink);
  sink.flush();
}

void PreTokenizer::run_from(std::size_t stage, const char* begin, const char* end,
                            pre::Sink& sink) const {
  if (stage == running_.size()) return sink.add(begin, end);
  if (stage + 1 == running_.size()) return running_[stage]->run(begin, end, sink);
  const auto next = [&](const char* b, const char* e) { run_from(stage + 1, b, e, sink); };
  running_[stage]->run(begin, end, pre::EmitRef(next));
}

}  // namespace bantam::words
