// A whole run: text in, a model out. Reads documents, trains a tokenizer, plans, trains with
// checkpoints, writes the model.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/file.h"
#include "base/progress.h"
#include "kernels/kernels.h"
#include "tokenizer/tokenizer.h"
#include "train/recipe.h"
#include "train/trainer.h"

namespace bantam::train {

struct RunOptions {
  Path out;             // NAME.gguf, or a folder in Hugging Face's form
  bool resume = false;  // go on from the checkpoint beside `out`, or extend what is finished
  bool force = false;   // replace an existing model, forget an unfinished run
  bool keep = true;     // when it is finished, what it takes to extend it
  unsigned threads = 0;
  Path answers;         // of a teacher, to be found there by further runs; empty: gone with the run
  double save_every = 60;  // seconds between checkpoints; 0: after every step
  // What the recipe's file says of the length, where there is such a file: kept beside the recipe, which holds
  // what options said instead, so that a file that was edited since can be told from an option.
  std::string file_length;
  Progress::Style progress = Progress::Style::silent;
  std::function<void(const std::string& line)> say = [](const std::string&) {};
  std::function<bool()> stop = [] { return false; };  // asked between steps
};

struct RunResult {
  bool finished = false;  // false: stopped; the checkpoint is kept
  std::int64_t parameters = 0, vocabulary = 0, documents = 0, train_tokens = 0;
  std::int64_t steps = 0, tokens = 0;  // of the training done
  double seconds = 0;                  // of everything: reading, tokenizer, training, writing
  double tokens_per_second = 0, loss = 0, validation_loss = 0;
  std::vector<float> losses;
};

// Throws Error. The output appears whole at the end, or not at all; an unfinished run leaves its
// checkpoint in OUT.run/. There a finished one leaves what it takes to extend it (resume, with more
// steps).
RunResult run_training(const Recipe& recipe, const RunOptions& options);

// The recipe of the run that lies beside `out`, finished or not. Throws Error when there is none.
Recipe recipe_of_run(const Path& out);
// Whether there is one.
bool has_recipe(const Path& out);
// RunOptions::file_length of that run; empty: it began without a recipe's file.
std::string file_length_of_run(const Path& out);
// The output of the one run beside which a checkpoint lies in `folder`. Throws Error when there is
// none, or more than one (they are named).
Path only_run(const Path& folder);

// Trains the tokenizer of a recipe on its text (own_tokenizer.cpp): byte-level BPE with the control tokens <|end|>, and
// for conversations <|user|>, <|assistant|>, <|system|> (<|tool|> where there are such) and the chat
// template "bantam".
std::shared_ptr<const Tokenizer> train_tokenizer(const Recipe& recipe,
                                                 const std::vector<Document>& documents,
                                                 ThreadPool& pool);

// A trained model in memory, as GGUF or as a folder (by the name of `out`).
void export_model(Model& model, const Family& family, const Tokenizer& tokenizer, const Path& out,
                  bool replace);

// The losses as a small picture of `rows` lines.
std::string loss_curve(const std::vector<float>& losses, int columns = 64, int rows = 8);

}  // namespace bantam::train
