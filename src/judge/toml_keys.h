// Recipes of the judging verbs: a TOML file read by a table of keys.
#pragma once

#define TOML_EXCEPTIONS 1
#include <toml++/toml.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/nearest.h"

namespace bantam::judge {

// What a key holds. Throws Error: of another type.
std::vector<std::string> words_of(const toml::node& node);
std::string word_of(const toml::node& node);
double amount_of(const toml::node& node);                        // from 0
std::int64_t whole_number_of(const toml::node& node, std::int64_t least = 1, std::int64_t most = INT64_MAX);
std::vector<std::int64_t> whole_numbers_of(const toml::node& node);  // from 1, one at least

template <class Recipe>
struct TomlKey {
  std::string_view name;  // "models", "device.memory"
  void (*take)(Recipe&, const toml::node&);
};

// Takes the keys of a table; a table that is no key itself is a section. Throws Error with file, line
// and key: one that there is not (with the nearest), a value of the wrong type.
template <class Recipe>
void take_keys(Recipe& recipe, const toml::table& table, const std::string& section, const std::string& file,
               std::span<const TomlKey<Recipe>> keys) {
  for (const auto& [key, node] : table) {
    const std::string name = section + std::string(key.str());
    const auto known = [&](auto&& fits) {
      for (const TomlKey<Recipe>& k : keys)
        if (fits(k)) return &k;
      return static_cast<const TomlKey<Recipe>*>(nullptr);
    };
    try {
      if (const auto* found = known([&](const TomlKey<Recipe>& k) { return k.name == name; })) {
        found->take(recipe, node);
        continue;
      }
      if (node.is_table() && known([&](const TomlKey<Recipe>& k) { return k.name.starts_with(name + "."); })) {
        take_keys(recipe, *node.as_table(), name + ".", file, keys);
        continue;
      }
      std::vector<std::string> names;
      for (const TomlKey<Recipe>& k : keys) names.emplace_back(k.name);
      const std::string near = nearest(name, names);
      throw Error("there is no such key" + (near.empty() ? "" : "; did you mean " + near + "?"));
    } catch (Error& error) {
      if (!error.field().empty()) throw;  // of a table inside, placed already
      throw Error(error.message()).in(file).field(name).line(node.source().begin.line);
    }
  }
}

template <class Recipe>
void read_keys(Recipe& recipe, const std::string& file, std::span<const TomlKey<Recipe>> keys) {
  try {
    take_keys(recipe, toml::parse(read_file(file, 1 << 24), file), "", file, keys);
  } catch (const toml::parse_error& error) {
    throw Error(std::string(error.description())).in(file).line(error.source().begin.line);
  }
}

}  // namespace bantam::judge
