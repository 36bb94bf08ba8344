// bantam finetune: from a model and examples to an adapter, or to another model.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "adapt/run.h"
#include "base/counting.h"
#include "base/error.h"
#include "base/json.h"
#include "cli/conversation.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/template_variables.h"
#include "cli/verbs.h"
#include "judge/rewards.h"
#include "train/run.h"

namespace bantam::cli {

namespace {

using adapt::Method;

struct FinetuneVerb {
  adapt::TuneRequest request;
  adapt::TuneOptions options;
  std::string model;
  std::optional<std::string> data, out, start, evaluate, losses, objective, chat_template, teacher, reward,
      rewards;
  std::optional<Method> method;
  std::optional<adapt::RateCurve> curve;
  std::optional<adapt::ExampleOrder> order;
  std::optional<Labels> labels;
  std::optional<Arithmetic> arithmetic;
  std::optional<std::int64_t> threads, seed, show;
  std::vector<std::string> targets, set;
  double share = -1;
  std::optional<std::int64_t> likeliest, teacher_tokens, group, answer_tokens, iterations;
  double epochs = -1, rate = -1, alpha = -1, beta = -1, decay = -1, clip = -1, warmup = -1,
         validation = -1, teacher_temperature = -1, temperature = -1, epsilon = -1;
  bool json = false;

