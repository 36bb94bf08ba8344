#include <nlohmann/json.hpp>

#include "explain/report.h"

namespace bantam::explain {

namespace {

Json tokens(std::span<const std::int32_t> ids, const Word& word) {
  Json all = Json::array();
  for (const std::int32_t id : ids) all.push_back({{"id", id}, {"text", word(id)}});
  return all;
}

Json lens_json(const std::vector<LensRow>& lens, const Word& word) {
  Json all = Json::array();
  for (const LensRow& row : lens) {
    Json top = Json::array();
    for (const TokenProbability& p : row.top)
      top.push_back({{"id", p.id}, {"text", word(p.id)}, {"logprob", p.log_probability}});
    all.push_back(
        {{"layers", row.layers}, {"top", top}, {"answer_logprob", row.answer}, {"rank", row.rank}});
  }
  return all;
}

}  // namespace

Json to_json(const Report& report, const Word& word) {
  Json out = {{"prompt", tokens(report.question.prompt, word)},
              {"answer", tokens(report.question.answer, word)},
              {"answer_logprob", report.answer}};
  if (report.lens) {
    out["lens_of"] = tokens({&report.question.answer.front(), 1}, word).front();
    out["lens"] = lens_json(*report.lens, word);
  }
  if (report.attribution)
    out["attribution"] = {{"gradient_times_input", report.attribution->gradient_times_input},
                          {"left_out", report.attribution->left_out}};
  if (report.ablation)
    out["ablation"] = {{"layers", report.ablation->layers},
                       {"attention", report.ablation->attention},
                       {"feed_forward", report.ablation->feed_forward},
                       {"heads", report.ablation->heads}};
  return out;
}

}  // namespace bantam::explain
