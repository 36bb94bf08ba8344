#include "judge/tools.h"

#include <algorithm>

#include "base/error.h"
#include "base/nearest.h"
#include "judge/calculator.h"
#include "judge/sandbox.h"

namespace bantam::judge {

namespace {

// GSM8K's annotation (Cobbe et al. 2021, "Training verifiers to solve math word problems", section 4):
// <<12*3=36>>. What stands between the signs is worked out once the model has written the "=".
std::optional<std::string> calculator_reply(std::string_view text) {
  constexpr std::string_view kOpen = "<<";
  if (!text.ends_with('=')) return std::nullopt;
  text.remove_suffix(1);
  const std::size_t open = text.rfind(kOpen);
  if (open == std::string_view::npos) return std::nullopt;
  const std::optional<std::string> value = calculate(text.substr(open + kOpen.size()));
  return value ? std::optional(*value + ">>") : std::nullopt;
}

// A block of Python that has just been closed is run, and what it printed follows as a block of output.
std::optional<std::string> python_reply(std::string_view text) {
  constexpr std::string_view kFence = "```";
  if (!text.ends_with(kFence)) return std::nullopt;
  // Fences open and close in turn: this one closes where their number is even.
  std::size_t fences = 0, opened = 0;
  for (std::size_t at = text.find(kFence); at != std::string_view::npos; at = text.find(kFence, at + kFence.size())) {
    if (++fences % 2 == 1) opened = at;
  }
  if (fences % 2 == 1) return std::nullopt;
  std::string_view block = text.substr(opened + kFence.size());
  block.remove_suffix(kFence.size());
  const std::size_t line = block.find('\n');
  if (line == std::string_view::npos) return std::nullopt;
  const std::string_view language = block.substr(0, line);
  if (language != "python" && language != "py") return std::nullopt;
  const SandboxResult result = run_sandboxed(block.substr(line + 1));
  constexpr std::size_t kMostShown = 2000;
  std::string said = result.output.substr(0, kMostShown);
  if (!result.passed) said += (said.empty() || said.ends_with('\n') ? "" : "\n") + result.reason;
  if (!said.ends_with('\n')) said += "\n";
  return "\n```output\n" + said + "```\n";
}

std::optional<std::string> nothing_missing() { return std::nullopt; }

constexpr Tool kTools[] = {
    {"calculator", "works out <<12*3=, as GSM8K writes sums", calculator_reply, nothing_missing},
    {"python", "runs each ```python block in a sandbox and puts what it prints behind it", python_reply, sandbox_missing},
};

}  // namespace

std::span<const Tool> tools() { return kTools; }

std::vector<const Tool*> tools_named(std::span<const std::string> names) {
  std::vector<std::string> known;
  for (const Tool& tool : kTools) known.emplace_back(tool.name);
  std::vector<const Tool*> out;
  for (const std::string& name : names) {
    const auto at = std::ranges::find(kTools, name, &Tool::name);
    if (at == std::end(kTools)) {
      const std::string near = nearest(name, known);
      throw Error("there is no tool " + printable(name, 40) +
                      (near.empty() ? "; there are calculator and python" : "; did you mean " + near + "?"),
                  Error::Kind::usage);
    }
    if (const auto reason = at->missing()) throw Error("the tool " + name + " cannot be used here: " + *reason);
    if (std::ranges::find(out, &*at) == out.end()) out.push_back(&*at);
  }
  return out;
}

ToolUse::ToolUse(std::shared_ptr<const Tokenizer> tokenizer, std::vector<const Tool*> tools)
    : tokenizer_(std::move(tokenizer)), tools_(std::move(tools)), decoder_(tokenizer_) {}

// The ids of `said` as a text that goes on behind another: a tokenizer that begins every text with a space
// must not put one here.
std::vector<std::int32_t> ToolUse::behind(std::string_view text, std::string_view said) const {
  const EncodeOptions plain{.add_special = false, .parse_special = false};
  const std::string last(text.substr(text.size() - 1));  // tools are called by ASCII
  const std::vector<std::int32_t> head = tokenizer_->encode(last, plain);
  std::vector<std::int32_t> both = tokenizer_->encode(last + std::string(said), plain);
  if (both.size() <= head.size() || !std::equal(head.begin(), head.end(), both.begin()))
    return tokenizer_->encode(said, plain);
  both.erase(both.begin(), both.begin() + static_cast<std::ptrdiff_t>(head.size()));
  return both;
}

void ToolUse::restrict(std::span<const std::int32_t> answer, std::span<bool> allowed) {
  for (; seen_ < answer.size(); ++seen_)
    if (answer[seen_] < tokenizer_->size()) text_ += decoder_.feed(answer[seen_]);
  if (forced_.empty() && !answer.empty())
    for (const Tool* tool : tools_)
      if (const auto said = tool->reply(text_)) {
        forced_ = behind(text_, *said);
        std::ranges::reverse(forced_);
        break;
      }
  if (forced_.empty()) return;
  const std::int32_t next = forced_.back();
  forced_.pop_back();
  for (std::size_t id = 0; id < allowed.size(); ++id) allowed[id] = id == static_cast<std::size_t>(next);
}

std::shared_ptr<Constraint> tool_use(std::shared_ptr<const Tokenizer> tokenizer, std::span<const Tool* const> tools) {
  if (tools.empty()) return nullptr;
  return std::make_shared<ToolUse>(std::move(tokenizer), std::vector<const Tool*>(tools.begin(), tools.end()));
}

}  // namespace bantam::judge
