// The tokenizer that a run trains on its text.
#include <algorithm>

#include "chat/named_templates.h"
#include "tokenizer/bpe_train.h"
#include "train/run.h"

namespace bantam::train {

namespace {

std::int64_t default_vocabulary(std::int64_t bytes) {
  // A token for every 500 bytes of text: enough repetitions of each to learn it.
  std::int64_t vocabulary = 512;
  while (vocabulary < 32768 && vocabulary * 500 * 3 / 2 < bytes) vocabulary *= 2;
  return vocabulary;
}

}  // namespace

std::shared_ptr<const Tokenizer> train_tokenizer(const Recipe& recipe,
                                                 const std::vector<Document>& documents,
                                                 ThreadPool& pool) {
  std::int64_t bytes = 0;
  bool talks = false, tools = false, single = true;  // single: no second question anywhere
  for (const Document& d : documents) {
    bytes += static_cast<std::int64_t>(d.text.size());
    for (const Message& m : d.messages) bytes += static_cast<std::int64_t>(m.content.size());
    single = single && std::ranges::count(d.messages, "user", &Message::role) <= 1;
    talks = talks || !d.messages.empty();
    tools = tools || std::ranges::count(d.messages, "tool", &Message::role) > 0;
  }
  BpeTraining training;
  training.vocabulary = recipe.vocabulary.value_or(default_vocabulary(bytes));
  training.special = {"<|end|>"};
  if (talks)
    training.special.insert(training.special.end(), {"<|user|>", "<|assistant|>", "<|system|>"});
  if (tools) training.special.push_back("<|tool|>");
  training.pre = recipe.pre_tokenizer;
  // The messages of a conversation are texts of their own: control tokens stand between them.
  std::size_t document = 0, message = 0;
  const NextDocument next = [&](std::string& text) {
    while (document < documents.size()) {
      const Document& d = documents[document];
      if (d.messages.empty()) {
        text = d.text;
        ++document;
        return true;
      }
      if (message < d.messages.size()) {
        text = d.messages[message++].content;
        return true;
      }
      message = 0;
      ++document;
    }
    return false;
  };
  BpeVocabulary vocabulary = train_bpe(training, next, pool);
  TrainedTokenizer trained;
  for (std::int32_t id = vocabulary.first_special;
       id < static_cast<std::int32_t>(vocabulary.tokens.size()); ++id)
    trained.special.push_back(id);
  trained.eos = trained.pad = vocabulary.first_special;
  trained.tokens = std::move(vocabulary.tokens);
  trained.merges = std::move(vocabulary.merges);
  trained.pre_tokenizer = recipe.pre_tokenizer;
  // Whoever has never seen a second question does not know what to make of one.
  if (talks)
    trained.chat_template = std::string(named_template(single ? "bantam-single" : "bantam"));
  return make_tokenizer(std::move(trained));
}

}  // namespace bantam::train