  void fill();
  void fill_groups();
  void show_masks() const;
  void report(const adapt::TuneResult& result) const;
  void run();
};

std::optional<double> if_given(double value) {
  return value < 0 ? std::nullopt : std::optional(value);
}

void FinetuneVerb::fill_groups() {
  if (request.objective != adapt::Objective::grpo) {
    if (reward || rewards || group || answer_tokens || iterations || temperature >= 0 || epsilon >= 0)
      throw Error("--reward, --rewards, --group, --answer-tokens, --iterations, --temperature and --epsilon go with "
                  "--objective grpo",
                  Error::Kind::usage);
    return;
  }
  adapt::GroupSettings& g = request.groups;
  g.group = group.value_or(g.group);
  g.answer_tokens = answer_tokens.value_or(g.answer_tokens);
  g.iterations = iterations.value_or(g.iterations);
  if (temperature >= 0) g.temperature = temperature;
  if (epsilon >= 0) g.epsilon = epsilon;
  if (!reward) return;  // it is asked for where all else is
  const judge::RewardRule& rule = judge::reward_by_name(*reward);
  if (const auto reason = rule.missing())
    throw Error("--reward " + *reward +
                " runs what the model writes in a sandbox of bubblewrap, which does not work here: " + *reason);
  request.reward = {std::string(rule.name), rule.check, rule.of};
}

void FinetuneVerb::fill() {
  request.model = model;
  request.data = *data;
  if (out) request.out = *out;
  request.method = method;
  if (objective) request.objective = adapt::objective_by_name(*objective);
  fill_groups();
  request.epochs = if_given(epochs);
  request.rate = if_given(rate);
  if (alpha == 0) throw Error("an adapter that counts nothing would be learnt", Error::Kind::usage).field("--alpha");
  request.alpha = if_given(alpha);
  request.beta = if_given(beta);
  request.decay = if_given(decay);
  request.clip = if_given(clip);
  request.warmup = if_given(warmup);
  request.validation = if_given(validation);
  request.curve = curve;
  request.arithmetic = arithmetic;
  for (std::string_view rest : targets)  // "q_proj,v_proj" too
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(','), rest.size());
      if (end > 0) request.targets.emplace_back(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  if (start) request.start = *start;
  if ((share >= 0 || likeliest) && !teacher)
    throw Error("--teacher-share and --teacher-top go with --teacher", Error::Kind::usage);
  const bool says_how = teacher_tokens || teacher_temperature >= 0;
  if (request.teacher_writes && !teacher) throw Error("--teacher-writes goes with --teacher", Error::Kind::usage);
  if (says_how && !request.teacher_writes)
    throw Error("--teacher-tokens and --teacher-temp go with --teacher-writes", Error::Kind::usage);
  if (request.teacher_writes && (share >= 0 || likeliest))
    throw Error("--teacher-share and --teacher-top are of what a teacher says at each label, not with --teacher-writes", Error::Kind::usage);
  if (teacher) request.teacher = *teacher;
  if (teacher_tokens) request.writing.most_tokens = *teacher_tokens;
  if (teacher_temperature >= 0) request.writing.temperature = teacher_temperature;
  if (share >= 0) request.teaching.share = share;
  if (likeliest) request.teaching.likeliest = *likeliest;
  if (evaluate) request.evaluate = *evaluate;
  request.chat_template = chat_template;
  if (!set.empty()) {
    request.variables = template_variables(set);
    const auto tokenizer = open_tokenizer(request.model);
    const auto form = choose_template(chat_template, *tokenizer, model, {});
    if (!form) throw Error("--set: the model has no chat template; --template NAME gives it one", Error::Kind::usage);
    warn_of_unread(*form, request.variables);
  }
  if (order) request.order = *order;
  if (labels) request.labels = *labels;
  if (seed) request.seed = static_cast<std::uint64_t>(*seed);
  if (request.steps && request.epochs)
    throw Error("only one of --steps and --epochs can be said", Error::Kind::usage);
  options.threads = static_cast<unsigned>(threads.value_or(0));
  options.progress = Progress::detect(false);
  options.say = [](const std::string& line) { note(line); };
  options.stop = [] { return interrupted(); };
}

// Samples of what is learnt: labels stand out on a terminal, and between marks elsewhere.
void FinetuneVerb::show_masks() const {
  if (request.teacher_writes)
    throw Error("--show-mask shows records with their answers, and the teacher has not written them yet", Error::Kind::usage);
  const adapt::PreparedData prepared = adapt::prepare_data(request, request.data);
  const bool colour = output_is_terminal();
  for (std::size_t i = 0; i < prepared.examples.size() && static_cast<std::int64_t>(i) < *show; ++i) {
    const LabelledExample& e = prepared.examples[i];
    print(fmt::format("--- line {}: {}, {}\n", e.line, number_of(e.first.ids.size(), "token"), number_of(e.first.labels(), "label")));
    for (std::size_t t = 0; t < e.first.ids.size();) {
      std::size_t end = t;
      while (end < e.first.ids.size() && e.first.mask[end] == e.first.mask[t]) ++end;
      const std::string text = prepared.tokenizer->decode(std::span(e.first.ids).subspan(t, end - t), false);
      const bool label = e.first.mask[t] != 0;
      print(label ? (colour ? "\x1b[32m" : "[[") : (colour ? "\x1b[2m" : ""));
      print_answer(text);
      print(label ? (colour ? "\x1b[0m" : "]]") : (colour ? "\x1b[0m" : ""));
      t = end;
    }
    print("\n");
  }
  for (const std::string& line : prepared.lines()) note(line);
}

void write_numbers(const std::string& path, std::span<const double> numbers) {
  std::string text;
  for (const double n : numbers) text += fmt::format("{:.9g}\n", n);
  write_file(Path(path), text);
}

// Why a run whose answers never differed in what they earn is no success, and what would help. "": some did.
std::string nothing_learnt(const adapt::TuneResult& r) {
  if (r.groups == 0 || r.silent_groups < r.groups) return "";
  const bool none = std::ranges::all_of(r.rewards, [](double reward) { return reward == 0; });
  const bool cut = 2 * r.cut_answers > r.answers;
  return fmt::format(
      "NOTHING WAS LEARNT: in no group did one answer earn more than another; {}\n",
      cut    ? "most answers were cut off before they ended: say more with --answer-tokens"
      : none ? "no answer earned anything: look at one (bantam generate), take easier records, say more with --group, "
               "or teach the model the task first (sft)"
             : "say more with --group, a higher --temperature, or take harder records");
}

// "mean reward: 0.1200 in the first 10 steps, 0.8700 in the last; 8 of 80 groups told nothing; 3 of 640 answers
// cut off".
std::string reward_line(const adapt::TuneResult& r) {
  const std::size_t some = std::min<std::size_t>(10, (r.rewards.size() + 1) / 2);
  double first = 0, last = 0;
  for (std::size_t i = 0; i < some; ++i) {
    first += r.rewards[i] / static_cast<double>(some);
    last += r.rewards[r.rewards.size() - 1 - i] / static_cast<double>(some);
  }
  return fmt::format("mean reward: {:.4f} in the first {}, {:.4f} in the last; {} of {} told nothing; {} of {} cut off\n{}",
                     first, some == 1 ? "step" : number_of(some, "step"), last, r.silent_groups, number_of(r.groups, "group"),
                     r.cut_answers, number_of(r.answers, "answer"), nothing_learnt(r));
}

// A loss of nothing is none.
Json or_null(double loss) { return loss == 0 ? Json() : Json(loss); }

void FinetuneVerb::report(const adapt::TuneResult& r) const {
  if (json) {
    Json all{{"finished", r.finished},
             {"out", *out},
             {"examples", r.examples},
             {"trained_parameters", r.trained},
             {"parameters", r.parameters},
             {"steps", r.steps},
             {"seconds", r.seconds},
             {"training_seconds", r.training_seconds},
             {"loss", r.loss},
             {"validation_before", or_null(r.validation_before)},
             {"validation_after", or_null(r.validation_after)},
             {"evaluated_before", or_null(r.evaluated_before)},
             {"evaluated_after", or_null(r.evaluated_after)},
             {"gate", r.gate},
             {"losses", r.losses}};
    if (!r.rewards.empty())
      all.update({{"rewards", r.rewards}, {"groups", r.groups}, {"silent_groups", r.silent_groups},
                  {"answers", r.answers}, {"cut_answers", r.cut_answers}});
    print(to_text(all) + "\n");
    return;
  }
  if (!r.finished) {
    print("stopped; go on with the same command and --resume\n");
    return;
  }
  std::vector<float> curve_of(r.losses.begin(), r.losses.end());
  // The loss of grpo stays about 0 while it learns.
  print(r.rewards.empty() ? loss_curve(curve_of) : reward_line(r));
  if (r.validation_after > 0)
    print(fmt::format("held-out examples: loss a label {:.4f} before, {:.4f} after\n",
                      r.validation_before, r.validation_after));
  if (r.evaluated_after > 0)
    print(fmt::format("evaluated: loss a label {:.4f} before, {:.4f} after\n", r.evaluated_before,
                      r.evaluated_after));
  print(r.gate + "\n");
  print(fmt::format("{}: {}, {}\n", *out, number_of(r.steps, "step"), duration_text(r.seconds)));
}

void FinetuneVerb::run() {
  fill();
  if (show) return show_masks();
  if (!out) throw Error("is missing", Error::Kind::usage).field("--out");
  require_place(*out);
  for (const auto& file : {losses, rewards})
    if (file) require_place_for_numbers(*file);
  const adapt::TuneResult result = adapt::run_tuning(request, options);
  if (losses) write_numbers(*losses, result.losses);
  if (rewards) write_numbers(*rewards, result.rewards);
  report(result);
}

void declare_data(Options& options, FinetuneVerb& v) {
  static constexpr Choice<Labels> kLabels[] = {
      {"answers", Labels::answers}, {"last", Labels::last_answer}, {"all", Labels::all}};
  static constexpr Choice<adapt::ExampleOrder> kOrders[] = {
      {"shuffled", adapt::ExampleOrder::shuffled}, {"given", adapt::ExampleOrder::given}};
  Option& data = options
      .text("--data", "FILE", v.data,
            "records: .jsonl, .json, .csv, .txt or .md; the form is told by their keys (messages, "
            "instruction and output, conversations, prompt and completion, chosen and rejected, ...; of grpo a "
            "prompt, question or messages, and what the reward reads)");
  data.required = data.once = true;
  options.choice<adapt::ExampleOrder>("--order", "O", v.order, kOrders,
                                      "of the records in each epoch (default shuffled)");
  options.choice<Labels>("--labels", "L", v.labels, kLabels,
                         "what counts: every answer with its stop token (default), the last one (default where a teacher writes it), all");
  options.whole("--max-tokens", "N", v.request.most_tokens, 2, 1 << 20,
                "longer records are cut (default: none is)");
  options.number("--validation", "SHARE", v.validation, 0, 0.9,
                 "of the records, held out (default: some, of 200 records or more)");
  options.text("--evaluate", "FILE", v.evaluate, "records that are measured before and after");
  options.text("--template", "NAME", v.chat_template,
               "a chat template in place of the model's own, by its name or file")
      .words = template_words();
  declare_variables(options, v.set);
  options.flag("--skip-broken", v.request.skip_broken, "go on without records that cannot be read");
  options.whole("--show-mask", "N", v.show, 1, 1 << 20,
                "print the first N records with what counts marked, and stop");
}

void declare_steps(Options& options, FinetuneVerb& v) {
  static constexpr Choice<adapt::RateCurve> kCurves[] = {{"constant", adapt::RateCurve::constant},
                                                         {"linear", adapt::RateCurve::linear},
                                                         {"cosine", adapt::RateCurve::cosine}};
  static constexpr Choice<Arithmetic> kArithmetic[] = {
      {"f32", Arithmetic::f32}, {"bf16", Arithmetic::bf16}, {"int8", Arithmetic::int8}, {"faithful", Arithmetic::faithful}};
  options.number("--epochs", "N", v.epochs, 1e-6, 1e6, "passes over the records");
  options.whole("--steps", "N", v.request.steps, 1, INT64_MAX, "or optimiser steps");
  options.whole("--batch", "N", v.request.batch, 1, 1 << 20, "records a step (default 8)");
  options.whole("--micro-batch", "N", v.request.micro_batch, 1, 1 << 20,
                "sequences at a time: fewer need less memory, the result is the same bytes");
  options.number("--lr", "RATE", v.rate, 0, 10, "learning rate");
  options.choice<adapt::RateCurve>("--schedule", "S", v.curve, kCurves,
                                   "of the rate: constant, linear or cosine down to 0 (default linear)");
  options.number("--warmup", "SHARE", v.warmup, 0, 1, "of the steps, in which the rate rises (default 0)");
  options.number("--weight-decay", "D", v.decay, 0, 10, "decoupled, of all that is trained (default 0.01)");
  options.number("--clip", "NORM", v.clip, 0, 1e9, "largest norm of the gradient; 0: any (default 1)");
  options.whole("--seed", "N", v.seed, 0, INT64_MAX, "of the order and of a new adapter (default 1)");
  options.choice<Arithmetic>("--arithmetic", "A", v.arithmetic, kArithmetic,
                             "of the products (default: bf16 where tiles make it fast, else f32; of a model in blocks faithful)");
  options.whole("-t,--threads", "N", v.threads, 1, 1024, "threads (default: one for each processor)");
}

// TRL's names, where people know them, stand in the help.
void declare_groups(Options& options, FinetuneVerb& v) {
  std::vector<std::string> names;
  std::string help = "of grpo, 1 or 0 for each answer:";
  for (const judge::RewardRule& rule : judge::reward_rules()) {
    names.emplace_back(rule.name);
    help += (names.size() > 1 ? "; " : " ") + std::string(rule.name) + ": " + std::string(rule.help);
  }
  options.text("--reward", "R", v.reward, help).words = names;
  options.whole("--group", "N", v.group, 2, 4096,
                "of grpo: answers to each record that are compared (default 8; num_generations)");
  options.whole("--answer-tokens", "N", v.answer_tokens, 1, 1 << 20,
                "of grpo: most tokens of an answer (default 256; max_completion_length)");
  options.number("--temperature", "T", v.temperature, 0.01, 100,
                 "of grpo: at which answers are sampled (default 1, the one that its arithmetic is exact for)");
  options.whole("--iterations", "N", v.iterations, 1, 1024, "of grpo: steps that learn from the same answers (default 1)");
  options.number("--epsilon", "E", v.epsilon, 0, 100,
                 "of grpo: a token whose share has changed by more since it was sampled moves no further (default 0.2)");
  options.text("--rewards", "FILE", v.rewards, "of grpo: write each step's mean reward, a number a line");
}

std::function<void()> declare_finetune(Options& options) {
  static constexpr Choice<Method> kMethods[] = {{"full", Method::full},
                                                {"lora", Method::lora},
                                                {"rslora", Method::rslora},
                                                {"dora", Method::dora},
                                                {"qlora", Method::qlora}};
  auto v = std::make_shared<FinetuneVerb>();
  options.recipes = true;
  options.positional("MODEL", v->model,
                     "a .gguf file, or a folder with config.json and safetensors; or RECIPE.toml, whose keys are these options: model = "
                     "\"model.gguf\", data = \"examples.jsonl\", teacher_share = 0.3 (paths from its folder; what the command line says holds)");
  options.text("-o,--out", "OUT", v->out,
               "an adapter: a folder in PEFT's form, or NAME.gguf; with --method full a model in either form");
  options.choice<Method>("--method", "M", v->method, kMethods,
                         "full, or low-rank: lora (default), rslora, dora, qlora (a model in blocks)");
  std::vector<std::string> names;
  std::string help = "what is learnt:";
  for (const adapt::ObjectiveRule& rule : adapt::objective_rules()) {
    names.emplace_back(rule.name);
    help += (names.size() > 1 ? "; " : " ") + std::string(rule.name) + ": " + std::string(rule.help);
  }
  options.text("--objective", "O", v->objective, help).words = names;
  options.number("--beta", "B", v->beta, 0, 1000,
                 "of dpo, orpo and kto (default 0.1); of grpo the weight of the divergence from the start model (default 0)");
  options.whole("--rank", "R", v->request.rank, 1, 4096, "of the adapter (default 16)");
  options.number("--alpha", "A", v->alpha, 0, 1e6, "the update counts alpha / rank (default: twice the rank)");
  options.text("--targets", "NAME", v->targets,
               "linear layers to adapt: q_proj, ... (default: all but the head)");
  options.text("--start", "FOLDER", v->start, "an adapter to go on from");
  options.text("--teacher", "MODEL", v->teacher,
               "a larger model of the same tokenizer: what it answers at each label is learnt beside the label (distillation)");
  options.number("--teacher-share", "S", v->share, 0, 1, "of the teacher's answer in what is learnt (default 0.5)");
  options.whole("--teacher-top", "K", v->likeliest, 1, 4096, "tokens of its answer that are kept (default 64)");
  options.flag("--teacher-writes", v->request.teacher_writes,
               "the teacher, of any tokenizer, writes the last answer of each record, which may be missing; earlier ones "
               "stay as they are, and are learnt too only with --labels answers. What it writes is kept in OUT.run until the run is over");
  options.whole("--teacher-tokens", "N", v->teacher_tokens, 1, 1 << 20,
                "of an answer that it writes; those that are longer are left out (default 512)");
  options.number("--teacher-temp", "T", v->teacher_temperature, 0, 10,
                 "draw what it writes, by --seed (default 0: the likeliest token each time)");
  declare_data(options, *v);
  declare_groups(options, *v);
  declare_steps(options, *v);
  options.text("--losses", "FILE", v->losses, "write each step's loss, a number a line");
  options.number("--save-every", "SECONDS", v->options.save_every, 0, 1e9,
                 "time between checkpoints (default 60)");
  options.flag("--resume", v->options.resume, "go on from the checkpoint in OUT.run");
  options.flag("--force", v->options.force, "replace OUT, forget an unfinished run");
  options.flag("--json", v->json, "the result as one line of JSON");
  return [v] { v->run(); };
}

}  // namespace

const Verb kFinetune{
    "finetune", "teach a model from your examples",
    "Learns from conversations, instructions, preferences or text, on this machine. What\n"
    "counts is what the assistant says, as the model's own chat template renders it, with\n"
    "its stop token. The plan is printed before the first step; Ctrl-C keeps a checkpoint.\n"
    "Before the result is written it is loaded again as you will load it, and compared; what it\n"
    "says to a few prompts goes into it, so that bantam info --verify can tell later whether it\n"
    "still says the same.",
    "bantam finetune model.gguf --data examples.jsonl --out my-adapter\n"
    "bantam finetune model.gguf --data examples.jsonl --show-mask 3\n"
    "bantam finetune model.gguf --data questions.jsonl --objective grpo --reward exact --out my-adapter",
    declare_finetune};

}  // namespace bantam::cli
