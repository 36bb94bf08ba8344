// HellaSwag as the field's harness puts it (EleutherAI/lm-evaluation-harness,
// lm_eval/tasks/hellaswag/utils.py says what is done to its texts).
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "judge/prepare.h"
#include "judge/python_text.h"

namespace bantam::judge {

namespace {

// Without every shortest [...] that has no newline inside.
std::string without_brackets(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '[') {
      const std::size_t close = text.find(']', at);
      const std::size_t line = text.find('\n', at);
      if (close != std::string::npos && (line == std::string::npos || close < line)) {
        at = close + 1;
        continue;
      }
    }
    out += text[at++];
  }
  return out;
}

std::string cleaned(std::string_view text) {
  std::string out = replace_all(strip(text), " [title]", ". ");
  return replace_all(without_brackets(out), "  ", " ");
}

}  // namespace

Records prepare_hellaswag(Records records, const std::string& file) {
  for (Json& record : records) {
    if (record.contains("query") && record.contains("gold")) continue;  // somebody has done it
    const std::string context = text_field(record, "ctx_a", file) + " " +
                                capitalize(text_field(record, "ctx_b", file));
    record["query"] = cleaned(text_field(record, "activity_label", file) + ": " + context);
    Json endings = Json::array();
    const Json& given = field_of(record, "endings", file);
    if (!given.is_array()) throw Error("a list of endings was expected").in(file).field("endings");
    for (const Json& ending : given) {
      if (!ending.is_string()) throw Error("a text was expected").in(file).field("endings");
      endings.push_back(cleaned(ending.get<std::string>()));
    }
    record["choices"] = std::move(endings);
    record["gold"] = field_of(record, "label", file);
  }
  return records;
}

}  // namespace bantam::judge
