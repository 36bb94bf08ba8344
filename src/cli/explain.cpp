// `bantam explain`: why a model says what it says.
#include <array>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/input.h"
#include "cli/interrupt.h"
#include "cli/model_options.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "explain/report.h"

namespace bantam::cli {

namespace {

enum class View : std::uint8_t { lens, tokens, parts };
constexpr std::array<Choice<View>, 3> kViews{
    {{"lens", View::lens}, {"tokens", View::tokens}, {"parts", View::parts}}};
constexpr std::array<Choice<explain::Fill>, 2> kFills{
    {{"zero", explain::Fill::zero}, {"mean", explain::Fill::mean}}};

struct ExplainVerb {
  ModelOptions model;
  std::optional<std::string> prompt, answer;
  std::optional<std::vector<std::int32_t>> tokens;
  std::optional<std::int64_t> top;
  std::optional<View> view;
  std::optional<explain::Fill> fill;
  bool json = false;

  void run() const;
  bool wants(View one) const { return !view || *view == one; }
  explain::Question question(const Tokenizer& tokenizer, explain::Probe& probe) const;
};

// Without an answer it is the likeliest next token.
explain::Question ExplainVerb::question(const Tokenizer& tokenizer, explain::Probe& probe) const {
  explain::Question question;
  question.prompt = tokens ? *tokens : tokenizer.encode(prompt ? *prompt : read_prompt("-"));
  if (answer) {
    question.answer = tokenizer.encode(*answer, {false, true});
  } else {
    question.answer = {0};
    probe.check(question);
    question.answer = {explain::logit_lens(probe, question, 1).back().top.front().id};
  }
  probe.check(question);
  return question;
}

void ExplainVerb::run() const {
  // What is piped in is the prompt where none is given.
  if ((prompt && tokens) || (!prompt && !tokens && !input_is_piped()))
    throw Error("one of --prompt and --tokens was expected", Error::Kind::usage);
  if (prompt || tokens) note_unread_pipe(std::string(prompt ? "--prompt" : "--tokens") + " says the prompt", "without it that is read");
  const auto file = std::make_shared<const ModelFile>(Path(model.path));
  const auto tokenizer = tokenizer_of(*file);
  const Arithmetic arithmetic = choose_arithmetic(*file, model.arithmetic);
  OwnRuntime own(static_cast<unsigned>(model.threads.value_or(0)));
  const Runtime runtime = own.lend();
  const std::unique_ptr<Model> loaded = load_model(file, arithmetic, own.exec());
  const auto go_on = [] {
    check_interrupt();
    return true;
  };
  explain::Probe probe(*loaded, runtime, arithmetic, go_on, model.cache.value_or(Type::f32));
  explain::Report report;
  report.question = question(*tokenizer, probe);
  report.answer = probe.answer(report.question);
  if (wants(View::lens)) report.lens = explain::logit_lens(probe, report.question, top.value_or(3));
  if (wants(View::tokens))
    report.attribution = explain::Attribution{explain::gradient_times_input(probe, report.question),
                                              explain::leave_one_out(probe, report.question)};
  if (wants(View::parts))
    report.ablation = explain::ablate(probe, report.question, fill.value_or(explain::Fill::zero));
  const auto word = [&](std::int32_t id) {
    return id < tokenizer->size() ? tokenizer->decode({&id, 1}, false) : std::string();
  };
  if (json)
    print(to_text(explain::to_json(report, word)) + "\n");
  else
    print(explain::to_table(report, word, colour()));
}

std::function<void()> declare_explain(Options& options) {
  auto command = std::make_shared<ExplainVerb>();
  command->model.declare_model(options);
  command->model.declare_cache(
      options, "f32, which rounds nothing; f16 is what generate, chat and serve have)");
  options.text("--prompt", "TEXT", command->prompt, "the text that the model goes on from (default: what is piped in)");
  options.ids("--tokens", command->tokens,
              "the same as token ids, 1,2,3, taken as they are: nothing is put in front");
  options.text("--answer", "TEXT", command->answer,
               "what to explain (default: the likeliest next token)");
  options.choice<View>("--view", "lens|tokens|parts", command->view, kViews,
                       "only this: what each layer would answer, which tokens mattered, which "
                       "layers and heads did");
  options.whole("--top", "N", command->top, 1, 100, "tokens of each layer (default 3)");
  options.choice<explain::Fill>(
      "--fill", "zero|mean", command->fill, kFills,
      "what stands for a part that is taken away: nothing, or its mean over the tokens "
      "(default zero)");
  options.flag("--json", command->json, "all numbers, exactly, as one JSON object");
  return [command] { command->run(); };
}

}  // namespace

const Verb kExplain{
    "explain", "show why a model answers what it answers",
    "Shows what a model would answer after each of its layers, which tokens of the prompt\n"
    "its answer hangs on, and which layers and heads moved it. The model runs as it is\n"
    "served, quantised or not; --cache f16 rounds keys and values as they are rounded there.\n"
    "Numbers are natural logarithms of probabilities.",
    "bantam explain model.gguf --prompt \"The capital of France is\"\n"
    "bantam explain model.gguf --prompt \"2 + 2 =\" --answer \" 5\" --view parts --json",
    declare_explain};

}  // namespace bantam::cli
