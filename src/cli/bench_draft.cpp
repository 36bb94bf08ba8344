// `bantam bench --draft`: what a draft model saves, on a text that the model itself goes on with.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/bench_parts.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/speculating.h"
#include "infer/answer.h"
#include "plan/samples.h"
#include "shrink/calibration_text.h"

namespace bantam::cli {

namespace {

struct DraftRun {
  std::vector<std::int32_t> ids;
  double tokens_per_s = 0;
};

DraftRun run_answer(Session& session, const std::shared_ptr<const Tokenizer>& tokenizer,
                    std::span<const std::int32_t> prompt, const AnswerOptions& options,
                    DraftModel* draft) {
  session.trim(0, 0);
  Answer answer(tokenizer, options);
  Speculation guesses(answer, draft);
  const Timing timing = generate(
      session, 0, prompt, answer, {}, [] { return !interrupted(); },
      draft == nullptr ? nullptr : &guesses);
  check_interrupt();
  DraftRun run;
  run.ids.assign(answer.ids().begin(), answer.ids().end());
  if (timing.answer_seconds > 0)
    run.tokens_per_s = static_cast<double>(run.ids.size() - 1) / timing.answer_seconds;
  return run;
}

}  // namespace

void bench_draft(const ModelOptions& model, const DraftBench& asked, bool json) {
  const auto file = std::make_shared<const ModelFile>(Path(model.path));
  const auto tokenizer = tokenizer_of(*file);
  std::vector<std::int32_t> prompt = tokenizer->encode(shrink::calibration_text());
  prompt.resize(std::min(prompt.size(), static_cast<std::size_t>(asked.prompt)));
  SessionOptions options = model.session();
  options.positions = static_cast<std::int64_t>(prompt.size()) + asked.answer;
  SpeculationFlags flags;
  flags.draft = asked.draft;
  const DraftFile opened = flags.open(*tokenizer, options);
  Session session(file, options);
  session.require_room(options.positions);
  const std::unique_ptr<DraftModel> draft = opened.load(session);
  AnswerOptions answer;
  answer.most_tokens = asked.answer;
  answer.sampling.temperature = asked.temperature;
  for (const std::int32_t id : tokenizer->end_ids())  // a whole answer, however it would end
    answer.sampling.logit_bias.push_back({id, -std::numeric_limits<double>::infinity()});
  Samples plain, guessed;
  for (std::int64_t i = 0; i < asked.repeats; ++i) {
    draft->forget_costs();
    const DraftRun without = run_answer(session, tokenizer, prompt, answer, nullptr);
    const DraftRun with = run_answer(session, tokenizer, prompt, answer, draft.get());
    if (without.ids != with.ids)
      throw Error("the answers with and without the draft differ: a defect of this program");
    plain.add(without.tokens_per_s);
    guessed.add(with.tokens_per_s);
  }
  const double ratio = plain.median() > 0 ? guessed.median() / plain.median() : 0;
  const auto drafted = static_cast<double>(draft->drafted());
  const double accepted = drafted > 0 ? static_cast<double>(draft->accepted()) / drafted : 0;
  if (json)
    return print(to_text(Json{{"model", model.path},
                              {"draft", asked.draft},
                              {"prompt_tokens", prompt.size()},
                              {"answer_tokens", asked.answer},
                              {"temperature", asked.temperature},
                              {"plain_tokens_per_s", plain.median()},
                              {"draft_tokens_per_s", guessed.median()},
                              {"ratio", ratio},
                              {"drafted", draft->drafted()},
                              {"drafted_right", draft->accepted()}}) +
                 "\n");
  print(fmt::format("{} with {} guessing, {} threads, temperature {}; medians of {} runs\n",
                    model.path, asked.draft, session.threads(), asked.temperature, asked.repeats));
  print(fmt::format("  answer of {}: {:.1f} tokens/s, without {:.1f}: {:.2f} times as fast\n",
                    asked.answer, guessed.median(), plain.median(), ratio));
  print(fmt::format("  of {} guesses {:.0f} % came true\n", draft->drafted(), 100 * accepted));
}

}  // namespace bantam::cli
