// `bantam detokenize`: token ids to text.
#include <memory>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "tokenizer/tokenizer.h"

namespace bantam::cli {

namespace {

struct DetokenizeVerb {
  std::string model;
  std::optional<std::vector<std::int32_t>> tokens;
  bool special = false, json = false;

  void run() const {
    const std::string text = open_tokenizer(Path(model))->decode(*tokens, !special);
    print((json ? to_text({{"text", text}}) : text) + "\n");
  }
};

std::function<void()> declare_detokenize(Options& options) {
  auto command = std::make_shared<DetokenizeVerb>();
  options.positional("MODEL", command->model,
                     "a .gguf file, a tokenizer.json, a tokenizer.model, or a model's folder");
  options.ids("--tokens", command->tokens, "the ids, 1,2,3").required = true;
  options.flag("--special", command->special, "show control tokens too");
  options.flag("--json", command->json, "print {\"text\":..}");
  return [command] { command->run(); };
}

}  // namespace

const Verb kDetokenize{
    "detokenize", "token ids to text", "Prints the text that token ids stand for.",
    "bantam detokenize model.gguf --tokens 1,403,407,261,378", declare_detokenize};

}  // namespace bantam::cli
