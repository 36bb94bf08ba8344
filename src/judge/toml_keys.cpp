#include "judge/toml_keys.h"

namespace bantam::judge {

std::vector<std::string> words_of(const toml::node& node) {
  std::vector<std::string> out;
  const toml::array* list = node.as_array();
  if (list == nullptr) throw Error("a list of texts was expected");
  for (const toml::node& one : *list) {
    const auto text = one.value_exact<std::string>();
    if (!text) throw Error("a list of texts was expected");
    out.push_back(*text);
  }
  return out;
}

std::string word_of(const toml::node& node) {
  const auto text = node.value_exact<std::string>();
  if (!text) throw Error("a text in quotes was expected");
  return *text;
}

double amount_of(const toml::node& node) {
  const auto number = node.value<double>();
  if (!number || !(*number >= 0)) throw Error("a number from 0 was expected");
  return *number;
}

std::int64_t whole_number_of(const toml::node& node, std::int64_t least, std::int64_t most) {
  const auto number = node.value_exact<std::int64_t>();
  if (!number || *number < least || *number > most)
    throw Error("a whole number from " + std::to_string(least) + (most == INT64_MAX ? "" : " to " + std::to_string(most)) + " was expected");
  return *number;
}

std::vector<std::int64_t> whole_numbers_of(const toml::node& node) {
  std::vector<std::int64_t> out;
  const toml::array* list = node.as_array();
  if (list != nullptr)
    for (const toml::node& one : *list)
      if (const auto number = one.value_exact<std::int64_t>(); number && *number > 0) out.push_back(*number);
  if (list == nullptr || out.empty() || out.size() != list->size())
    throw Error("a list of whole numbers above 0 was expected, such as [100_000, 200_000]");
  return out;
}

}  // namespace bantam::judge
