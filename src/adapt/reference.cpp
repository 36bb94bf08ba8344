#include "adapt/reference.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json.h"

namespace bantam::adapt {

void keep_reference(const Path& file, const std::string& owner, const StepScores& scores) {
  Json steps = Json::array();
  for (const auto& step : scores) {
    Json sequences = Json::array();
    for (const SequenceScore& s : step) sequences.push_back({s.answer, s.answer_tokens, s.prompt, s.prompt_tokens});
    steps.push_back(std::move(sequences));
  }
  write_file(file, to_text(Json{{"owner", owner}, {"steps", std::move(steps)}}));  // doubles in all their digits
}

StepScores kept_reference(const Path& file, const std::string& owner) {
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) return {};
  StepScores out;
  try {
    const std::string text = read_file(file);
    JsonLimits limits;  // as large as the run is long
    limits.bytes = limits.values = text.size();
    const Json all = parse_json(text, file.string(), limits);
    if (all.at("owner") != owner) return {};
    for (const Json& step : all.at("steps")) {
      std::vector<SequenceScore>& scores = out.emplace_back();
      for (const Json& s : step)
        scores.push_back({s.at(0).get<double>(), s.at(2).get<double>(), s.at(1).get<std::int64_t>(),
                          s.at(3).get<std::int64_t>(), {}});
    }
  } catch (const Error&) {
    return {};
  } catch (const Json::exception&) {
    return {};
  }
  return out;
}

}  // namespace bantam::adapt
