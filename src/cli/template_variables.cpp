#include "cli/template_variables.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/nearest.h"
#include "chat/variable_names.h"
#include "cli/output.h"

namespace bantam::cli {

namespace {

Json variable_of(const std::string& text) {
  if (text == "True") return true;
  if (text == "False") return false;
  if (text == "None") return nullptr;
  try {
    JsonLimits limits;
    limits.exact_integers = true;  // a template prints them
    return parse_json(text, "--set", limits);
  } catch (const Error&) {
    return text;
  }
}

}  // namespace

void declare_variables(Options& options, std::vector<std::string>& sets) {
  options.text("--set", "NAME=VALUE", sets,
               "a variable of the chat template, such as enable_thinking=false; may be repeated");
}

Json template_variables(const std::vector<std::string>& sets) {
  Json all = Json::object();
  for (const std::string& set : sets) {
    const std::size_t equals = set.find('=');
    if (equals == 0 || equals == std::string::npos)
      throw Error("--set: a name and a value such as enable_thinking=false were expected, not \"" +
                      printable(set, 60) + "\"",
                  Error::Kind::usage);
    if (set.substr(0, equals) == "messages")
      throw Error("--set messages: the messages are what is said, and no variable", Error::Kind::usage);
    all[set.substr(0, equals)] = variable_of(set.substr(equals + 1));
  }
  return all;
}

void warn_of_unread(const ChatTemplate& chat_template, const Json& variables) {
  if (!variables.is_object() || variables.empty()) return;
  const std::vector<std::string> names = variable_names(chat_template);
  for (const auto& [name, value] : variables.items()) {
    if (std::ranges::find(names, name) != names.end()) continue;
    const std::string near = nearest(name, names);
    note("--set " + printable(name, 60) + " does nothing: the chat template reads no such variable" +
         (near.empty() ? "" : "; did you mean " + near + "?"));
  }
}

}  // namespace bantam::cli
