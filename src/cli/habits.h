// What people know from other programs: names that they give to options here, options that are not
// needed here, and what they may have meant.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/options.h"

namespace bantam::cli {

// The words with names of llama.cpp's programs (common/arg.cpp, ggml-org/llama.cpp) in place of which
// the verb has its own: -p for --prompt, -m MODEL for the MODEL, underscores for hyphens; "-n -1" and
// its like, which ask for what is done without them, are left out. What the verb has under a name
// itself stays, and so does everything behind "--". Throws Error (usage) for an option on which there
// is advice.
std::vector<std::string> in_our_words(const Options& options, std::span<const std::string> words);

// A sentence about an option that is not known: what it is called here, or why it is not needed; empty
// when nothing is known of it.
std::string advice_on(std::string_view name, const Options& options);

// The same of a word where a verb was expected: what Ollama's or llama.cpp's programs have it for.
std::string advice_on_verb(std::string_view word);

}  // namespace bantam::cli
