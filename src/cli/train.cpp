// bantam train: from text to a model.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "files/apart.h"
#include "train/run.h"
#include "train/run_folder.h"

namespace bantam::cli {

namespace {

struct Choices {
  std::string recipe;
  std::optional<std::string> text, size, tokens, out, teacher;
  std::optional<std::int64_t> steps, context, seed, threads, vocabulary, rows, micro_rows;
  std::optional<Arithmetic> arithmetic;
  std::optional<std::int64_t> likeliest;
  double epochs = 0, save_every = 60, share = -1;
  bool resume = false, force = false, json = false, no_extend = false;
};

// Throws Error for an option that says something else than the run began with.
template <class T>
void require_as_begun(const char* option, const std::optional<T>& said, const std::optional<T>& begun) {
  if (!said || !begun || *said == *begun) return;
  throw Error(fmt::format("the run began with {}, not {}: leave it out to go on, or begin anew with --force "
                          "and without --resume",
                          *begun, *said),
              Error::Kind::usage)
      .field(option);
}

std::optional<std::string> name_of(std::optional<Arithmetic> arithmetic) {
  if (!arithmetic) return std::nullopt;
  return *arithmetic == Arithmetic::f32 ? "f32" : "bf16";
}

// What makes a run another one. Steps, tokens and epochs may grow, micro-rows change no result, and a
// vocabulary that was chosen by the text is the checkpoint's to compare.
void require_as_begun(const Choices& c, const Recipe& begun) {
  const std::optional<std::int64_t> size = c.size ? std::optional(parse_count(*c.size)) : std::nullopt;
  if (size && begun.shaped())
    throw Error("the run began with a shape of its own, not a size: leave it out to go on",
                Error::Kind::usage)
        .field("--size");
  std::error_code ignored;
  if (c.text && std::filesystem::exists(begun.text, ignored) &&  // else it has moved
      !std::filesystem::equivalent(begun.text, *c.text, ignored))
    require_as_begun("--text", c.text, std::optional(begun.text.string()));
  if (c.teacher && (!begun.teacher || (std::filesystem::exists(*begun.teacher, ignored) &&
                                        !std::filesystem::equivalent(*begun.teacher, *c.teacher, ignored))))
    throw Error("the run began with " + (begun.teacher ? printable(begun.teacher->string(), 200) : std::string("no teacher")) +
                    ": leave it out to go on",
                Error::Kind::usage)
        .field("--teacher");
  require_as_begun("--size", size, std::optional(begun.size_or_usual()));
  require_as_begun("--context", c.context, std::optional(begun.context));
  require_as_begun("--rows", c.rows, std::optional(begun.rows_or_usual()));
  require_as_begun("--vocabulary", c.vocabulary, begun.vocabulary);
  require_as_begun("--seed", c.seed, std::optional(static_cast<std::int64_t>(begun.seed)));
  require_as_begun("--arithmetic", name_of(c.arithmetic),
                   name_of(begun.arithmetic.value_or(Arithmetic::bf16)));
}

std::string shown(std::int64_t value) { return std::to_string(value); }
std::string shown(std::uint64_t value) { return std::to_string(value); }
std::string shown(Arithmetic value) { return *name_of(value); }
template <class T>
std::string shown(const std::optional<T>& value) {
  return value ? shown(*value) : "what was chosen for it";
}

std::string length_of(const Recipe& r) {
  if (r.steps) return fmt::format("steps = {}", *r.steps);
  if (r.tokens) return fmt::format("tokens = {}", *r.tokens);
  return fmt::format("epochs = {}", r.epochs.value_or(1));
}

// Whether a recipe's file says one of these keys of a section.
bool says(const Recipe& r, const char* section, std::initializer_list<const char*> keys) {
  return std::ranges::any_of(keys, [&](const char* key) { return r.said.contains(std::string(section) + "." + key); });
}

// A recipe's key as the run began, and a note where the file says something else, or nothing.
template <class T>
void keep_as_begun(const char* section, const char* key, const Recipe& file, T& said, const T& begun, const std::string& recipe) {
  if (said == begun) return;
  note(fmt::format("{}: the run goes on with {}, as it began; {} {}", key, shown(begun), recipe,
                   says(file, section, {key}) ? "says " + shown(said) : "does not say it"));
  said = begun;
}

// The length that the run began with, in place of what the file says.
void keep_length_of(const Recipe& begun, Recipe& r, const std::string& recipe, bool unfinished) {
  const bool said = says(r, "train", {"steps", "tokens", "epochs"});
  const std::string file = said ? "says " + length_of(r) : "does not say how long";
  if (length_of(r) != length_of(begun))
    note(unfinished ? fmt::format("the run goes on with {}, as it began; {} {}", length_of(begun), recipe, file)
                    : fmt::format("the run went to {}, as an option said; {} {}{}: an option extends it", length_of(begun), recipe,
                                  file, said ? ", as it did then" : ""));
  r.steps = begun.steps;
  r.tokens = begun.tokens;
  r.epochs = begun.epochs;
}

// What options can have said beside the recipe's file when the run began holds on. What options cannot say
// is the file's, which the checkpoint is compared with.
void keep_options_of(const Recipe& begun, Recipe& r, const std::string& recipe) {
  if (!begun.shaped()) {
    if (r.shaped() || r.size_or_usual() != begun.size_or_usual())
      note(fmt::format("size: the run goes on with {}, as it began{}", begun.size_or_usual(),
                       says(r, "model", {"size", "layers", "width", "heads", "kv_heads", "feed_forward"})
                           ? ", not with what " + recipe + " says"
                           : "; " + recipe + " does not say it"));
    r.size = begun.size;
    r.layers = r.width = r.heads = r.kv_heads = r.feed_forward = std::nullopt;
  }
  keep_as_begun("train", "context", r, r.context, begun.context, recipe);
  keep_as_begun("train", "rows", r, r.rows, begun.rows, recipe);
  keep_as_begun("tokenizer", "vocabulary", r, r.vocabulary, begun.vocabulary, recipe);
  keep_as_begun("train", "seed", r, r.seed, begun.seed, recipe);
  keep_as_begun("train", "arithmetic", r, r.arithmetic, begun.arithmetic, recipe);
  if (r.micro_rows == 0) r.micro_rows = begun.micro_rows;  // changes no result
  if (!begun.teacher) return;
  if (!r.teacher) {
    note(fmt::format("teacher: the run goes on with {}, as it began; {} says none", printable(begun.teacher->string(), 200), recipe));
    r.teacher = begun.teacher;
  }
  r.teaching = begun.teaching;
}

bool says_length(const Choices& c) { return c.steps || c.tokens || c.epochs > 0; }

// A recipe's file that is gone on with. `file_length`: what it says of the length, when that is taken now; else
// what it said before. The run's own length holds where nobody says another: of an unfinished run always, of a
// finished one unless the file was edited since, which is how it is extended without an option.
Recipe recipe_to_resume(const Choices& c, std::string& file_length) {
  Recipe r = read_recipe(c.recipe);
  file_length = length_of(r);
  if (!has_recipe(*c.out)) return r;
  std::error_code ignored;
  const bool unfinished =
      std::filesystem::exists(RunFolder::place(*c.out) / RunFolder::kCheckpoint, ignored);
  const Recipe begun = recipe_of_run(*c.out);
  require_as_begun(c, begun);
  const std::string recipe = printable(c.recipe, 200), before = file_length_of_run(*c.out);
  keep_options_of(begun, r, recipe);
  if (says_length(c)) return r;
  const bool known = before.starts_with("steps = ") || before.starts_with("tokens = ") || before.starts_with("epochs = ");
  if (unfinished || !known || before == file_length) {
    keep_length_of(begun, r, recipe, unfinished);
    if (known) file_length = before;
  }
  return r;
}

// `file_length`: train::RunOptions.
Recipe recipe_of(const Choices& c, std::string& file_length) {
  const bool said = !c.recipe.empty() || c.text;
  if (c.recipe.empty() == !c.text && (said || !c.resume))
    throw Error("either a recipe (RECIPE.toml) or --text FOLDER was expected", Error::Kind::usage);
  if ((c.steps ? 1 : 0) + (c.tokens ? 1 : 0) + (c.epochs > 0 ? 1 : 0) > 1)
    throw Error("only one of --steps, --tokens and --epochs can be said", Error::Kind::usage);
  Recipe r;
  if (!c.recipe.empty()) {
    if (c.resume) {
      r = recipe_to_resume(c, file_length);
    } else {
      r = read_recipe(c.recipe);
      file_length = length_of(r);
    }
  } else if (c.resume && (!c.text || has_recipe(*c.out))) {
    r = recipe_of_run(*c.out);
    file_length = file_length_of_run(*c.out);
    require_as_begun(c, r);
    if (c.text) r.text = *c.text;
  } else {
    r.text = *c.text;
  }
  if (c.size) {
    r.size = parse_count(*c.size);
    r.layers = r.width = r.heads = r.kv_heads = r.feed_forward = std::nullopt;
  }
  if (says_length(c)) {
    r.steps = c.steps;
    r.tokens = c.tokens ? std::optional(parse_count(*c.tokens)) : std::nullopt;
    r.epochs = c.epochs > 0 ? std::optional(c.epochs) : std::nullopt;
  }
  if (c.teacher) r.teacher = *c.teacher;
  if ((c.share >= 0 || c.likeliest) && !r.teacher)
    throw Error("--teacher-share and --teacher-top go with --teacher", Error::Kind::usage);
  if (c.share >= 0) r.teaching.share = c.share;
  if (c.likeliest) r.teaching.likeliest = *c.likeliest;
  if (c.context) r.context = *c.context;
  if (c.seed) r.seed = static_cast<std::uint64_t>(*c.seed);
  if (c.vocabulary) r.vocabulary = c.vocabulary;
  if (c.rows) r.rows = c.rows;
  if (c.micro_rows) r.micro_rows = *c.micro_rows;
  if (c.arithmetic) r.arithmetic = c.arithmetic;
  return r;
}

void report(const Choices& c, const RunResult& r) {
  if (c.json) {
    print(to_text(Json{{"finished", r.finished},
                       {"model", *c.out},
                       {"parameters", r.parameters},
                       {"vocabulary", r.vocabulary},
                       {"documents", r.documents},
                       {"text_tokens", r.train_tokens},
                       {"steps", r.steps},
                       {"tokens", r.tokens},
                       {"seconds", r.seconds},
                       {"tokens_per_second", r.tokens_per_second},
                       {"loss", r.loss},
                       {"validation_loss", r.validation_loss},
                       {"losses", r.losses}}) +
          "\n");
    return;
  }
  if (!r.finished) {
    print("stopped; go on with the same command and --resume\n");
    return;
  }
  print(loss_curve(r.losses));
  print(fmt::format("{}: {} parameters, loss {:.4f}", *c.out,
                    count_text(static_cast<double>(r.parameters)), r.loss));
  if (r.validation_loss > 0) print(fmt::format(", on unseen documents {:.4f}", r.validation_loss));
  print(fmt::format(", {}\n", duration_text(r.seconds)));
}

void declare_options(Options& options, Choices& c) {
  static constexpr Choice<Arithmetic> kArithmetic[] = {{"f32", Arithmetic::f32},
                                                       {"bf16", Arithmetic::bf16}};
  options.positional("RECIPE.toml", c.recipe, "a recipe; what it does not say is chosen for you")
      .required = false;
  options.text("--text", "FOLDER", c.text,
               "train on the .txt, .md and .jsonl files in this folder (or on one file)");
  options.text("-o,--out", "OUT", c.out,
               "where the model goes: NAME.gguf, or a folder in Hugging Face's form");
  options.text("--size", "N", c.size, "parameters, all counted: 300k, 5m, 1.2b (default 5m)");
  options.whole("--steps", "N", c.steps, 0, INT64_MAX, "optimiser steps");
  options.text("--tokens", "N", c.tokens, "or tokens to train on: 5m");
  options.number("--epochs", "N", c.epochs, 0, 1e6,
                 "or passes over the text (default 1, at least 200 steps)");
  options.whole("--context", "N", c.context, 32, 1 << 20, "tokens a row (default 256)");
  options.whole("--rows", "N", c.rows, 1, 1 << 20, "rows a step (default: 4,096 tokens' worth)");
  options.whole("--micro-rows", "N", c.micro_rows, 1, 1 << 20,
                "rows at a time: fewer need less memory, the result is the same");
  options.whole("--vocabulary", "N", c.vocabulary, 261, 1 << 24,
                "tokens of the tokenizer (default: from the amount of text)");
  options.text("--teacher", "MODEL", c.teacher,
               "a larger model whose tokenizer is taken, and whose answers at each token are learnt beside the text (distillation)");
  options.number("--teacher-share", "S", c.share, 0, 1,
                 "of the teacher's answer in what is learnt (default 0.5; 0: its tokenizer alone)");
  options.whole("--teacher-top", "K", c.likeliest, 1, 4096,
                "tokens of its answer that are kept, on disk, for each of the text (default 16)");
  options.whole("--seed", "N", c.seed, 0, INT64_MAX,
                "the same seed and text give the same model, byte for byte (default 1)");
  options.choice("--arithmetic", "A", c.arithmetic,
                 std::span<const Choice<Arithmetic>>(kArithmetic),
                 "of the products: bf16 (default) or f32");
  options.whole("-t,--threads", "N", c.threads, 1, 1024,
                "threads (default: one for each processor)");
  options.number("--save-every", "SECONDS", c.save_every, 0, 1e9,
                 "time between checkpoints (default 60)");
  options.flag("--resume", c.resume,
               "go on with the run in OUT.run, as it began: no other option is needed; with more --steps, "
               "--tokens or --epochs extend a finished one");
  options.flag("--no-extend", c.no_extend,
               "when it is finished, keep nothing in OUT.run to extend it with");
  options.flag("--force", c.force, "replace OUT, forget an unfinished run");
  options.flag("--json", c.json, "the result as one line of JSON");
}

// `train --resume model.gguf`, or its model.gguf.run: the run that is meant, not a recipe.
void take_run_for_recipe(Choices& c) {
  if (!c.resume || c.out || c.recipe.empty() || Path(c.recipe).extension() == ".toml") return;
  Path run(c.recipe);
  if (!run.has_filename()) run = run.parent_path();
  c.out = (run.extension() == ".run" ? run.replace_extension() : run).string();
  c.recipe.clear();
}

std::function<void()> declare_train(Options& options) {
  auto c = std::make_shared<Choices>();
  declare_options(options, *c);
  return [c] {
    RunOptions o;
    take_run_for_recipe(*c);
    if (!c->out && c->resume) c->out = only_run(Path(".")).string();
    if (!c->out)
      throw Error("--out is missing", Error::Kind::usage);
    o.keep = !c->no_extend;
    require_place(*c->out);
    o.out = *c->out;
    o.resume = c->resume;
    o.force = c->force;
    o.threads = static_cast<unsigned>(c->threads.value_or(0));
    o.save_every = c->save_every;
    o.progress = Progress::detect(false);
    o.say = [](const std::string& line) { note(line); };
    o.stop = [] { return interrupted(); };
    if (!c->recipe.empty()) files::require_apart(o.out, Path(c->recipe), "the recipe");
    const Recipe recipe = recipe_of(*c, o.file_length);
    report(*c, run_training(recipe, o));
  };
}

}  // namespace

const Verb kTrain{
    "train", "make a model from your own text",
    "Trains a tokenizer and a model on your text. Plain text and Markdown give a model\n"
    "that continues text; lines of JSON with \"messages\" give one that answers.\n"
    "The plan (memory, disk, time) is printed before the first step. Ctrl-C stops after\n"
    "the step at hand and keeps a checkpoint; --resume goes on to the same bytes.",
    "bantam train --text my-notes/ --size 5m --out notes.gguf", declare_train};

}  // namespace bantam::cli
