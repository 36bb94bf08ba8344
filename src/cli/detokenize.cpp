// `bantam detokenize`: token ids to text.
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json.h"
#include "cli/input.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "tokenizer/tokenizer.h"

namespace bantam::cli {

namespace {

struct DetokenizeVerb {
  std::string model;
  std::optional<std::vector<std::int32_t>> tokens;
  bool special = false, json = false;

  std::vector<std::int32_t> ids() const;
  void run() const {
    const std::string text = open_tokenizer(Path(model))->decode(ids(), !special);
    print((json ? to_text({{"text", text}}) : text) + "\n");
  }
};

// What is piped in, as tokenize prints it, where none are given: lines follow each other.
std::vector<std::int32_t> DetokenizeVerb::ids() const {
  if (tokens) {
    note_unread_pipe("--tokens says the ids", "without it they are read");
    return *tokens;
  }
  if (!input_is_piped()) throw Error("is missing, and no ids are piped in", Error::Kind::usage).field("--tokens");
  std::string text = read_text("-"), list;
  std::erase(text, '\r');
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (end > at) list += (list.empty() ? "" : ",") + text.substr(at, end - at);
    at = end + 1;
  }
  if (list.empty()) throw Error("no ids are piped in", Error::Kind::usage).field("--tokens");
  return parse_ids(list, "standard input");
}

std::function<void()> declare_detokenize(Options& options) {
  auto command = std::make_shared<DetokenizeVerb>();
  options.positional("MODEL", command->model,
                     "a .gguf file, a tokenizer.json, a tokenizer.model, or a model's folder");
  options.ids("--tokens", command->tokens, "the ids, 1,2,3 (default: those that are piped in)");
  options.flag("--special", command->special, "show control tokens too");
  options.flag("--json", command->json, "print {\"text\":..}");
  return [command] { command->run(); };
}

}  // namespace

const Verb kDetokenize{
    "detokenize", "token ids to text", "Prints the text that token ids stand for.",
    "bantam detokenize model.gguf --tokens 1,403,407,261,378", declare_detokenize};

}  // namespace bantam::cli
