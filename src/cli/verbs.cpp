// The table of verbs, in the order of a first visit, and the help that is made from it.
#include "cli/verbs.h"

#include <algorithm>
#include <array>

namespace bantam::cli {

namespace {

constexpr std::array kVerbs{&kTrain, &kFinetune, &kMerge, &kChat, &kGenerate, &kServe, &kEval,
                            &kCompare, &kScale, &kSelect, &kExplain, &kInfo, &kConvert,
                            &kQuantize, &kImatrix, &kBench, &kPlan, &kTokenize, &kDetokenize,
                            &kLogits, &kTemplate, &kCompletion, &kMan};

constexpr std::size_t kColumns = 100;

// `text` in lines that begin at `column`; the first one begins where the line stands already.
std::string wrapped(std::string_view text, std::size_t column) {
  std::string out;
  std::size_t at = column;
  bool first = true;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    if (!first && at + 1 + word.size() > kColumns) {
      out += "\n" + std::string(column, ' ');
      at = column;
      first = true;
    }
    if (!first) out += " ";
    out += word;
    at += word.size() + (first ? 0 : 1);
    first = false;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out + "\n";
}

std::string rows(const Options& options, bool positional, std::size_t column) {
  std::string out;
  for (const Option& option : options.all()) {
    if (option.positional() != positional) continue;
    std::string line = "  " + spelling_of(option);
    line.resize(std::max(line.size() + 2, column), ' ');
    out += line + wrapped(option.help, line.size() > column ? line.size() : column);
  }
  return out;
}

}  // namespace

std::string spelling_of(const Option& option) {
  std::string text = option.names;
  if (const std::size_t comma = text.find(','); comma != std::string::npos)
    text.insert(comma + 1, " ");
  if (!option.positional() && !option.flag()) text += " " + option.value;
  return text;
}

std::string usage_of(const Verb& verb, const Options& options) {
  std::string usage = "bantam " + std::string(verb.name);
  for (const Option& option : options.all()) {
    if (option.positional())
      usage += option.required ? " " + option.names : " [" + option.names + "]";
    else if (option.required)
      usage += " " + long_name(option.names) + " " + option.value;
  }
  return usage + " [options]";
}

std::span<const Verb* const> verbs() { return kVerbs; }

const Verb* find_verb(std::string_view name) {
  for (const Verb* verb : kVerbs)
    if (verb->name == name) return verb;
  return nullptr;
}

std::string help_of(const Verb& verb, const Options& options) {
  std::size_t column = 0;
  for (const Option& option : options.all())
    column = std::max(column, spelling_of(option).size() + 4);
  column = std::min<std::size_t>(column, 34);
  std::string out = usage_of(verb, options) + "\n\n" + std::string(verb.details) + "\n\n";
  if (const std::string arguments = rows(options, true, column); !arguments.empty())
    out += arguments + "\n";
  std::string line = "  -h, --help";
  line.resize(std::max(line.size() + 2, column), ' ');
  out += "Options\n" + rows(options, false, column) + line + "print this\n\nExample\n";
  for (std::string_view rest = verb.example; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    out += "  " + std::string(rest.substr(0, end)) + "\n";
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out;
}

std::string overview() {
  std::string out = "bantam " + std::string(kAbout) + ".\n\nbantam VERB ... [options]\n\n";
  for (const Verb* verb : kVerbs) {
    std::string line = "  " + std::string(verb->name);
    line.resize(16, ' ');
    out += line + std::string(verb->summary) + "\n";
  }
  return out +
         "\nbantam VERB --help says what a verb takes and gives an example.\n"
         "bantam --version prints the version.\n"
         "Exit status: " +
         std::string(kExitStatus) + ".\n";
}

}  // namespace bantam::cli
