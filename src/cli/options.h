// What a verb takes on its command line, as a table: the parser, --help, suggestions, completions
// and the manual page are all made from it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace bantam::cli {

struct Option {
  std::string names;  // "-t,--threads"; of a positional argument "MODEL"
  std::string value;  // what stands for its value in the help: "N"; empty: a flag
  std::string help;
  bool required = false;
  bool repeats = false;  // may be given several times
  // Takes one value as it was written; throws Error (usage) when it does not fit.
  std::function<void(const std::string& value)> take;
  std::vector<std::string> words = {};  // what the value can be, for completions
  bool once = false;                    // given twice it is a mistake: of others the last one counts

  bool positional() const { return names.front() != '-'; }
  bool flag() const { return value.empty(); }
  // The value is the path of something: so completions take it, and so it must be called.
  bool path() const {
    return words.empty() &&
           (positional() || value == "FILE" || value == "FOLDER" || value == "OUT");
  }
};

// A value and the word for it on the command line.
template <class T>
using Choice = std::pair<std::string_view, T>;

class Options {
 public:
  std::span<const Option> all() const { return table_; }

  // Each returns the option, so that a verb can say more of it (`required`). What is bound must
  // live as long as the table. An optional that stays empty was not given.
  Option& positional(std::string name, std::string& to, std::string help);
  Option& flag(std::string names, bool& to, std::string help);
  Option& text(std::string names, std::string value, std::optional<std::string>& to,
               std::string help);
  Option& text(std::string names, std::string value, std::vector<std::string>& to,
               std::string help);
  // Whole numbers from `least` to `most`.
  Option& whole(std::string names, std::string value, std::optional<std::int64_t>& to,
                std::int64_t least, std::int64_t most, std::string help);
  // Such numbers with commas between them, one at least: "0,4096".
  Option& wholes(std::string names, std::string value, std::vector<std::int64_t>& to,
                 std::int64_t least, std::int64_t most, std::string help);
  Option& number(std::string names, std::string value, double& to, double least, double most,
                 std::string help);
  // Bytes as sizes.h reads them, "1.5G"; at least `least`.
  Option& bytes(std::string names, std::string value, std::optional<std::int64_t>& to,
                std::int64_t least, std::string help);
  // Token ids with commas between them: "1,2,3"; the empty text is an empty list.
  Option& ids(std::string names, std::optional<std::vector<std::int32_t>>& to, std::string help);
  template <class T>
  Option& choice(std::string names, std::string value, std::optional<T>& to,
                 std::span<const Choice<T>> choices, std::string help, std::size_t unsaid = 0) {
    std::vector<std::string_view> words;
    for (const Choice<T>& c : choices) words.push_back(c.first);
    const auto said = static_cast<std::ptrdiff_t>(words.size() - unsaid);
    std::vector<T> values;
    for (const Choice<T>& c : choices) values.push_back(c.second);
    return add({names,
                std::move(value),
                std::move(help),
                false,
                false,
                [&to, words, values, names, unsaid](const std::string& text) {
                  to = values[pick(names, text, words, unsaid)];
                },
                {words.begin(), words.begin() + said}});
  }
  Option& add(Option option);

  bool recipes = false;  // a .toml file in the first argument's place says them (recipe_words.h)

 private:
  static std::size_t pick(const std::string& names, const std::string& text,
                          std::span<const std::string_view> words, std::size_t unsaid);
  std::vector<Option> table_;
};

// "--top-k: a whole number from 1 to 5 was expected, not "x"".
Error unfit(const std::string& names, const std::string& expected, const std::string& got);

// "1,2,3". Throws Error (usage) that names the option.
std::vector<std::int32_t> parse_ids(const std::string& text, const std::string& names);

// "-t,--threads" as {"-t", "--threads"}.
std::vector<std::string> split_names(std::string_view names);
// The last of "-t,--threads": what messages call the option.
std::string long_name(std::string_view names);

// Reads the words of a command line into the options, in the order of the table. Throws Error
// (usage) for an option that is not known (with the nearest), a value that is missing or does not
// fit, a required option that is absent, an argument too many. False: --help was asked for.
bool parse(const Options& options, std::span<const std::string> words);

}  // namespace bantam::cli
