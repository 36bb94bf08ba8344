// Completions for the shells, made from the tables of verbs and options: one file and one row in
// completion.cpp each.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/verb.h"

namespace bantam::cli {

// A verb with its table filled.
struct DeclaredVerb {
  explicit DeclaredVerb(const Verb& v) : verb(v), action(v.declare(options)) {}
  const Verb& verb;
  Options options;
  std::function<void()> action;  // holds what the options are bound to
};
std::vector<DeclaredVerb> declared_verbs();

// Words that stand where a verb does and take none of its options.
inline constexpr std::string_view kLoneWords[] = {"help", "version", "--help", "--version"};

using ShellScript = std::string (*)(std::span<const DeclaredVerb> verbs);
std::string bash_completion(std::span<const DeclaredVerb> verbs);
std::string fish_completion(std::span<const DeclaredVerb> verbs);
std::string zsh_completion(std::span<const DeclaredVerb> verbs);

// "a b c".
std::string joined(std::span<const std::string> words, std::string_view between = " ");
// The text with `mark` put in front of each of `what`.
std::string escaped(std::string_view text, std::string_view what, std::string_view mark = "\\");

}  // namespace bantam::cli
