// The command line by CLI11, which splits it into options and values; what they mean, and every
// message, comes from the table.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <deque>

#include "base/error.h"
#include "base/nearest.h"
#include "cli/habits.h"
#include "cli/options.h"
#include "cli/recipe_words.h"

namespace bantam::cli {

namespace {

Error usage(const std::string& message) { return Error(message, Error::Kind::usage); }

// What the command line gave for one option.
struct Given {
  const Option* option;
  std::vector<std::string> values;
  std::int64_t flags = 0;
};

std::vector<std::string> names_of(const Options& options) {
  std::vector<std::string> names;
  for (const Option& option : options.all()) {
    if (option.positional()) continue;
    for (std::string& name : split_names(option.names)) names.push_back(std::move(name));
  }
  names.push_back("--help");
  return names;
}

[[noreturn]] void refuse(const Options& options, const std::string& word, bool options_over) {
  if (options_over || word.size() < 2 || word.front() != '-') {
    // A type behind the files, as other programs have it.
    std::string small = word;
    for (char& c : small) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    for (const Option& option : options.all())
      if (option.names == "--type" && std::ranges::find(option.words, small) != option.words.end())
        throw usage("\"" + printable(word, 60) + "\" is an argument too many; did you mean --type " + printable(word, 60) + "?");
    for (const Option& option : options.all())
      if (std::ranges::count(split_names(option.names), "--prompt") > 0 && !word.ends_with(".gguf"))
        throw usage("\"" + printable(word, 60) + "\" is an argument too many; a prompt goes behind --prompt");
    throw usage("\"" + printable(word, 60) + "\" is an argument too many");
  }
  const std::string name = word.substr(0, word.find('='));
  const std::string there_is_none = "there is no option " + printable(name, 60);
  if (const std::string advice = advice_on(name, options); !advice.empty())
    throw usage(there_is_none + ": " + advice);
  // Of one letter every other one is as near.
  const std::string near = name.size() > 2 ? nearest(name, names_of(options)) : "";
  throw usage(there_is_none + (near.empty() ? "" : "; did you mean " + near + "?"));
}

void add(CLI::App& app, Given& given) {
  const Option& option = *given.option;
  if (option.flag()) {
    app.add_flag(option.names, given.flags);
    return;
  }
  // One value each time; a "[a,b]" is not a list.
  app.add_option(option.names, CLI::callback_t([&given](const CLI::results_t& results) {
                   given.values = results;
                   return true;
                 }))
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
}

}  // namespace

bool parse(const Options& options, std::span<const std::string> given_words) {
  const std::vector<std::string> words = with_recipe(options, in_our_words(options, given_words));
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  std::int64_t help = 0;
  app.add_flag("-h,--help", help);
  std::deque<Given> table;
  for (const Option& option : options.all()) add(app, table.emplace_back(Given{&option, {}, 0}));

  // CLI11 wants the words from the last to the first, and takes "--name=" for a name whose value
  // follows.
  std::vector<std::string> reversed;
  bool options_over = false;
  for (const std::string& word : words) {
    options_over = options_over || word == "--";
    const bool empty_value = !options_over && word.size() > 3 && word.starts_with("--") && word.back() == '=' &&
                             word.find('=') == word.size() - 1;
    reversed.insert(reversed.begin(), empty_value ? word.substr(0, word.size() - 1) : word);
    if (empty_value) reversed.insert(reversed.begin(), "");
  }
  try {
    app.parse(std::move(reversed));
  } catch (const CLI::ArgumentMismatch& error) {  // "--name: 1 required  missing"
    const std::string what = error.what();
    throw usage(printable(what.substr(0, what.find(':')), 60) + " needs a value");
  } catch (const CLI::ParseError& error) {
    throw usage(printable(error.what(), 200));
  }
  if (help > 0) return false;
  auto extras = app.remaining();
  if (options_over) std::erase(extras, "--");  // which ended the options
  if (!extras.empty()) {
    const auto over = std::ranges::find(words, "--");
    refuse(options, extras.front(), std::find(over, words.end(), extras.front()) != words.end());
  }
  for (const Given& given : table) {
    const Option& option = *given.option;
    if (option.flag() && given.flags > 0) option.take("");
    if (option.flag()) continue;
    if (option.required && given.values.empty())
      throw usage(long_name(option.names) + " is missing" +
                  (option.positional() ? ": " + option.help : ""));
    if (option.positional() && !given.values.empty() && given.values.back().empty())
      throw usage(option.names + " is an empty name");
    if (option.once && given.values.size() > 1)
      throw usage(long_name(option.names) + " was given " + std::to_string(given.values.size()) + " times, and one is taken");
    // Given twice, the last one counts.
    const std::size_t first = option.repeats || given.values.empty() ? 0 : given.values.size() - 1;
    for (std::size_t i = first; i < given.values.size(); ++i) option.take(given.values[i]);
  }
  return true;
}

}  // namespace bantam::cli
