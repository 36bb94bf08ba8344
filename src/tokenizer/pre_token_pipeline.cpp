#include "tokenizer/pre_token_pipeline.h"

#include <algorithm>
#include <deque>

#include "base/error.h"
#include "words/byte_alphabet.h"
#include "words/unicode.h"
#include "words/word_char.h"

namespace bantam::tokenizer {

namespace {

bool is_punctuation(char32_t value) {
  return (value < 0x7F && value > 0x20 && !is_word_char(value)) || value == '_' ||
         CharClasses::get()[value] & char_class::punctuation;
}

}  // namespace

// Views of the text, or of strings that are kept here.
class PreTokenPipeline::Pieces {
 public:
  explicit Pieces(std::string_view text) : views_{text}, text_(text) {}

  // Whether the piece is the beginning of the text, as it was given.
  bool begins_text(std::string_view piece) const { return piece.data() == text_.data(); }

  const std::vector<std::string_view>& views() const { return views_; }
  void swap(std::vector<std::string_view>& views) { views_.swap(views); }
  std::string_view keep(std::string text) { return kept_.emplace_back(std::move(text)); }

  // Each piece becomes what `make` says, when it says something else.
  template <class Make>
  void replace(Make make) {
    for (std::string_view& view : views_) view = make(view);
  }
  // Each piece is cut in runs of characters of the same class; classes below 0 are dropped, each
  // character of class 0 stands alone.
  template <class Class>
  void cut(Class class_of) {
    std::vector<std::string_view> out;
    for (const std::string_view view : views_) {
      std::size_t begin = 0;
      int current = -1;
      for (std::size_t at = 0; at < view.size();) {
        const Rune rune = decode_rune(view, at);
        const int next = class_of(rune.value);
        if (next != current || next == 0) {
          if (current >= 0) out.push_back(view.substr(begin, at - begin));
          begin = at;
          current = next;
        }
        at += rune.size;
      }
      if (current >= 0) out.push_back(view.substr(begin));
    }
    views_.swap(out);
  }

 private:
  std::vector<std::string_view> views_;
  std::string_view text_;
  std::deque<std::string> kept_;
};

PreTokenPipeline::PreTokenPipeline(const std::vector<PreTokenStep>& steps, std::string_view name) {
  auto step = steps.begin();
  if (step != steps.end() && step->kind == PreTokenStep::Kind::prefix_space) {
    prefix_space_ = true;
    ++step;
  }
  std::vector<PreStage> stages;
  for (; step != steps.end() && step->kind == PreTokenStep::Kind::stage; ++step)
    stages.push_back(step->stage);
  if (!name.empty())
    splitter_ = pre_tokenizer_by_name(name);
  else if (!stages.empty())
    splitter_ = pre_tokenizer_from_stages(stages);
  const bool bytes_last = step != steps.end() && step->kind == PreTokenStep::Kind::byte_level;
  if (step + (bytes_last ? 1 : 0) == steps.end()) return;

  splitter_.reset();
  for (step = steps.begin(); step != steps.end();) {
    Step next{*step, nullptr};
    if (step->kind == PreTokenStep::Kind::stage) {
      stages.clear();
      for (; step != steps.end() && step->kind == PreTokenStep::Kind::stage; ++step)
        stages.push_back(step->stage);
      next.splitter = pre_tokenizer_from_stages(stages);
    } else {
      to_bytes_ |= step->kind == PreTokenStep::Kind::byte_level;
      ++step;
    }
    general_.push_back(std::move(next));
  }
}

PreTokenPipeline::~PreTokenPipeline() = default;

void PreTokenPipeline::run(std::string_view text, bool first, const Take& take) const {
  if (text.empty()) return;
  if (!general_.empty()) {
    Pieces pieces(text);
    for (const Step& step : general_) run_step(step, first, pieces);
    if (to_bytes_)
      pieces.replace([&](std::string_view piece) {
        // What is no byte's character cannot come from text that was spelled so.
        auto bytes = ByteAlphabet::get().decode(piece);
        return bytes ? pieces.keep(std::move(*bytes)) : piece;
      });
    return take(pieces.views());
  }
  std::string spaced;
  if (prefix_space_ && text.front() != ' ') text = spaced.append(" ").append(text);
  if (splitter_) return splitter_->split(text, take);
  take({&text, 1});
}

void PreTokenPipeline::run_step(const Step& entry, bool first, Pieces& pieces) const {
  const PreTokenStep& step = entry.step;
  std::vector<std::string_view> out;
  switch (step.kind) {
    case PreTokenStep::Kind::stage:
      for (const std::string_view piece : pieces.views()) entry.splitter->split(piece, out);
      return pieces.swap(out);
    case PreTokenStep::Kind::prefix_space:
      return pieces.replace([&](std::string_view piece) {
        return piece.front() == ' ' ? piece : pieces.keep(" " + std::string(piece));
      });
    case PreTokenStep::Kind::byte_level:
      return pieces.replace(
          [&](std::string_view piece) { return pieces.keep(ByteAlphabet::get().encode(piece)); });
    case PreTokenStep::Kind::metaspace: {
      const auto mark = [&](std::string_view piece) {
        std::string marked;
        for (const char c : piece) c == ' ' ? marked += step.marker : marked += c;
        const bool wanted =
            step.prepend == PreTokenStep::Prepend::always ||
            (step.prepend == PreTokenStep::Prepend::first && first && pieces.begins_text(piece));
        if (wanted && !marked.starts_with(step.marker)) marked.insert(0, step.marker);
        return pieces.keep(std::move(marked));
      };
      pieces.replace(mark);
      if (!step.split) return;
      for (const std::string_view piece : pieces.views()) {
        std::size_t begin = 0;
        for (std::size_t at = piece.find(step.marker, 1); at != std::string_view::npos;
             at = piece.find(step.marker, at + 1)) {
          out.push_back(piece.substr(begin, at - begin));
          begin = at;
        }
        out.push_back(piece.substr(begin));
      }
      return pieces.swap(out);
    }
    case PreTokenStep::Kind::whitespace:
      return pieces.cut([](char32_t value) {
        return is_white_space(value) ? -1 : is_word_char(value) ? 1 : 2;
      });
    case PreTokenStep::Kind::whitespace_split:
      return pieces.cut([](char32_t value) { return is_white_space(value) ? -1 : 1; });
    case PreTokenStep::Kind::bert:
      return pieces.cut([](char32_t value) {
        return is_white_space(value) ? -1 : is_punctuation(value) ? 0 : 1;
      });
    case PreTokenStep::Kind::delimiter: {
      const char32_t delimiter = decode_rune(step.marker, 0).value;
      return pieces.cut([delimiter](char32_t value) { return value == delimiter ? -1 : 1; });
    }
    case PreTokenStep::Kind::fixed_length:
      for (const std::string_view piece : pieces.views())
        for (std::size_t at = 0; at < piece.size();) {
          std::size_t end = at;
          for (std::int64_t i = 0; i < step.length && end < piece.size(); ++i)
            end += decode_rune(piece, end).size;
          out.push_back(piece.substr(at, end - at));
          at = end;
        }
      return pieces.swap(out);
  }
}

}  // namespace bantam::tokenizer
