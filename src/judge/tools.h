// Tools that a model uses while it answers: what the tool says is put into the answer, token by token,
// and the model goes on behind it. A small model that sets a sum up right need not also work it out.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/rooms.h"
#include "infer/hooks.h"
#include "tokenizer/stream_decoder.h"
#include "tokenizer/tokenizer.h"

namespace bantam::judge {

struct Tool {
  const char* name;
  const char* about;
  // What it says behind `text`, an answer so far; nothing: the text does not end with a call.
  std::optional<std::string> (*reply)(std::string_view text);
  // Why it cannot be used here; nothing: it can.
  std::optional<std::string> (*missing)();
};

std::span<const Tool> tools();
// The tools of these names. Throws Error (usage) for one that there is not, naming the nearest, and for one
// that cannot be used here.
std::vector<const Tool*> tools_named(std::span<const std::string> names);

// Lets one answer use tools: forces what they say. Of one answer, whose tokens it sees in order.
class ToolUse final : public Constraint {
 public:
  ToolUse(std::shared_ptr<const Tokenizer> tokenizer, std::vector<const Tool*> tools);
  void restrict(std::span<const std::int32_t> answer, std::span<bool> allowed) override;

 private:
  std::vector<std::int32_t> behind(std::string_view text, std::string_view said) const;

  std::shared_ptr<const Tokenizer> tokenizer_;
  std::vector<const Tool*> tools_;
  StreamDecoder decoder_;
  std::string text_;
  std::size_t seen_ = 0;               // tokens that text_ holds
  std::vector<std::int32_t> forced_;   // still to come, the next one last
};

// One for an answer, null without tools.
std::shared_ptr<Constraint> tool_use(std::shared_ptr<const Tokenizer> tokenizer, std::span<const Tool* const> tools);

}  // namespace bantam::judge
