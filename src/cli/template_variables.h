// Variables for a chat template, wherever one is used: --set enable_thinking=false.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "chat/chat_template.h"
#include "cli/options.h"

namespace bantam::cli {

void declare_variables(Options& options, std::vector<std::string>& sets);
// An object of what is set: values are JSON (true, 7, "x", [1]) or Python's words for it, else the
// text as it stands. Throws Error (usage) where there is no name before a "=".
Json template_variables(const std::vector<std::string>& sets);
// Says of each variable that the template does not read that it does nothing.
void warn_of_unread(const ChatTemplate& chat_template, const Json& variables);

}  // namespace bantam::cli
