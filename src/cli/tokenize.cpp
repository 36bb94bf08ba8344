// `bantam tokenize`: text to token ids.
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "cli/input.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "tokenizer/base64.h"
#include "tokenizer/tokenizer.h"

namespace bantam::cli {

namespace {

struct TokenizeVerb {
  std::string model;
  std::optional<std::string> text, file, batch;
  bool no_special = false, no_parse_special = false, json = false;

  void run() const;
  void run_batch(const Tokenizer& tokenizer) const;
  void answer(std::span<const std::int32_t> ids) const;
};

// {"ids":[1,2]} or 1,2: written by hand, as a long text has many.
void TokenizeVerb::answer(std::span<const std::int32_t> ids) const {
  std::string line = json ? "{\"ids\":[" : "";
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (i > 0) line += ',';
    line += std::to_string(ids[i]);
  }
  print(line + (json ? "]}\n" : "\n"));
}

// One line of the batch.
struct Item {
  std::string text;
  EncodeOptions options;
};

Item read_item(std::string_view line, const std::string& file) {
  JsonLimits limits;
  limits.bytes = std::uint64_t{1} << 30;
  const Json json = parse_json(line, file, limits);
  if (!json.is_object()) throw Error("an object was expected").in(file);
  Item item;
  bool has_text = false;
  for (const auto& [key, value] : json.items()) {
    const auto flag = [&](bool& to) {
      if (!value.is_boolean()) throw Error("true or false was expected").in(file).field(key);
      to = value.get<bool>();
    };
    if (key == "add_special") {
      flag(item.options.add_special);
    } else if (key == "parse_special") {
      flag(item.options.parse_special);
    } else if (key == "text_b64" || key == "text") {
      if (!value.is_string()) throw Error("a string was expected").in(file).field(key);
      const std::string& text = value.get_ref<const std::string&>();
      const std::optional<std::string> decoded = key == "text" ? text : base64_decode(text);
      if (!decoded) throw Error("is not base64").in(file).field(key);
      item.text = *decoded;
      has_text = true;
    } else {
      throw Error("text_b64, text, add_special or parse_special was expected").in(file).field(key);
    }
  }
  if (!has_text) throw Error("is missing").in(file).field("text_b64");
  return item;
}

void TokenizeVerb::run_batch(const Tokenizer& tokenizer) const {
  const MappedFile mapped{Path(*batch)};
  std::string_view rest(reinterpret_cast<const char*>(mapped.bytes().data()),
                        mapped.bytes().size());
  for (std::uint64_t number = 1; !rest.empty(); ++number) {
    check_interrupt();
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    try {
      const Item item = read_item(line, *batch);
      answer(tokenizer.encode(item.text, item.options));
    } catch (Error& error) {
      error.in(*batch).line(number);
      throw;
    }
  }
}

void TokenizeVerb::run() const {
  const int given = int{text.has_value()} + int{file.has_value()} + int{batch.has_value()};
  // What is piped in is the text where none is given.
  if (given > 1 || (given == 0 && !input_is_piped()))
    throw Error("one of --text, --file and --batch was expected", Error::Kind::usage);
  if (given == 1 && !is_standard_input(file.value_or("")))
    note_unread_pipe(std::string(text ? "--text" : file ? "--file" : "--batch") + " says the text");
  const std::shared_ptr<const Tokenizer> tokenizer = open_tokenizer(Path(model));
  if (batch) return run_batch(*tokenizer);
  const EncodeOptions options{!no_special, !no_parse_special};
  answer(tokenizer->encode(text ? *text : read_text(file.value_or("-")), options));
}

std::function<void()> declare_tokenize(Options& options) {
  auto command = std::make_shared<TokenizeVerb>();
  options.positional("MODEL", command->model,
                     "a .gguf file, a tokenizer.json, a tokenizer.model, or a model's folder");
  options.text("--text", "TEXT", command->text, "the text");
  options.text("--file", "FILE", command->file,
               "a file with the text (-: standard input, also when it is piped in); its bytes are taken as "
               "they are");
  options.text("--batch", "FILE", command->batch,
               "many texts, a JSON object a line: {\"text_b64\":..,\"add_special\":..,"
               "\"parse_special\":..}; answers a line each");
  options.flag("--no-special", command->no_special,
               "leave out the tokens that the model begins or ends a text with");
  options.flag("--no-parse-special", command->no_parse_special,
               "take control tokens in the text for plain text");
  options.flag("--json", command->json, "print {\"ids\":[..]}");
  return [command] { command->run(); };
}

}  // namespace

const Verb kTokenize{"tokenize", "text to token ids",
                     "Prints the token ids of a text as the model sees it.",
                     "bantam tokenize model.gguf --text \"Hello, world\"", declare_tokenize};

}  // namespace bantam::cli
