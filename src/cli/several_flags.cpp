#include "cli/several_flags.h"

#include "judge/tools.h"

namespace bantam::cli {

void declare_tools(Options& options, std::vector<std::string>& names) {
  std::string about;
  for (const judge::Tool& tool : judge::tools())
    about += std::string(about.empty() ? "" : "; ") + tool.name + ": " + tool.about;
  options.text("--tool", "NAME", names, "a tool that answers may use, whose words are put into them (" + about + "); may be repeated");
}

void SeveralFlags::declare(Options& options) {
  options.whole("--vote", "N", vote, 2, 1024, "draw N answers and take what most of them say");
  options.whole("--best-of", "N", best_of, 2, 1024, "or draw N and take the one that --check likes best");
  options.text("--check", "COMMAND", check,
               "reads an answer from standard input and prints a number, the more the better; another "
               "exit status than 0 rejects the answer");
}

void SeveralFlags::require_fit() const {
  if (vote && best_of) throw Error("one of --vote and --best-of was expected", Error::Kind::usage);
  if (best_of.has_value() != check.has_value()) throw Error("--best-of and --check go together", Error::Kind::usage);
}

}  // namespace bantam::cli
