#include "judge/rewards.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "judge/python_text.h"
#include "judge/sandbox.h"
#include "judge/schema.h"
#include "judge/several.h"

namespace bantam::judge {

namespace {

const Json& reward_field(const Json& record, const char* name, const char* wanted) {
  const auto at = record.find(name);
  if (at == record.end()) throw Error(std::string("is missing: ") + wanted).field(name);
  return *at;
}

// --- exact

// Behind the last "####", as GSM8K marks its answers (Cobbe et al. 2021), or all of it.
std::string_view behind_mark(std::string_view text) {
  constexpr std::string_view kMark = "####";
  const std::size_t at = text.rfind(kMark);
  return strip(at == std::string_view::npos ? text : text.substr(at + kMark.size()));
}

std::string exact_answer(const Json& record) {
  const Json& answer = reward_field(record, "answer", "the right answer was expected, a text or a number");
  if (!answer.is_string() && !answer.is_number())
    throw Error("the right answer was expected, a text or a number").field("answer");
  const std::string text = answer.is_string() ? answer.get<std::string>() : to_text(answer);
  const std::string out(behind_mark(text));
  if (out.empty()) throw Error("is empty: no answer could be right").field("answer");
  return out;
}

void check_exact(const Json& record) { exact_answer(record); }

// A number is sought as the last one that the answer says, anything else must be all of it.
double earn_exact(const Json& record, const std::string& answer) {
  const std::string right = exact_answer(record);
  const std::string number = final_answer(right, std::string(R"(^(?:)") + kLastNumber + R"()\.?$)");
  const std::string_view said = behind_mark(answer);
  if (number.empty()) return said == right ? 1 : 0;
  return final_answer(said, kLastNumber) == number ? 1 : 0;
}

// --- tests

// The lines of the first block of code in the answer; without one all of it.
std::string code_of(const std::string& answer, const char* languages) {
  const auto blocks = Pattern(std::string("(?s)```(?:") + languages + R"()?[ \t]*\n(.*?)```)").find_all(answer);
  return blocks.empty() ? answer : blocks.front().at(1).value_or("");
}

std::string tests_of(const Json& record) {
  constexpr const char* kWanted = "Python that raises where an answer is wrong was expected, a text or a list of texts";
  const Json& tests = reward_field(record, "tests", kWanted);
  std::string out;
  for (const Json& one : tests.is_array() ? tests : Json::array({tests})) {
    if (!one.is_string()) throw Error(kWanted).field("tests");
    out += one.get<std::string>() + "\n";
  }
  if (strip(out).empty()) throw Error("is empty: every answer would be right").field("tests");
  return out;
}

void check_tests(const Json& record) { tests_of(record); }

double earn_tests(const Json& record, const std::string& answer) {
  return run_sandboxed(code_of(answer, "python|py") + "\n" + tests_of(record)).passed ? 1 : 0;
}

// --- schema

Schema schema_of(const Json& record) {
  const Json& schema = reward_field(record, "schema", "a JSON schema was expected");
  if (!schema.is_object()) throw Error("a JSON schema was expected, an object").field("schema");
  try {
    return Schema(schema);
  } catch (Error& error) {
    throw error.field("schema");
  }
}

void check_schema(const Json& record) { schema_of(record); }

double earn_schema(const Json& record, const std::string& answer) {
  const Schema wanted = schema_of(record);
  try {
    const std::string text = code_of(answer, "json");
    return wanted.problem(parse_json(strip(text), "answer")) ? 0 : 1;
  } catch (const Error&) {  // it is no JSON, or a pattern does not come to an end on it
    return 0;
  }
}

std::optional<std::string> nothing_missing_for_it() { return std::nullopt; }

constexpr RewardRule kRewards[] = {
    {"exact",
     "the record's answer: a number as the last one that is said, else the text (what stands behind ####, "
     "where it does)",
     check_exact, earn_exact, nothing_missing_for_it},
    {"tests", "the record's tests, Python in a sandbox, pass behind the answer's code", check_tests, earn_tests,
     sandbox_missing},
    {"schema", "the answer is JSON that fits the record's schema", check_schema, earn_schema,
     nothing_missing_for_it}};

}  // namespace

std::span<const RewardRule> reward_rules() { return kRewards; }

const RewardRule& reward_by_name(std::string_view name) {
  std::string known;
  for (const RewardRule& rule : kRewards) {
    if (rule.name == name) return rule;
    known += (known.empty() ? "" : ", ") + std::string(rule.name);
  }
  throw Error("there is no reward \"" + printable(name) + "\"; these are: " + known, Error::Kind::usage);
}

}  // namespace bantam::judge
