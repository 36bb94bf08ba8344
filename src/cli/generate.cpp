// `bantam generate`: continues a prompt.
#include <array>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/progress.h"
#include "cli/conversation.h"
#include "cli/input.h"
#include "cli/interrupt.h"
#include "cli/model_options.h"
#include "cli/output.h"
#include "cli/several_flags.h"
#include "cli/speculating.h"
#include "cli/verbs.h"
#include "infer/answer.h"
#include "infer/several.h"
#include "judge/tools.h"

namespace bantam::cli {

namespace {

struct GenerateVerb {
  ModelOptions model;
  SamplingFlags sampling;
  TalkOptions talk{
      "take the text as a question, by the model's chat template; TEXT is told before it",
      "as a question by this template",
      {},
      {},
      {}};
  std::optional<std::string> prompt, file, cache_file;
  std::optional<std::vector<std::int32_t>> tokens;
  std::optional<std::int64_t> count, probabilities;
  std::vector<std::string> stops, tools;
  SeveralFlags several;
  std::optional<std::string> answer_pattern;
  SpeculationFlags speculation;
  bool json = false;

  void run() const;
  void check_usage() const;
  void run_several(Session& session, const std::shared_ptr<const Tokenizer>& tokenizer,
                   std::span<const std::int32_t> ids, const AnswerOptions& options) const;
  bool talks() const { return talk.system || talk.template_name || !talk.set.empty(); }
  // The text to continue, wherever it comes from.
  std::string text() const;
  std::vector<std::int32_t> prompt_ids(const std::shared_ptr<const Tokenizer>& tokenizer) const;
};

std::vector<std::int32_t> GenerateVerb::prompt_ids(
    const std::shared_ptr<const Tokenizer>& tokenizer) const {
  if (tokens && talks())
    throw Error("--system, --template and --set go with --prompt or --file", Error::Kind::usage);
  if (tokens) return *tokens;
  if (!talks()) return tokenizer->encode(text());
  return Conversation(tokenizer, choose_template(talk.template_name, *tokenizer, model.path, model.adapter),
                      talk.system.value_or(""), talk.variables())
      .say(text());
}

std::string GenerateVerb::text() const {
  return prompt ? *prompt : read_prompt(file.value_or("-"));
}

Json token_json(const Tokenizer& tokenizer, const TokenProbability& p) {
  return {{"id", p.id},
          {"text", p.id < tokenizer.size() ? tokenizer.decode({&p.id, 1}, false) : ""},
          {"logprob", p.log_probability}};
}

Json tokens_json(const Tokenizer& tokenizer, const Answer& answer) {
  Json all = Json::array();
  for (const TokenProbabilities& p : answer.probabilities()) {
    Json token = token_json(tokenizer, p.chosen);
    token["top"] = Json::array();
    for (const TokenProbability& other : p.top)
      token["top"].push_back(token_json(tokenizer, other));
    all.push_back(std::move(token));
  }
  return all;
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

// Evaluates the prompt, of which nothing is asked yet.
void warm(Session& session, std::span<const std::int32_t> ids) {
  session.require_known(ids);
  session.require_room(static_cast<std::int64_t>(ids.size()));
  const std::int64_t held = session.reuse(0, ids);
  const Session::Part part{0, ids.subspan(static_cast<std::size_t>(held)), Session::Want::none};
  session.evaluate({&part, 1}, {}, [] { return !interrupted(); });
}

// Nothing of a text is cut off: one that is longer than the context is refused with what would do.
void require_fit(const ModelFile& source, const Tokenizer& tokenizer, const std::string& name,
                 std::span<const std::int32_t> ids, SessionOptions options, bool answered) {
  options.positions = 0;  // what the context has room for, not what will be used of it
  const std::int64_t context = run_shape(source, options).positions;
  const auto length = static_cast<std::int64_t>(ids.size());
  if (length < context + (answered ? 0 : 1)) return;
  SessionOptions longer = options;
  longer.context = length + 256;  // and an answer
  longer.positions = 0;
  const double cache = static_cast<double>(cache_shape_of(run_shape(source, longer)).bytes());
  const std::size_t fits =
      tokenizer.decode(ids.first(static_cast<std::size_t>(context - 1)), false).size();
  throw Error("it is " + std::to_string(length) + " tokens long, the context has room for " +
              std::to_string(context) + ", an answer among them; --ctx " +
              std::to_string(longer.context) + " would hold it, with " + byte_text(cache) +
              " of keys and values" +
              (longer.context > source.config().context ? ", beyond what the model was trained with"
                                                        : "") +
              "; or its first " + std::to_string(fits) + " bytes fit")
      .in(name);
}

void GenerateVerb::check_usage() const {
  const int given = (prompt ? 1 : 0) + (tokens ? 1 : 0) + (file ? 1 : 0);
  // What is piped in is the prompt where none is given.
  if (given > 1 || (given == 0 && !input_is_piped()))
    throw Error("one of --prompt, --file and --tokens was expected", Error::Kind::usage);
  if (probabilities && !json) throw Error("--logprobs goes with --json", Error::Kind::usage);
  several.require_fit();
  if (several.count() > 1 && (cache_file || probabilities || speculation.draft))
    throw Error("--prompt-cache, --logprobs and --draft are for one answer", Error::Kind::usage);
  if (answer_pattern && !several.vote) throw Error("--answer goes with --vote", Error::Kind::usage);
}

// Draws several answers, prints the one that is taken, and says how they voted.
void GenerateVerb::run_several(Session& session, const std::shared_ptr<const Tokenizer>& tokenizer,
                               std::span<const std::int32_t> ids, const AnswerOptions& options) const {
  const auto answers = static_cast<std::size_t>(several.count());
  std::vector<std::unique_ptr<Answer>> all;
  std::vector<Answer*> asked;
  for (std::size_t k = 0; k < answers; ++k) {
    AnswerOptions one = options;
    one.stream = k;
    one.constraint = judge::tool_use(tokenizer, judge::tools_named(tools));
    all.push_back(std::make_unique<Answer>(tokenizer, one));
    asked.push_back(all.back().get());
  }
  answer_several(session, ids, asked, [] { return !interrupted(); });
  check_interrupt();
  std::vector<std::string> texts, finals;
  const std::string pattern = answer_pattern.value_or(judge::kLastNumber);
  for (const auto& answer : all) {
    texts.push_back(answer->text());
    finals.push_back(judge::final_answer(answer->text(), pattern));
  }
  const judge::Votes votes = judge::count_votes(finals);
  const std::size_t taken = several.check ? judge::best_of(*several.check, texts) : votes.winner;
  if (json) {
    Json counts = Json::array();
    for (const auto& [answer, count_of] : votes.counts) counts.push_back({{"answer", answer}, {"votes", count_of}});
    Json out = {{"text", texts[taken]}, {"taken", taken}, {"seed", options.sampling.seed}, {"texts", texts}};
    if (several.vote) out["votes"] = std::move(counts);
    return print(to_text(out) + "\n");
  }
  print_answer(texts[taken]);
  if (!texts[taken].ends_with('\n')) print("\n");
  std::string said;
  for (const auto& [answer, count_of] : votes.counts)
    said += (said.empty() ? "" : ", ") + (answer.empty() ? std::string("no answer") : printable(answer, 60)) + " " + std::to_string(count_of);
  if (several.vote) note("votes: " + said);
}

void GenerateVerb::run() const {
  check_usage();
  const auto source = std::make_shared<const ModelFile>(Path(model.path));
  model.warn_of_context(*source);
  const auto tokenizer = tokenizer_of(*source);
  const std::vector<std::int32_t> ids = prompt_ids(tokenizer);
  AnswerOptions options;
  options.sampling = sampling.chosen();
  check_biases(options.sampling, source->config());
  if (cache_file) require_place(*cache_file);
  options.most_tokens = count.value_or(-1);
  options.stops = stops;
  options.constraint = judge::tool_use(tokenizer, judge::tools_named(tools));
  if (!talks()) options.continues = ids;
  options.top_probabilities = probabilities.value_or(-1);

  SessionOptions session_options = model.session();
  // The cache need not be longer than what can come.
  if (count) session_options.positions = static_cast<std::int64_t>(ids.size()) + *count;
  session_options.slots = std::min<std::int64_t>(several.count(), 16);
  const DraftFile draft_file = speculation.open(*tokenizer, session_options);
  model.keep_to_memory(*source, session_options, draft_file.shape());
  if (file) require_fit(*source, *tokenizer, *file, ids, session_options, count.value_or(1) > 0);
  Session session(source, session_options);
  const bool read = file ? is_standard_input(*file) : !prompt && !tokens;
  if (!read) note_unread_pipe(std::string(prompt ? "--prompt" : file ? "--file" : "--tokens") + " says the prompt");
  if (several.count() > 1) return run_several(session, tokenizer, ids, options);
  std::error_code ignored;
  if (cache_file && std::filesystem::exists(*cache_file, ignored))
    session.load(0, *cache_file, ids);
  const std::unique_ptr<DraftModel> draft = draft_file.load(session);
  Answer answer(tokenizer, options);
  Speculation guesses(answer, draft.get());
  if (count == 0 && cache_file) warm(session, ids);
  const Timing timing = generate(
      session, 0, ids, answer,
      [&](std::string_view piece) {
        if (!json) {
          print_answer(piece);
          flush();
        }
        return true;
      },
      [] { return !interrupted(); }, speculation.off ? nullptr : &guesses);
  if (cache_file) session.save(0, *cache_file);
  if (json) {
    Json out = result(answer, timing, session, options.sampling.seed);
    if (draft) {
      out["drafted"] = draft->drafted();
      out["drafted_right"] = draft->accepted();
    }
    if (probabilities) out["tokens"] = tokens_json(*tokenizer, answer);
    print(to_text(out) + "\n");
  } else if (!answer.text().ends_with('\n')) {
    print("\n");
  }
  if (answer.reason() == StopReason::context)
    note("the context of " + std::to_string(session.context()) +
         " tokens is full; --ctx asks for more");
  check_interrupt();
}

std::function<void()> declare_generate(Options& options) {
  auto command = std::make_shared<GenerateVerb>();
  command->model.declare(options);
  command->model.declare_memory(options);
  options.text("-p,--prompt", "TEXT", command->prompt, "the text to continue");
  options.text("--file", "FILE", command->file,
               "the text to continue, from a file (-: standard input, also when it is piped in)");
  command->talk.declare(options);
  options.text("--prompt-cache", "FILE", command->cache_file,
               "keep what was evaluated in FILE, and go on from there the next time; -n 0 only "
               "evaluates the prompt");
  options.ids("--tokens", command->tokens,
              "the prompt as token ids, 1,2,3, taken as they are: nothing is put in front");
  options.whole("-n,--count", "N", command->count, 0, INT32_MAX,
                "at most so many tokens (default: until the model ends or the context is full)");
  command->sampling.declare(options);
  options.text("--stop", "TEXT", command->stops,
               "stop where this text would appear; may be repeated");
  options.whole("--logprobs", "N", command->probabilities, 0, 1000,
                "with --json: each token's log-probability, and those of the N likeliest");
  declare_tools(options, command->tools);
  command->several.declare(options);
  options.text("--answer", "PATTERN", command->answer_pattern,
               "with --vote: what of an answer is its vote, the last match (default: the last number)");
  command->speculation.declare(options);
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
    declare_generate};

}  // namespace bantam::cli
