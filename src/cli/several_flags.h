// --vote, --best-of and --check: several answers, of which one is taken. --tool: what an answer may use.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/options.h"
#include "judge/several.h"

namespace bantam::cli {

// --tool NAME, which may be repeated: judge::tools_named() knows the names.
void declare_tools(Options& options, std::vector<std::string>& names);

struct SeveralFlags {
  std::optional<std::int64_t> vote, best_of;
  std::optional<std::string> check;

  void declare(Options& options);
  // Throws Error (usage): flags that do not go together.
  void require_fit() const;
  std::int64_t count() const { return vote.value_or(best_of.value_or(1)); }
};

}  // namespace bantam::cli
