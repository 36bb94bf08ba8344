// `bantam generate`: continues a prompt.
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json.h"
#include "cli/interrupt.h"
#include "cli/model_options.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "infer/answer.h"

namespace bantam::cli {

namespace {

struct Command {
  ModelOptions model;
  SamplingFlags sampling;
  std::optional<std::string> prompt;
  std::optional<std::vector<std::int32_t>> tokens;
  std::optional<std::int64_t> count;
  std::vector<std::string> stops;
  bool json = false;

  void run() const;
  std::vector<std::int32_t> prompt_ids(const Tokenizer& tokenizer) const;
};

std::vector<std::int32_t> Command::prompt_ids(const Tokenizer& tokenizer) const {
  if (prompt.has_value() == tokens.has_value())
    throw Error("either --prompt or --tokens was expected", Error::Kind::usage);
  return tokens ? *tokens : tokenizer.encode(*prompt);
}

Json result(const Answer& answer, const Timing& timing, const Session& session,
            std::uint64_t seed) {
  const auto count = static_cast<double>(answer.ids().size());
  return {{"text", answer.text()},
          {"ids", std::vector<std::int32_t>(answer.ids().begin(), answer.ids().end())},
          {"stop", stop_reason_name(answer.reason())},
          {"seed", seed},
          {"prompt_tokens", timing.prompt_tokens},
          {"prompt_seconds", timing.prompt_seconds},
          {"answer_seconds", timing.answer_seconds},
          {"tokens_per_s", timing.answer_seconds > 0 ? (count - 1) / timing.answer_seconds : 0.0},
          {"context", session.context()},
          {"arithmetic", arithmetic_name(session.arithmetic())},
          {"isa", session.isa()},
          {"threads", session.threads()}};
}

void Command::run() const {
  const auto file = std::make_shared<const ModelFile>(Path(model.path));
  model.warn_of_context(*file);
  const auto tokenizer = tokenizer_of(*file);
  const std::vector<std::int32_t> ids = prompt_ids(*tokenizer);
  AnswerOptions options;
  options.sampling = sampling.chosen();
  options.most_tokens = count.value_or(-1);
  options.stops = stops;
  options.continues = ids;

  SessionOptions session_options = model.session();
  // The cache need not be longer than what can come.
  if (count) session_options.positions = static_cast<std::int64_t>(ids.size()) + *count;
  Session session(file, session_options);
  Answer answer(tokenizer, options);
  const Timing timing = generate(
      session, 0, ids, answer,
      [&](std::string_view piece) {
        if (!json) {
          print_answer(piece);
          flush();
        }
        return true;
      },
      [] { return !interrupted(); });
  if (json)
    print(to_text(result(answer, timing, session, options.sampling.seed)) + "\n");
  else if (!answer.text().ends_with('\n'))
    print("\n");
  if (answer.reason() == StopReason::context)
    note("the context of " + std::to_string(session.context()) +
         " tokens is full; --ctx asks for more");
  check_interrupt();
}

std::function<void()> declare(Options& options) {
  auto command = std::make_shared<Command>();
  command->model.declare(options);
  options.text("--prompt", "TEXT", command->prompt, "the text to continue");
  options.ids("--tokens", command->tokens,
              "the prompt as token ids, 1,2,3, taken as they are: nothing is put in front");
  options.whole("-n,--count", "N", command->count, 0, INT32_MAX,
                "at most so many tokens (default: until the model ends or the context is full)");
  command->sampling.declare(options);
  options.text("--stop", "TEXT", command->stops,
               "stop where this text would appear; may be repeated");
  options.flag("--json", command->json,
               "one JSON object at the end: text, ids, stop (end, stop, length, context), timings");
  return [command] { command->run(); };
}

}  // namespace

const Verb kGenerate{
    "generate", "continue a prompt",
    "Continues a prompt with a model and prints what it writes, as it writes it. The model\n"
    "is read from one file or folder; nothing leaves this machine.",
    "bantam generate model.gguf --prompt \"Once upon a time\" -n 100\n"
    "bantam generate model.gguf --prompt \"12 + 30 =\" --temp 0 --json",
    declare};

}  // namespace bantam::cli
