// `bantam template`: the prompt that a chat template makes of a conversation.
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "cli/conversation.h"
#include "cli/output.h"
#include "cli/template_variables.h"
#include "cli/verbs.h"
#include "chat/answer_mask.h"
#include "chat/chat_template.h"
#include "chat/named_templates.h"
#include "tokenizer/tokenizer.h"

namespace bantam::cli {

namespace {

struct TemplateVerb {
  std::string source;
  std::optional<std::string> name, messages, tools, extra, bos, eos, now;
  std::vector<std::string> set;
  bool no_generation_prompt = false, show = false, mask = false, last_turn = false, json = false;

  void run() const;
  ChatTemplate open(ChatInput& input, std::shared_ptr<const Tokenizer>& tokenizer) const;
  void read_conversation(ChatInput& input) const;
  void print_mask(const ChatTemplate& chat, const Tokenizer* tokenizer, ChatInput input) const;
};

Json read_document(const std::string& file) {
  JsonLimits limits;
  limits.exact_integers = true;  // a template prints them
  limits.python_numbers = true;  // json.dumps writes them beside what a template reads
  return parse_json(read_file(Path(file)), file, limits);
}

// Python's NaN and Infinity are let pass beside what templates read, as in records for training.
void require_finite(const Json& value, const std::string& file, const std::string& field) {
  if (!all_finite(value)) throw Error("finite numbers were expected; NaN and Infinity are Python's, not JSON's").in(file).field(field);
}

void require_finite_messages(const Json& messages, const std::string& file) {
  for (std::size_t i = 0; i < messages.size(); ++i) {
    require_finite(messages[i].is_object() ? Json() : messages[i], file, "messages[" + std::to_string(i) + "]");
    for (const char* name : {"role", "content", "reasoning_content", "tool_calls"})
      if (messages[i].is_object() && messages[i].contains(name))
        require_finite(messages[i][name], file, "messages[" + std::to_string(i) + "]." + name);
  }
}

Json read_array(const std::string& file) {
  Json json = read_document(file);
  if (!json.is_array()) throw Error("an array was expected").in(file);
  return json;
}

ChatTemplate TemplateVerb::open(ChatInput& input,
                                std::shared_ptr<const Tokenizer>& tokenizer) const {
  const Path path(source);
  if (path.extension() == ".jinja")
    return ChatTemplate(read_file(path, TemplateLimits().source), source);
  tokenizer = open_tokenizer(path);
  set_special_tokens(*tokenizer, input);
  std::error_code ignored;
  if (name && std::filesystem::is_regular_file(*name, ignored))
    return ChatTemplate(read_file(Path(*name), TemplateLimits().source), *name);
  if (auto own = own_template(*tokenizer, source, name.value_or(tools ? "tool_use" : "")))
    return std::move(*own);
  if (name) return ChatTemplate(std::string(named_template(*name)), *name);
  if (auto own = own_template(*tokenizer, source)) return std::move(*own);
  throw Error("the model has no chat template; --template NAME gives it one").in(source);
}

void TemplateVerb::run() const {
  ChatInput input;
  std::shared_ptr<const Tokenizer> tokenizer;
  ChatTemplate chat_template = open(input, tokenizer);
  const Json variables = template_variables(set);
  warn_of_unread(chat_template, variables);
  chat_template.set_variables(variables);
  if (show) return print(chat_template.source());
  read_conversation(input);
  if (mask) return print_mask(chat_template, tokenizer.get(), std::move(input));
  input.add_generation_prompt = !no_generation_prompt;
  print(chat_template.render(input));
}

void TemplateVerb::read_conversation(ChatInput& input) const {
  if (!messages) throw Error("is missing", Error::Kind::usage).field("--messages");
  Json document = read_document(*messages);
  // A record of chat data: the messages beside their tools.
  if (document.is_object() && document.contains("messages")) {
    if (document.contains("tools")) input.tools = document["tools"];
    document = Json(document["messages"]);
  }
  if (!document.is_array()) throw Error("an array was expected").in(*messages);
  input.messages = std::move(document);
  require_finite_messages(input.messages, *messages);
  if (tools) input.tools = read_array(*tools);
  require_finite(input.tools, tools.value_or(*messages), "tools");
  if (extra) {
    input.extra = read_document(*extra);
    if (!input.extra.is_object()) throw Error("an object was expected").in(*extra);
    for (const auto& [variable, value] : input.extra.items()) require_finite(value, *extra, variable);
  }
  if (bos) input.bos_token = *bos;
  if (eos) input.eos_token = *eos;
  if (now) input.now = parse_local_time(*now);
}

void TemplateVerb::print_mask(const ChatTemplate& chat, const Tokenizer* tokenizer,
                              ChatInput input) const {
  if (!tokenizer)
    throw Error("a mask is one of tokens: give a model or a tokenizer.json, and the template file "
                "by --template",
                Error::Kind::usage)
        .field("--mask");
  const MaskedPrompt masked = mask_answers(chat, *tokenizer, std::move(input),
                                           last_turn ? Labels::last_answer : Labels::answers);
  if (json) {
    Json answers = Json::array();
    for (const auto& span : masked.answers)
      if (span.counts) answers.push_back(Json::array({span.begin, span.end}));
    return print(to_text(Json{{"ids", masked.ids},
                              {"mask", masked.mask},
                              {"text", masked.text},
                              {"answer_bytes", answers}}) +
                 "\n");
  }
  std::string out;
  for (std::size_t i = 0; i < masked.ids.size(); ++i)
    out += std::string(masked.mask[i] ? "1 " : "0 ") + std::to_string(masked.ids[i]) + "\t" +
           printable(tokenizer->piece(masked.ids[i])) + "\n";
  print(out);
}

std::function<void()> declare_template(Options& options) {
  auto command = std::make_shared<TemplateVerb>();
  options.positional("MODEL", command->source,
                     "a model, or a template file whose name ends in .jinja");
  options.text("--messages", "FILE", command->messages,
               "JSON: [{\"role\":\"user\",\"content\":\"Hello\"}, ...]");
  options.text("--tools", "FILE", command->tools, "JSON: an array of tool definitions");
  declare_variables(options, command->set);
  options.text("--extra", "FILE", command->extra, "JSON: an object of further variables");
  options.text("--bos-token", "S", command->bos,
               "the text of the beginning token (default: the model's)");
  options.text("--eos-token", "S", command->eos,
               "the text of the end token (default: the model's)");
  options.text("--now", "TIME", command->now,
               "the time that the template sees: 2025-03-14T09:26:53");
  options.flag("--no-generation-prompt", command->no_generation_prompt,
               "leave out the opening of the model's answer");
  options.text("--template", "NAME", command->name,
               "a template in place of the model's own, by its name or file")
      .words = template_words();
  options.flag("--mask", command->mask,
               "print the tokens, and which of them training counts: what the assistant says with "
               "its stop token");
  options.flag("--last-turn", command->last_turn, "with --mask: count the last answer alone");
  options.flag("--json", command->json, "with --mask: {\"ids\", \"mask\", ...}");
  options.flag("--show", command->show, "print the template itself");
  return [command] { command->run(); };
}

}  // namespace

const Verb kTemplate{
    "template", "print the prompt that a conversation becomes",
    "Renders a conversation with a model's chat template and prints the prompt, to the byte.",
    "bantam template model.gguf --messages conversation.json", declare_template};

}  // namespace bantam::cli
