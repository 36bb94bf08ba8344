// POST /tokenize and /detokenize: text to ids and back; GET /tokenizer_info. A request may be
// llama.cpp's (tools/server/README.md: "content", "add_special", "parse_special") or vLLM's
// (vllm/entrypoints/openai/protocol.py: "prompt", "add_special_tokens"); the reply has the fields
// of both.
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "serve/log_probabilities_json.h"
#include "serve/routes.h"

namespace bantam::serve {

namespace {

// llama.cpp puts nothing in front of "content" unless it is asked to, vLLM does so with "prompt".
void tokenize(Service& service, Exchange& exchange) {
  const Json json = parse_body(exchange.request().body, service.limits);
  const Fields fields(json);
  fields.allow({"model", "content", "prompt", "add_special", "add_special_tokens", "parse_special",
                "with_pieces", "return_token_strs"},
               {"messages"});
  fields.text("model");  // one tokenizer serves all
  const bool plain = fields.find("content") != nullptr;
  const std::string& text = fields.need_text(plain ? "content" : "prompt");
  EncodeOptions options{!plain, true};
  for (const char* name : {"add_special", "add_special_tokens"})
    if (const auto flag = fields.flag(name)) options.add_special = *flag;
  if (const auto flag = fields.flag("parse_special")) options.parse_special = *flag;
  const Tokenizer& tokenizer = *service.tokenizer;
  const std::vector<std::int32_t> ids = tokenizer.encode(text, options);
  Json reply = {{"tokens", ids}, {"count", ids.size()}, {"max_model_len", service.engine.room()}};
  if (fields.flag("return_token_strs").value_or(false)) {
    reply["token_strs"] = Json::array();
    for (const std::int32_t id : ids) reply["token_strs"].push_back(tokenizer.piece(id));
  }
  if (fields.flag("with_pieces").value_or(false)) {
    Json pieces = Json::array();
    for (const std::int32_t id : ids)
      pieces.push_back({{"id", id}, {"piece", token_text(tokenizer, id)}});
    reply["tokens"] = std::move(pieces);
  }
  exchange.respond({200, to_text(reply)});
}

}  // namespace

void handle_tokenize(Service& service, Exchange& exchange) {
  try {
    tokenize(service, exchange);
  } catch (const Refusal&) {
    throw;
  } catch (const Error& error) {  // the text takes a regular expression too many steps
    throw Refusal(400, error.message(), "content", "invalid_value");
  }
}

// As vLLM has it: what a program needs that tokenizes through the server.
void handle_tokenizer_info(Service& service, Exchange& exchange) {
  const Tokenizer& tokenizer = *service.tokenizer;
  const auto spelled = [&](std::optional<std::int32_t> id) -> Json {
    return id ? Json(tokenizer.piece(*id)) : Json();
  };
  Json reply = {{"tokenizer_class", tokenizer.kind()},
                {"bos_token", spelled(tokenizer.bos())},
                {"eos_token", spelled(tokenizer.eos())},
                {"pad_token", spelled(tokenizer.pad())},
                {"unk_token", spelled(tokenizer.unk())},
                {"model_max_length", service.engine.room()},
                {"chat_template", nullptr}};
  if (service.chat_template) reply["chat_template"] = service.chat_template->source();
  exchange.respond({200, to_text(reply)});
}

void handle_detokenize(Service& service, Exchange& exchange) {
  const Json json = parse_body(exchange.request().body, service.limits);
  const Fields fields(json);
  fields.allow({"model", "tokens"});
  fields.text("model");
  const Json& list = fields.need("tokens");
  const Refusal wrong(400,
                      "an array of token ids from 0 to " +
                          std::to_string(service.tokenizer->size() - 1) + " was expected",
                      "tokens", "invalid_value");
  if (!list.is_array()) throw wrong;
  std::vector<std::int32_t> ids;
  for (const Json& id : list) {
    if (!id.is_number_integer()) throw wrong;
    const auto value = id.get<std::int64_t>();
    if (value < 0 || value >= service.tokenizer->size()) throw wrong;
    ids.push_back(static_cast<std::int32_t>(value));
  }
  const std::string text = service.tokenizer->decode(ids, false);
  exchange.respond({200, to_text({{"content", text}, {"prompt", text}})});
}

}  // namespace bantam::serve
