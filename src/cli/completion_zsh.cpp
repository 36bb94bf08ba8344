// Completion for zsh: the specifications of its function _arguments.
#include "cli/shells.h"

namespace bantam::cli {

namespace {

// In single quotes.
std::string zsh_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string explained(std::string_view help) { return "[" + escaped(help, "\\[]:") + "]"; }

std::string zsh_completes(const Option& option) {
  const std::string message = ":" + escaped(option.value, "\\:") + ":";
  if (!option.words.empty()) return message + "(" + joined(option.words) + ")";
  return option.path() ? message + "_files" : message;
}

// "(-t --threads)"{-t+,--threads=}"[explanation]:N:"
std::string specification(const Option& option) {
  if (option.positional()) return zsh_quoted((option.required ? "" : ":") + zsh_completes(option));
  const std::vector<std::string> names = split_names(option.names);
  const std::string rest = explained(option.help) + (option.flag() ? "" : zsh_completes(option));
  const std::string before = option.repeats     ? "*"
                             : names.size() > 1 ? "(" + joined(names) + ")"
                                                : "";
  std::vector<std::string> spelled;
  for (const std::string& name : names)
    spelled.push_back(name + (option.flag() ? "" : name.starts_with("--") ? "=" : "+"));
  if (spelled.size() == 1) return zsh_quoted(before + spelled.front() + rest);
  return zsh_quoted(before) + "{" + joined(spelled, ",") + "}" + zsh_quoted(rest);
}

std::string arguments_of(const DeclaredVerb& verb) {
  std::string out = "    " + std::string(verb.verb.name) + ")\n      _arguments";
  for (const Option& option : verb.options.all()) out += " \\\n        " + specification(option);
  return out + " \\\n        '(- *)'{-h,--help}'[say what it takes]' ;;\n";
}

constexpr std::string_view kZshBegin = R"(#compdef bantam
# Completion of bantam for zsh; made by `bantam completion zsh`.
_bantam() {
  local -a verbs
  verbs=(
)";
constexpr std::string_view kMiddle = R"(  )
  if (( CURRENT == 2 )); then
    _describe -t verbs verb verbs
    return
  fi
  local verb=$words[2]
  shift words
  (( CURRENT-- ))
  case $verb in
    help) _describe -t verbs verb verbs ;;
)";
constexpr std::string_view kZshEnd = R"(  esac
}
if [[ $funcstack[1] == _bantam ]]; then
  _bantam "$@"
else
  compdef _bantam bantam
fi
)";

}  // namespace

std::string zsh_completion(std::span<const DeclaredVerb> verbs) {
  std::string out(kZshBegin);
  for (const DeclaredVerb& verb : verbs)
    out += "    " +
           zsh_quoted(std::string(verb.verb.name) + ":" + escaped(verb.verb.summary, "\\:")) + "\n";
  out += kMiddle;
  for (const DeclaredVerb& verb : verbs) out += arguments_of(verb);
  return out + std::string(kZshEnd);
}

}  // namespace bantam::cli
