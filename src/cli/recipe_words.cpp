#include "cli/recipe_words.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "base/nearest.h"

namespace bantam::cli {

namespace {

bool is_called(const Option& option, std::string_view name) {
  const std::vector<std::string> names = split_names(option.names);
  return std::ranges::find(names, name) != names.end();
}

const Option* option_called(const Options& options, std::string_view name) {
  const auto all = options.all();
  const auto at = std::ranges::find_if(all, [&](const Option& o) { return !o.positional() && is_called(o, name); });
  return at == all.end() ? nullptr : &*at;
}

// Where the first argument is that belongs to no option; the number of words: there is none.
std::size_t first_argument(const Options& options, std::span<const std::string> words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word.size() < 2 || word.front() != '-') return i;
    const Option* option = option_called(options, word);
    if (option && !option->flag()) ++i;  // its value
  }
  return words.size();
}

bool is_said(const Option& option, std::span<const std::string> words) {
  return std::ranges::any_of(words, [&](const std::string& word) { return is_called(option, word.substr(0, word.find('='))); });
}

class RecipeReader {
 public:
  RecipeReader(const Options& options, std::string file) : options_(options), file_(std::move(file)), folder_(Path(file_).parent_path()) {}

  // The words of its options, but those that `said` says; the model's in `model`.
  std::vector<std::string> read(std::span<const std::string> said, std::string& model) {
    const toml::table table = parsed();
    for (const auto& [key, node] : table) {
      const std::string name(key.str());
      try {
        if (name == "model")
          model = placed(text_of(node));
        else
          take(name, node, said);
      } catch (Error& error) {
        throw error.in(file_).field(name).line(node.source().begin.line);
      }
    }
    if (model.empty()) throw Error("is missing: the model to begin with").in(file_).field("model");
    return std::move(words_);
  }

 private:
  toml::table parsed() const {
    try {
      return toml::parse(read_file(Path(file_), 1 << 20), file_);
    } catch (const toml::parse_error& error) {
      throw Error(std::string(error.description())).in(file_).line(error.source().begin.line);
    }
  }
  std::string placed(const std::string& path) const { return (folder_ / path).string(); }

  static std::string text_of(const toml::node& node) {
    if (const auto text = node.value_exact<std::string>()) return *text;
    if (const auto whole = node.value_exact<std::int64_t>()) return std::to_string(*whole);
    if (const auto number = node.value_exact<double>()) return fmt::format("{}", *number);
    throw Error("a text in quotes or a number was expected");
  }

  void take(const std::string& key, const toml::node& node, std::span<const std::string> said) {
    std::string name = "--" + key;
    std::ranges::replace(name, '_', '-');
    const Option* option = option_called(options_, name);
    if (!option) refuse(name);
    if (is_said(*option, said)) return;
    if (option->flag()) {
      const auto on = node.value_exact<bool>();
      if (!on) throw Error("true or false was expected");
      if (*on) words_.push_back(name);
    } else if (const toml::array* list = node.as_array()) {
      if (!option->repeats) throw Error("one value was expected, not a list");
      for (const toml::node& one : *list) add(*option, name, text_of(one));
    } else {
      add(*option, name, text_of(node));
    }
  }

  void add(const Option& option, const std::string& name, const std::string& value) {
    words_.push_back(name);
    // A template's name, or its file.
    std::error_code ignored;
    const bool file_of_words = std::ranges::find(option.words, value) == option.words.end() && name == "--template" &&
                               std::filesystem::exists(placed(value), ignored);
    words_.push_back(option.path() || option.value == "MODEL" || file_of_words ? placed(value) : value);
  }

  [[noreturn]] void refuse(const std::string& name) const {
    std::vector<std::string> names{"--model"};
    for (const Option& o : options_.all())
      if (!o.positional()) names.push_back(long_name(o.names));
    std::string near = nearest(name, names);
    if (!near.empty()) near = "; did you mean " + near.substr(2) + "?";
    throw Error("there is no such key" + near);
  }

  const Options& options_;
  std::string file_;
  Path folder_;
  std::vector<std::string> words_;
};

}  // namespace

std::vector<std::string> with_recipe(const Options& options, std::span<const std::string> words) {
  std::vector<std::string> out(words.begin(), words.end());
  const std::size_t at = options.recipes ? first_argument(options, words) : words.size();
  if (at == words.size() || !words[at].ends_with(".toml")) return out;
  std::string model;
  const std::vector<std::string> more = RecipeReader(options, words[at]).read(words, model);
  out[at] = model;
  out.insert(out.begin(), more.begin(), more.end());
  return out;
}

}  // namespace bantam::cli
