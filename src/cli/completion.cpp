// `bantam completion`: what a shell needs to complete our command lines.
#include <array>
#include <memory>

#include "cli/output.h"
#include "cli/shells.h"
#include "cli/verbs.h"

namespace bantam::cli {

namespace {

constexpr std::array<Choice<ShellScript>, 3> kShells{
    {{"bash", bash_completion}, {"zsh", zsh_completion}, {"fish", fish_completion}}};

std::function<void()> declare_completion(Options& options) {
  auto shell = std::make_shared<std::optional<ShellScript>>();
  options.choice<ShellScript>("SHELL", "SHELL", *shell, kShells, "the shell: bash, zsh or fish")
      .required = true;
  return [shell] { print((**shell)(declared_verbs())); };
}

}  // namespace

std::vector<DeclaredVerb> declared_verbs() {
  std::vector<DeclaredVerb> all;
  for (const Verb* verb : verbs()) all.emplace_back(*verb);
  return all;
}

std::string joined(std::span<const std::string> words, std::string_view between) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : std::string(between)) + word;
  return out;
}

std::string escaped(std::string_view text, std::string_view what, std::string_view mark) {
  std::string out;
  for (const char c : text) {
    if (what.find(c) != std::string_view::npos) out += mark;
    out += c;
  }
  return out;
}

const Verb kCompletion{
    "completion", "print what a shell needs to complete command lines",
    "Prints a script for bash, zsh or fish. An installed Bantam has them where the shells\n"
    "look; otherwise let the shell read it when it starts.",
    "bantam completion bash > ~/.local/share/bash-completion/completions/bantam\n"
    "bantam completion fish > ~/.config/fish/completions/bantam.fish",
    declare_completion};

}  // namespace bantam::cli
