// `bantam bench --draft`: what a draft model saves, on a text that the model itself goes on with.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/counting.h"
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
                    bool guess, DraftModel* draft) {
  session.trim(0, 0);
  Answer answer(tokenizer, options);
  Speculation guesses(answer, draft);
  const Timing timing = generate(
      session, 0, prompt, answer, {}, [] { return !interrupted(); }, guess ? &guesses : nullptr);
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
  Samples plain, by_text, by_draft;  // tokens a second
  for (std::int64_t i = 0; i < asked.repeats; ++i) {
    draft->forget_costs();
    const DraftRun first = run_answer(session, tokenizer, prompt, answer, false, nullptr);
    const DraftRun second = run_answer(session, tokenizer, prompt, answer, true, nullptr);
    const DraftRun third = run_answer(session, tokenizer, prompt, answer, true, draft.get());
    if (first.ids != second.ids || first.ids != third.ids)
      throw Error("the answers with and without guesses differ: a defect of this program");
    plain.add(first.tokens_per_s);
    by_text.add(second.tokens_per_s);
    by_draft.add(third.tokens_per_s);
  }
  const auto times = [&](const Samples& other) {
    return other.median() > 0 ? by_draft.median() / other.median() : 0;
  };
  const auto drafted = static_cast<double>(draft->drafted());
  const double accepted = drafted > 0 ? static_cast<double>(draft->accepted()) / drafted : 0;
  if (json)
    return print(to_text(Json{{"model", model.path},
                              {"draft", asked.draft},
                              {"prompt_tokens", prompt.size()},
                              {"answer_tokens", asked.answer},
                              {"temperature", asked.temperature},
                              {"plain_tokens_per_s", plain.median()},
                              {"text_tokens_per_s", by_text.median()},
                              {"draft_tokens_per_s", by_draft.median()},
                              {"ratio_to_plain", times(plain)},
                              {"ratio_to_text", times(by_text)},
                              {"drafted", draft->drafted()},
                              {"drafted_right", draft->accepted()}}) +
                 "\n");
  print(fmt::format("{} with {} guessing, {}, temperature {}; {}\n",
                    model.path, asked.draft, number_of(session.threads(), "thread"), asked.temperature, medians_of(asked.repeats)));
  print(fmt::format("  answer of {}: {:.1f} tokens/s\n", asked.answer, by_draft.median()));
  print(fmt::format("  without it, guessing from the text alone: {:.1f}; {:.2f} times as fast\n",
                    by_text.median(), times(by_text)));
  print(fmt::format("  without any guesses: {:.1f}; {:.2f} times as fast\n", plain.median(),
                    times(plain)));
  print(fmt::format("  of {} guesses {:.0f} % came true\n", draft->drafted(), 100 * accepted));
}

}  // namespace bantam::cli
