#include "tokenizer/end_tokens.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace bantam::tokenizer {

namespace {

constexpr std::array<std::string_view, 23> kEnds{
    "<|eot_id|>",
    "<|im_end|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<|flush|>",
    "<|calls|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "</s>",
    "<|eom_id|>",
    "<EOT>",
    "_<EOT>",
    "[EOT]",
    "[EOS]",
    "<|end_of_text|>",
    "<end_of_utterance>",
    "<eos>",
    "<turn|>",
    "<|tool_response>",
    "<｜end▁of▁sentence｜>",
    "[e~[",
    "<|fim_pad|>",
};
// Fill-in-the-middle markers that end a generation too.
constexpr std::array<std::string_view, 10> kFillEnds{
    "<fim-pad>",     "<fim_pad>",  "<PAD>",  "[PAD]",      "<|fim_repo|>",
    "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>", "<|file_sep|>",
};
constexpr std::array<std::string_view, 24> kFill{
    "<|fim_prefix|>", "<fim-prefix>",    "<fim_prefix>",    "<｜fim▁begin｜>", "<PRE>",
    "▁<PRE>",         "<|code_prefix|>", "<|prefix|>",      "<|fim_suffix|>",  "<fim-suffix>",
    "<fim_suffix>",   "<｜fim▁hole｜>",  "<SUF>",           "▁<SUF>",          "<|code_suffix|>",
    "<|suffix|>",     "<|fim_middle|>",  "<fim-middle>",    "<fim_middle>",    "<｜fim▁end｜>",
    "<MID>",          "▁<MID>",          "<|code_middle|>", "<|middle|>",
};
// Shown always.
constexpr std::array<std::string_view, 4> kShown{"<|channel|>", "<|message|>", "<|start|>",
                                                 "<|constrain|>"};

class Known {
 public:
  Known(TokenizerSpec& spec, bool retype) : spec_(spec), retype_(retype) {}

  std::int32_t find(std::string_view name) const { return spec_.vocabulary.find(name); }
  void type(std::string_view name, TokenType type) {
    const std::int32_t id = find(name);
    if (retype_ && id >= 0) spec_.types[static_cast<std::size_t>(id)] = type;
  }
  void end(std::string_view name) {
    type(name, TokenType::control);
    if (const std::int32_t id = find(name); id >= 0) spec_.ends.push_back(id);
  }
  void no_end(std::string_view name, TokenType type_now) {
    if (const std::int32_t id = find(name); id >= 0) {
      std::erase(spec_.ends, id);
      type(name, type_now);
    }
  }

 private:
  TokenizerSpec& spec_;
  bool retype_;
};

}  // namespace

bool is_known_end(std::string_view name) {
  const auto in = [name](const auto& names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  return in(kEnds) || in(kFillEnds);
}

bool is_turn_end(std::string_view name) {
  return name == "<|im_end|>" || name == "<|eot_id|>" || name == "<|end|>" ||
         name == "<end_of_turn>";
}

void add_known_ends(TokenizerSpec& spec, bool retype) {
  Known known(spec, retype);
  for (const std::string_view name : kFill) known.type(name, TokenType::control);
  for (const std::string_view name : kFillEnds) known.end(name);
  for (const std::string_view name : kEnds) known.end(name);
  for (const std::string_view name : kShown) known.type(name, TokenType::user_defined);
  const auto has = [&](std::string_view name) { return known.find(name) >= 0; };
  // Formats with channels end a message, not the turn, by <|end|>.
  const bool call = has("<|call|>") || has("<|calls|>");
  if (call && (has("<|return|>") || has("<|flush|>")))
    known.no_end("<|end|>", TokenType::user_defined);
  if (has("<|tool_response>")) known.no_end("</s>", TokenType::normal);
  if (spec.eos) spec.ends.push_back(*spec.eos);
  std::sort(spec.ends.begin(), spec.ends.end());
  spec.ends.erase(std::unique(spec.ends.begin(), spec.ends.end()), spec.ends.end());
}

std::vector<std::int32_t> ends_to_write(const TokenizerSpec& spec) {
  std::vector<std::int32_t> out = spec.said_ends;
  if (spec.eos) out.push_back(*spec.eos);
  if (out.empty()) return spec.ends;
  for (const std::int32_t id : spec.ends)
    if (is_turn_end(spec.vocabulary.piece(id)) &&
        spec.chat_template.find(spec.vocabulary.piece(id)) != std::string::npos)
      out.push_back(id);
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace bantam::tokenizer
