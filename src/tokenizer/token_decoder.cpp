#include "tokenizer/token_decoder.h"

#include <array>

#include "base/error.h"
#include "words/byte_alphabet.h"
#include "words/regex.h"
#include "words/unicode.h"

namespace bantam::tokenizer {

namespace {

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at)) {
    text.replace(at, from.size(), to);
    at += to.size();
  }
}

// The spaces that WordPiece leaves before punctuation and clitics (decoders/wordpiece.rs).
void clean_up(std::string& text) {
  static constexpr std::array<std::array<std::string_view, 2>, 11> kChanges{{
      {" .", "."},
      {" ?", "?"},
      {" !", "!"},
      {" ,", ","},
      {" ' ", "'"},
      {" n't", "n't"},
      {" 'm", "'m"},
      {" do not", " don't"},
      {" 's", "'s"},
      {" 've", "'ve"},
      {" 're", "'re"},
  }};
  for (const auto& [from, to] : kChanges) replace_all(text, from, to);
}

class ByteLevelDecode final : public DecodeOp {
 public:
  bool apply(std::string& token, Memory&) const override {
    if (auto bytes = ByteAlphabet::get().decode(token)) token = std::move(*bytes);
    return true;
  }
};

class ReplaceDecode final : public DecodeOp {
 public:
  explicit ReplaceDecode(const DecodeStep& step) : from_(step.pattern), to_(step.content) {
    if (!step.literal) regex_ = std::make_unique<Regex>(step.pattern);
    if (from_.empty()) throw Error("a pattern was expected, not an empty one").field("Replace");
  }
  bool apply(std::string& token, Memory&) const override {
    if (!regex_) return replace_all(token, from_, to_), true;
    if (!is_valid_utf8(token)) return true;
    std::string out;
    std::size_t done = 0;
    regex_->find_all(token, [&](Regex::Match match) {
      out.append(token, done, match.begin - done).append(to_);
      done = match.end;
    });
    token = out.append(token, done);
    return true;
  }

 private:
  std::string from_, to_;
  std::unique_ptr<Regex> regex_;
};

class ByteFallbackDecode final : public DecodeOp {
 public:
  bool apply(std::string& token, Memory&) const override {
    if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return true;
    const int high = digit(token[3]), low = digit(token[4]);
    if (high >= 0 && low >= 0) token.assign(1, static_cast<char>(high * 16 + low));
    return true;
  }

 private:
  static int digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  }
};

// Cuts up to `start` times `content` from the beginning of each token, and `stop` times from its
// end.
class StripDecode final : public DecodeOp {
 public:
  explicit StripDecode(const DecodeStep& step)
      : content_(step.content), start_(step.start), stop_(step.stop) {}
  bool apply(std::string& token, Memory&) const override {
    std::string_view rest = token;
    for (std::int64_t i = 0; i < start_ && rest.starts_with(content_); ++i)
      rest.remove_prefix(content_.size());
    for (std::int64_t i = 0; i < stop_ && rest.ends_with(content_); ++i)
      rest.remove_suffix(content_.size());
    token = std::string(rest);
    return true;
  }

 private:
  std::string content_;
  std::int64_t start_, stop_;
};

// The same for all tokens joined: nothing but the beginning can be cut while they come.
class StripStartDecode final : public DecodeOp {
 public:
  explicit StripStartDecode(const DecodeStep& step) : content_(step.content), start_(step.start) {}
  bool apply(std::string& token, Memory& memory) const override {
    std::string_view rest = token;
    for (; memory.count < start_ && rest.starts_with(content_); ++memory.count)
      rest.remove_prefix(content_.size());
    if (!rest.empty()) memory.count = start_;
    token = std::string(rest);
    return true;
  }

 private:
  std::string content_;
  std::int64_t start_;
};

// Holds everything back until the end, for what can be done with the joined text alone.
class JoinDecode final : public DecodeOp {
 public:
  bool apply(std::string& token, Memory& memory) const override {
    memory.held += token;
    return false;
  }
  bool finish(std::string& token, Memory& memory) const override {
    token = std::move(memory.held);
    return true;
  }
};

class MetaspaceDecode final : public DecodeOp {
 public:
  explicit MetaspaceDecode(const DecodeStep& step)
      : marker_(step.content), drop_first_(step.first_space) {}
  bool apply(std::string& token, Memory& memory) const override {
    replace_all(token, marker_, drop_first_ && !memory.begun ? "" : " ");
    memory.begun = true;
    return true;
  }

 private:
  std::string marker_;
  bool drop_first_;
};

class WordPieceDecode final : public DecodeOp {
 public:
  explicit WordPieceDecode(const DecodeStep& step)
      : prefix_(step.content), cleanup_(step.cleanup) {}
  bool apply(std::string& token, Memory& memory) const override {
    if (memory.begun) {
      if (token.starts_with(prefix_))
        token.erase(0, prefix_.size());
      else
        token.insert(0, " ");
    }
    memory.begun = true;
    if (cleanup_) clean_up(token);
    return true;
  }

 private:
  std::string prefix_;
  bool cleanup_;
};

