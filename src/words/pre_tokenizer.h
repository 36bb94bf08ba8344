// Pre-tokenizers: how a text is cut into the pieces within which BPE merges. Those in common use
// are written by hand and linear in the text; any other pattern runs on PCRE2.
//
// A pre-tokenizer is a sequence of stages, each applied to every piece that the one before it made
// (as a Sequence in tokenizer.json, and as the list of expressions in llama.cpp,
// src/llama-vocab.cpp).
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/rooms.h"

namespace bantam::words {

// One stage, named as the component of tokenizer.json that does it.
struct PreStage {
  enum class Kind {
    split,        // Split by `pattern`
    digits,       // Digits: each \p{N} alone when `individual`, else each run of them
    punctuation,  // Punctuation (ASCII punctuation and \p{P}), a split with `behavior`
    gpt2,         // ByteLevel(use_regex=true): stages after it see GPT-2's spelling of bytes
  };
  // What becomes of a match (for `invert`: of what lies between matches).
  enum class Behavior { isolated, removed, merged_with_previous, merged_with_next, contiguous };

  Kind kind = Kind::split;
  std::string pattern = {};  // of a split
  bool literal = false;      // the pattern is a plain string ({"String": ..}), not an expression
  Behavior behavior = Behavior::isolated;
  bool invert = false;
  bool individual = false;

  friend bool operator==(const PreStage&, const PreStage&) = default;
};

namespace pre {
class Stage;
class Sink;
}  // namespace pre

class PreTokenizer {
 public:
  using Take = std::function<void(std::span<const std::string_view>)>;

  // Throws Error when a pattern does not compile. Known sequences get a hand-written splitter; in
  // others, each stage that is known alone does.
  explicit PreTokenizer(std::vector<PreStage> stages, std::string_view gguf_name = {});
  ~PreTokenizer();
  PreTokenizer(PreTokenizer&&) noexcept;
  PreTokenizer& operator=(PreTokenizer&&) noexcept;

  // Calls `take` with the pieces of `text`, in order, some hundreds at a time (so that they stay in
  // the cache). The pieces are views into `text`, none is empty, and together they are the whole
  // text (but where a stage removes). Any bytes are taken: ill-formed UTF-8 is classified as U+FFFD
  // and stays in the pieces as it is. May be called by several threads at once. Throws Error when
  // an expression run by PCRE2 takes more steps than allowed.
  void split(std::string_view text, const Take& take) const;
  // Appends the pieces to `out`.
  void split(std::string_view text, std::vector<std::string_view>& out) const;

  // The stages, for writing tokenizer.json: Split, Digits, Punctuation, ByteLevel(use_regex=true)
  // for `gpt2`. Where no `gpt2` is among them, a ByteLevel(use_regex=false) has to follow.
  const std::vector<PreStage>& stages() const { return stages_; }
  // The name in `tokenizer.ggml.pre` ("gpt-2", "llama-bpe", ...); empty if none has these stages.
  std::string_view gguf_name() const { return gguf_name_; }

 private:
  void split_valid(std::string_view text, const Take& take) const;
  void run_from(std::size_t stage, const char* begin, const char* end, pre::Sink& sink) const;

  std::vector<PreStage> stages_;
  std::string gguf_name_;
  std::vector<std::unique_ptr<const pre::Stage>> running_;
};

// By the value of GGUF's `tokenizer.ggml.pre`, aliases included ("llama3", "llama-v3",
// "llama-bpe"). Throws Error that lists the known names when there is none such. Where the makers'
// tokenizer.json is known to differ from what llama.cpp does for the name, it is the makers' that
// is done.
std::unique_ptr<PreTokenizer> pre_tokenizer_by_name(std::string_view gguf_name);

// From the stages of a tokenizer.json; with its GGUF name if there is one.
std::unique_ptr<PreTokenizer> pre_tokenizer_from_stages(std::vector<PreStage> stages);

// One Split by an expression, isolated.
std::unique_ptr<PreTokenizer> pre_tokenizer_from_regex(std::string_view pattern);

// All names that pre_tokenizer_by_name takes, sorted.
std::vector<std::string_view> pre_tokenizer_names();

// What else a name says in llama.cpp (src/llama-vocab.cpp, llama_vocab::impl::load).
struct PreTraits {
  bool ignore_merges = false;  // a piece that is a token is that token, whatever the merges
  bool add_bos = false;        // unless `tokenizer.ggml.add_bos_token` says otherwise
  bool add_sep = false;
  bool byte_level = true;  // false: the vocabulary holds UTF-8, not GPT-2's spelling of bytes
};
// Throws Error as pre_tokenizer_by_name does.
PreTraits pre_tokenizer_traits(std::string_view gguf_name);

// The name to write into a GGUF: one with these stages and this `ignore_merges`; empty if none has.
std::string_view pre_tokenizer_name_for(const std::vector<PreStage>& stages, bool ignore_merges);

}  // namespace bantam::words
