// What a person says of a training run: a TOML file, or options of `bantam train`. What is not said
// is chosen from the text and the size.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "base/file.h"
#include "data/documents.h"
#include "data/tokenise.h"
#include "train/settings.h"
#include "train/shares.h"

namespace bantam::train {

struct Recipe {
  Path text;  // a folder, or a .txt, .md or .jsonl file
  ReadOptions reading;
  TokeniseOptions weights;

  std::optional<std::int64_t> vocabulary;  // default: from the amount of text
  std::string pre_tokenizer = "qwen2";     // digits one by one, runs of letters

  // A model whose tokenizer is taken in place of a new one, and whose answers are learnt beside the text; a
  // share of 0: the tokenizer alone. The kept tokens of its answers lie on disk, some bytes for each of text.
  std::optional<Path> teacher;
  TeacherSettings teaching{0.5, 16};

  std::optional<std::int64_t> size;  // all parameters; default 5 million
  std::optional<std::int64_t> layers, width, heads, kv_heads, feed_forward;  // or a shape
  std::string family = "llama";  // any that is registered, by its name in GGUF
  bool tied = true;
  double rope_base = 10000;
  std::string name;

  std::optional<std::int64_t> steps, tokens;  // one of the three; default one epoch ...
  std::optional<double> epochs;               // ... at least 200 steps
  std::int64_t context = 256;
  std::optional<std::int64_t> rows;  // a step; default 4,096 tokens
  std::int64_t micro_rows = 0;
  std::int64_t groups = 1;
  bool recompute = false;
  std::uint64_t seed = 1;
  double validation = 0.01;
  std::optional<Arithmetic> arithmetic;  // default bf16
  OptimiserSettings optimiser;
  Schedule schedule;

  std::set<std::string> said;  // the keys that its file says, such as "train.seed"

  // The shape is said, not chosen for a size (with layers beside a size, only how wide they are is).
  bool shaped() const { return width || (layers && !size); }
  bool taught() const { return teacher && teaching.share > 0; }
  std::string teacher_name() const {  // of its file or folder
    return teacher ? (teacher->has_filename() ? *teacher : teacher->parent_path()).filename().string() : "";
  }
  // What holds where nothing is said.
  std::int64_t size_or_usual() const { return size.value_or(5'000'000); }
  std::int64_t rows_or_usual() const {
    return rows.value_or(std::max<std::int64_t>(1, 4096 / rounded_context()));
  }
  std::int64_t rounded_context() const { return (context + 31) / 32 * 32; }  // as it is trained on
};

// Paths in the file are relative to its folder. Throws Error with file and line: an unknown key
// (the nearest known one is suggested), a value of the wrong type or out of its range.
Recipe read_recipe(const Path& path);

// The family of this name (in GGUF) that a recipe can raise. Throws Error that says which there are.
const Family& raised_family(const std::string& name);

// The recipe as such a file: all that it says, so that reading it gives the same.
std::string recipe_text(const Recipe& recipe);

// "5m", "1.2M", "300k", "1000000". Throws Error (usage).
std::int64_t parse_count(const std::string& text);

// The settings of a run over this much text.
TrainSettings settle(const Recipe& recipe, std::int64_t vocabulary, std::int64_t train_tokens);

}  // namespace bantam::train
