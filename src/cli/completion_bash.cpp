// Completion for bash 4 and later, without the functions of the package bash-completion.
#include "cli/shells.h"

namespace bantam::cli {

namespace {

// What stands before a word decides what it can be.
std::string bash_completes(const Option& option) {
  if (!option.words.empty()) return "words='" + joined(option.words) + "'";
  return option.path() ? "paths=1" : "return";
}

std::string rows_of(const DeclaredVerb& verb) {
  std::vector<std::string> names;
  std::string rows, positional = "return";
  for (const Option& option : verb.options.all()) {
    if (option.positional()) {
      positional = bash_completes(option);
      continue;
    }
    const std::vector<std::string> own = split_names(option.names);
    names.insert(names.end(), own.begin(), own.end());
    if (!option.flag())
      rows += "        " + joined(own, "|") + ") " + bash_completes(option) + " ;;\n";
  }
  names.emplace_back("--help");
  return "    " + std::string(verb.verb.name) + ")\n      case $before in\n" + rows +
         "        *)\n          if [[ $current == -* ]]; then\n            words='" +
         joined(names) + "'\n          else\n            " + positional +
         "\n          fi ;;\n      esac ;;\n";
}

constexpr std::string_view kBashBegin =
    R"(# Completion of bantam for bash; made by `bantam completion bash`.
_bantam() {
  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} verb=${COMP_WORDS[1]}
  local words= paths=
  COMPREPLY=()
  # --name=value arrives as three words.
  if [[ $current == = ]]; then
    current=
  elif [[ $before == = ]]; then
    before=${COMP_WORDS[COMP_CWORD-2]}
  fi
  ((COMP_CWORD == 1)) && verb=
  case $verb in
)";
constexpr std::string_view kBashEnd = R"(    *) return ;;
  esac
  if [[ -n $paths ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  else
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  fi
}
complete -F _bantam bantam
)";

}  // namespace

std::string bash_completion(std::span<const DeclaredVerb> verbs) {
  std::vector<std::string> names;
  for (const DeclaredVerb& verb : verbs) names.emplace_back(verb.verb.name);
  std::string out(kBashBegin);
  out += "    help) words='" + joined(names) + "' ;;\n";
  for (const DeclaredVerb& verb : verbs) out += rows_of(verb);
  for (const std::string_view word : kLoneWords) names.emplace_back(word);
  return out + "    '') words='" + joined(names) + "' ;;\n" + std::string(kBashEnd);
}

}  // namespace bantam::cli
