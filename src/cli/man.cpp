// `bantam man`: the manual page, in the language of man(7), from the tables of verbs and options.
#include "cli/output.h"
#include "cli/shells.h"
#include "cli/verbs.h"
#include "cli/version.h"

namespace bantam::cli {

namespace {

// Text that no request hides in: backslashes are spelled out, hyphens stay hyphens when they are
// copied, and a line does not begin with a control character.
std::string roff(std::string_view text) {
  std::string out;
  bool begin = true;
  for (const char c : text) {
    if (begin && (c == '.' || c == '\'')) out += "\\&";
    begin = c == '\n';
    out += c == '\\' ? "\\e" : c == '-' ? "\\-" : c == '\'' ? "\\(aq" : std::string(1, c);
  }
  return out;
}

std::string bold(std::string_view text) { return "\\fB" + roff(text) + "\\fR"; }
std::string italic(std::string_view text) { return "\\fI" + roff(text) + "\\fR"; }

// "-t, --threads N", the value in italics.
std::string spelled(const Option& option) {
  if (option.positional()) return italic(option.names);
  std::string out;
  for (const std::string& name : split_names(option.names))
    out += (out.empty() ? "" : ", ") + bold(name);
  return option.flag() ? out : out + " " + italic(option.value);
}

std::string term(const std::string& head, std::string_view text) {
  return ".TP\n" + head + "\n" + roff(text) + "\n";
}

std::string examples(std::string_view lines) {
  return ".PP\nExample:\n.PP\n.RS 4\n.nf\n" + roff(lines) + "\n.fi\n.RE\n";
}

std::string section_of(const DeclaredVerb& declared) {
  const Verb& verb = declared.verb;
  std::string out = ".SS \"bantam " + std::string(verb.name) + "\"\n" +
                    bold(usage_of(verb, declared.options)) + "\n.PP\n" + roff(verb.details) + "\n";
  for (const Option& option : declared.options.all()) out += term(spelled(option), option.help);
  return out + examples(verb.example);
}

struct Row {
  std::string_view head, text;
};
constexpr Row kEnvironment[] = {
    {"BANTAM_ISA",
     "the highest instruction set to compute with: scalar, avx2, avx512, amx, neon. The "
     "results are the same bytes."},
    {"NO_COLOR", "when it is set, the terminal is shown no colours."},
    {"XDG_STATE_HOME", "where the lines typed in a chat are kept (default: ~/.local/state)."},
};
constexpr Row kFiles[] = {
    {"~/.local/state/bantam/chat_history", "lines typed in a chat, readable by their owner alone."},
};

template <std::size_t N>
std::string rows(const char* title, const Row (&table)[N]) {
  std::string out = std::string(".SH ") + title + "\n";
  for (const Row& row : table) out += term(bold(row.head), row.text);
  return out;
}

std::string manual() {
  std::string out =
      ".\\\" Made by `bantam man` from the tables of the program.\n"
      ".TH BANTAM 1 \"\" \"bantam " +
      std::string(kVersion) + "\" \"User Commands\"\n.SH NAME\nbantam \\- " + roff(kAbout) +
      "\n.SH SYNOPSIS\n.B bantam\n.I VERB\n\\&... [options]\n.PP\n.B bantam\n.I "
      "VERB\n.B \\-\\-help\n.SH DESCRIPTION\nBantam " +
      roff(kAbout) +
      ".\nModels are GGUF files, or folders with config.json and safetensors as "
      "Hugging Face has them.\nNothing leaves the machine.\n.SH VERBS\n";
  for (const DeclaredVerb& verb : declared_verbs()) out += section_of(verb);
  out += ".SH EXIT STATUS\n" + roff(kExitStatus) + ".\n";
  return out + rows("ENVIRONMENT", kEnvironment) + rows("FILES", kFiles);
}

std::function<void()> declare_man(Options&) {
  return [] { print(manual()); };
}

}  // namespace

const Verb kMan{"man", "print the manual page",
                "Prints the manual page in the form that man(1) reads: all that --help says of\n"
                "each verb.",
                "bantam man | man -l -", declare_man};

}  // namespace bantam::cli
