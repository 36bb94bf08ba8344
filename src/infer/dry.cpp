// DRY, "don't repeat yourself": a token that would continue a passage which stands in the text
// already loses multiplier * base^(length - allowed), where length is how many tokens before it
// agree (p-e-w, text-generation-webui pull request 5677; llama.cpp, src/llama-sampling.cpp).
#include <algorithm>
#include <ranges>
#include <unordered_map>
#include <vector>

#include "infer/stages.h"
#include "kernels/math.h"

namespace bantam::infer {

namespace {

// How many tokens before position i agree with those at the end of the text, for every i: the Z
// function of the reversed text (Gusfield 1997, section 1.4), cut at `most`.
std::vector<std::int64_t> agreements(std::span<const std::int32_t> text, std::int64_t most) {
  const auto n = static_cast<std::int64_t>(text.size());
  const auto at = [&](std::int64_t i) { return text[static_cast<std::size_t>(n - 1 - i)]; };
  std::vector<std::int64_t> z(text.size(), 0);
  for (std::int64_t i = 1, left = 0, right = 0; i < n; ++i) {
    std::int64_t length =
        i < right ? std::min(right - i, z[static_cast<std::size_t>(i - left)]) : 0;
    while (i + length < n && at(length) == at(i + length)) ++length;
    z[static_cast<std::size_t>(i)] = length;
    if (i + length > right) {
      left = i;
      right = i + length;
    }
  }
  for (std::int64_t& length : z) length = std::min(length, most);
  return z;
}

void apply_dry(const SamplingOptions& options, const SamplerState& state, Candidates& candidates) {
  if (options.dry_multiplier <= 0) return;
  auto text = state.history;
  if (options.dry_last >= 0)
    text = text.last(std::min(text.size(), static_cast<std::size_t>(options.dry_last)));
  // No repetition goes across a border: those that count are shorter than the way back to it.
  std::int64_t most = 0;
  for (auto id = text.rbegin(); id != text.rend(); ++id, ++most) {
    const auto token = static_cast<std::size_t>(*id);
    if (token < state.breakers.size() && state.breakers[token]) break;
  }
  const std::vector<std::int64_t> z = agreements(text, most);
  std::unordered_map<std::int32_t, std::int64_t> longest;  // by the token that followed
  for (std::size_t i = 1; i < z.size(); ++i) {
    if (z[i] < options.dry_allowed) continue;
    std::int64_t& length = longest[text[text.size() - i]];
    length = std::max(length, z[i]);
  }
  if (longest.empty()) return;
  candidates.change_some(std::views::keys(longest), [&](std::int32_t id, double logit) {
    double penalty = options.dry_multiplier;
    for (std::int64_t i = options.dry_allowed; i < longest.at(id) && penalty < 1e30; ++i)
      penalty *= options.dry_base;
    return logit - penalty;
  });
}

}  // namespace

const SamplerStage kDry{"dry", apply_dry};

}  // namespace bantam::infer