// The suffix of a word's last piece is a space, but at the end of the text it is nothing.
class BpeDecode final : public DecodeOp {
 public:
  explicit BpeDecode(const DecodeStep& step) : suffix_(step.content) {
    if (suffix_.empty()) throw Error("a suffix was expected, not an empty one").field("BPEDecoder");
  }
  bool apply(std::string& token, Memory& memory) const override {
    const bool any = memory.begun;
    memory.begun = true;
    token.swap(memory.held);
    replace_all(token, suffix_, " ");
    return any;
  }
  bool finish(std::string& token, Memory& memory) const override {
    token = std::move(memory.held);
    replace_all(token, suffix_, "");
    return memory.begun;
  }

 private:
  std::string suffix_;
};

class CtcDecode final : public DecodeOp {
 public:
  explicit CtcDecode(const DecodeStep& step)
      : pad_(step.pattern), delimiter_(step.content), cleanup_(step.cleanup) {
    if (pad_.empty() || delimiter_.empty())
      throw Error("a pad token and a delimiter were expected").field("CTC");
  }
  bool apply(std::string& token, Memory& memory) const override {
    if (memory.begun && memory.held == token) return false;
    memory.begun = true;
    memory.held = token;
    replace_all(token, pad_, "");
    if (cleanup_) {
      clean_up(token);
      replace_all(token, delimiter_, " ");
    }
    return !token.empty();
  }

 private:
  std::string pad_, delimiter_;
  bool cleanup_;
};

std::unique_ptr<DecodeOp> make_op(const DecodeStep& step) {
  using Kind = DecodeStep::Kind;
  switch (step.kind) {
    case Kind::byte_level:
      return std::make_unique<ByteLevelDecode>();
    case Kind::replace:
      return std::make_unique<ReplaceDecode>(step);
    case Kind::byte_fallback:
      return std::make_unique<ByteFallbackDecode>();
    case Kind::strip:
      return std::make_unique<StripDecode>(step);
    case Kind::metaspace:
      return std::make_unique<MetaspaceDecode>(step);
    case Kind::word_piece:
      return std::make_unique<WordPieceDecode>(step);
    case Kind::bpe:
      return std::make_unique<BpeDecode>(step);
    case Kind::ctc:
      return std::make_unique<CtcDecode>(step);
    case Kind::fuse:
      break;
  }
  throw Error("the decoder is not known");
}

}  // namespace

void Utf8Stream::feed(std::string_view bytes, std::string& out) {
  pending_ += bytes;
  std::size_t at = 0;
  for (;;) {
    const std::string_view rest = std::string_view(pending_).substr(at);
    const std::size_t valid = valid_utf8_prefix(rest);
    out.append(rest.substr(0, valid));
    at += valid;
    if (at == pending_.size()) break;
    const Rune bad = decode_rune(pending_, at);
    const auto lead = static_cast<unsigned char>(pending_[at]);
    if (at + bad.size == pending_.size() && lead >= 0xC2 && lead <= 0xF4)
      break;  // cut short so far: the next bytes may complete it
    append_utf8(out, kReplacement);
    at += bad.size;
  }
  pending_.erase(0, at);
}

void Utf8Stream::finish(std::string& out) {
  out += repair_utf8(pending_);
  pending_.clear();
}

TokenDecoder::TokenDecoder(const std::vector<DecodeStep>& steps) : spaced_(steps.empty()) {
  bool joined = false;
  for (const DecodeStep& step : steps) {
    if (step.kind == DecodeStep::Kind::fuse) {
      joined = true;
      continue;
    }
    const bool strip_start = step.kind == DecodeStep::Kind::strip && step.stop == 0;
    if (joined && strip_start) {
      ops_.push_back(std::make_unique<StripStartDecode>(step));
      continue;
    }
    if (joined) ops_.push_back(std::make_unique<JoinDecode>());
    ops_.push_back(make_op(step));
    if (step.kind == DecodeStep::Kind::byte_level) joined = byte_level_ = true;
  }
}

void TokenDecoder::run(std::string token, std::size_t from, State& state, std::string& out) const {
  for (std::size_t i = from; i < ops_.size(); ++i)
    if (!ops_[i]->apply(token, state.memory_[i])) return;
  out += token;
}

void TokenDecoder::feed(std::string_view piece, bool raw, State& state, std::string& out) const {
  if (spaced_ && state.begun_) out += ' ';
  state.begun_ = true;
  run(std::string(piece), raw && byte_level_ ? 1 : 0, state, out);
}

void TokenDecoder::finish(State& state, std::string& out) const {
  for (std::size_t i = 0; i < ops_.size(); ++i) {
    std::string token;
    if (ops_[i]->finish(token, state.memory_[i])) run(std::move(token), i + 1, state, out);
  }
  state = State(*this);
}

std::string TokenDecoder::alone(std::string_view piece, bool raw) const {
  State state(*this);
  for (DecodeOp::Memory& memory : state.memory_) {
    memory.begun = true;
    memory.count = INT64_MAX;
  }
  std::string out;
  feed(piece, raw, state, out);
  return out;
}

}  // namespace bantam::tokenizer
