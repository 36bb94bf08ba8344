// What an answer earns that can be verified: the rewards of fine-tuning by the model's own answers.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/rooms.h"

namespace bantam::judge {

struct RewardRule {
  std::string_view name, help;
  // Throws Error naming the field, when the record lacks what the reward needs.
  void (*check)(const Json& record);
  // 1 or 0. Of a record that was checked; may be called from several threads at once.
  double (*of)(const Json& record, const std::string& answer);
  // Why it cannot be given on this machine; nothing: it can.
  std::optional<std::string> (*missing)();
};
std::span<const RewardRule> reward_rules();
// Throws Error (usage) that lists the names.
const RewardRule& reward_by_name(std::string_view name);

}  // namespace bantam::judge
