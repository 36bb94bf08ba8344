#include "train/run_text.h"

#include <vector>

#include "base/error.h"
#include "infer/session.h"
#include "train/run.h"

namespace bantam::train {

namespace {

// The losses of models are only comparable, and a teacher's answers only of use, where the tokens are the same.
std::shared_ptr<const Tokenizer> tokenizer_of_teacher(const Recipe& recipe, const ModelFile& teacher) {
  auto tokenizer = tokenizer_of(teacher);
  // One that is larger is what a recipe says when its text does not fill it.
  if (recipe.vocabulary && *recipe.vocabulary < tokenizer->size())
    throw Error("is " + std::to_string(*recipe.vocabulary) + ", but with a teacher the tokenizer is the teacher's, of " +
                std::to_string(tokenizer->size()) + " tokens: leave it out")
        .field("tokenizer.vocabulary");
  return tokenizer;
}

}  // namespace

RunText read_run_text(const Recipe& recipe, ThreadPool& pool, const std::function<void(const ReadReport&)>& read) {
  RunText out;
  std::vector<Document> documents;
  out.report = read_documents(recipe.text, recipe.reading, [&](Document&& d) { documents.push_back(std::move(d)); });
  read(out.report);
  if (recipe.teacher) {
    out.teacher = std::make_shared<const ModelFile>(*recipe.teacher);
    out.tokenizer = tokenizer_of_teacher(recipe, *out.teacher);
  } else {
    out.tokenizer = train_tokenizer(recipe, documents, pool);
  }
  Tokeniser tokeniser(*out.tokenizer, recipe.weights);
  for (const Document& d : documents) tokeniser.add(d, out.store);
  return out;
}

}  // namespace bantam::train
