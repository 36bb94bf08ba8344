// Programs that a model wrote, run with the tests of their task (Chen et al. 2021; EleutherAI/
// lm-evaluation-harness, lm_eval/tasks/humaneval and mbpp say how they are put together).
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "judge/python_text.h"
#include "judge/sandbox.h"
#include "judge/score.h"
#include "judge/template.h"

namespace bantam::judge {

bool runs_code(const TaskSpec& task) { return task.scorer == "code"; }

std::string program_of(const TaskSpec& task, const Json& record, const std::string& answer) {
  Json fields = record;
  fields["answer"] = answer;
  if (!task.extract.empty()) {
    const auto matches = Pattern(task.extract).find_all(answer);
    fields["answer"] = matches.empty() || matches[0].size() < 2 ? "" : matches[0][1].value_or("");
  }
  return Template(task.program, task.file + ": score.program").render(fields);
}

Scored score_code(const TaskSpec& task, const Item& item, const Response& response) {
  const SandboxResult result = run_sandboxed(program_of(task, item.record, response.output));
  const std::string metric = task.metrics.empty() ? "pass@1" : task.metrics.front();
  return {{{metric, result.passed ? 1.0 : 0.0}}, result.passed,
          {{"result", result.passed ? "passed" : result.reason}}};
}

}  // namespace bantam::judge
