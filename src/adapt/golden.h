// Golden vectors: what a model answered to a few prompts when its file was written. They go into the file,
// so that whoever loads it later can see whether it still answers the same: a model's logits are the same
// bytes on every processor and any number of threads. The prompts are ours: nothing of what a person trained
// on is in them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "base/rooms.h"
#include "base/thread_pool.h"
#include "kernels/kernels.h"

namespace bantam::adapt {

struct GoldenPrompt {
  struct Likely {
    std::int32_t id;
    float logit;
  };
  Json messages;                           // a conversation; null: `text` as it stands
  std::string text;
  std::string rendered;                    // SHA-256 of what the chat template makes of the messages
  std::vector<std::int32_t> ids;           // its first tokens
  std::string logits;                      // SHA-256 of the logits of all of them, float32
  std::vector<std::vector<Likely>> last;   // the likeliest after each of the last ones, likeliest first
};

struct GoldenVectors {
  std::string arithmetic;     // in which the logits were computed
  std::string chat_template;  // SHA-256 of its text; empty: there is none
  std::string weights;        // SHA-256 of the model's tensors, or of the adapter's numbers
  // SHA-256 of what the model's file says of it, byte for byte; of an adapter, whose model may lie in another form
  // than it was trained on, of what the tokenizer means (tokenizer/same_ids.h). Empty of adapters of earlier days.
  std::string tokenizer;
  std::vector<GoldenPrompt> prompts;
};

// Of a model, or of it with an adapter, loaded as a user loads them. Throws Error as loading does, and when
// the logits are no numbers.
GoldenVectors make_golden(const Path& model, const std::optional<Path>& adapter, ThreadPool& pool,
                   const Kernels& kernels);

// What the same model says now: a line for each thing that is another (template, prompt, tokenizer,
// weights, logits and by how much). Empty: all is as it was. Throws Error as loading does.
std::vector<std::string> differences(const GoldenVectors& golden, const Path& model,
                                     const std::optional<Path>& adapter, ThreadPool& pool,
                                     const Kernels& kernels);

Json to_json(const GoldenVectors& golden);
// Checks all that it reads: it comes with a file. `file` is named by errors. Throws Error.
GoldenVectors golden_from_json(const Json& json, const std::string& file);

}  // namespace bantam::adapt
