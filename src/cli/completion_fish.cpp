// Completion for fish: a line for each verb and option.
#include "cli/shells.h"

namespace bantam::cli {

namespace {

std::string fish_quoted(std::string_view text) { return "'" + escaped(text, "\\'") + "'"; }

// -x: a value and no files; -r -F: a value, which is a file.
std::string value_of(const Option& option) {
  if (option.flag()) return "";
  if (!option.words.empty()) return " -x -a " + fish_quoted(joined(option.words));
  return option.path() ? " -r -F" : " -x";
}

std::string line_of(const Option& option, const std::string& begin) {
  if (option.positional())
    return begin + (option.path() ? " -F" : " -a " + fish_quoted(joined(option.words))) + "\n";
  std::string line = begin;
  for (const std::string& name : split_names(option.names))
    line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  return line + value_of(option) + " -d " + fish_quoted(option.help) + "\n";
}

}  // namespace

std::string fish_completion(std::span<const DeclaredVerb> verbs) {
  std::string out =
      "# Completion of bantam for fish; made by `bantam completion fish`.\n"
      "complete -c bantam -f\n";
  for (const DeclaredVerb& verb : verbs) {
    const std::string name(verb.verb.name);
    out += "complete -c bantam -n __fish_use_subcommand -a " + name + " -d " +
           fish_quoted(verb.verb.summary) + "\n";
    const std::string begin = "complete -c bantam -n '__fish_seen_subcommand_from " + name + "'";
    for (const Option& option : verb.options.all()) out += line_of(option, begin);
    out += begin + " -s h -l help -d 'say what it takes'\n";
  }
  return out;
}

}  // namespace bantam::cli
