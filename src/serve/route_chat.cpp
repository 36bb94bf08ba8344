// POST /v1/chat/completions: a conversation goes on, by the model's chat template.
#include <nlohmann/json.hpp>

#include "serve/answering.h"
#include "serve/routes.h"

namespace bantam::serve {

namespace {

constexpr AnswerForm kChatForm{
    "chatcmpl-", "chat.completion", "chat.completion.chunk",
    [](const std::string& text) -> Json {
      return {{"message", {{"role", "assistant"}, {"content", text}, {"refusal", nullptr}}}};
    },
    // The last part has no text: an empty delta.
    [](const std::string& text) -> Json {
      return {{"delta", text.empty() ? Json::object() : Json({{"content", text}})}};
    },
    []() -> Json {
      return {{"delta", {{"role", "assistant"}, {"content", ""}}}};
    },
    chat_log_probabilities};

std::vector<std::int32_t> prompt_of(const Service& service, ChatRequest& request) {
  const auto& chat_template = service.template_of(service.adapter_of(request.generation));
  if (!chat_template)
    throw Refusal(400,
                  "the model has no chat template: serve it with --template NAME, or ask "
                  "/v1/completions to continue a text");
  try {
    return prompt_with(request.variables, *service.tokenizer, *chat_template,
                       std::move(request.messages))
        .ids;
  } catch (const Refusal&) {
    throw;
  } catch (const Error& error) {
    throw Refusal(400, "the model's chat template refuses these messages: " + error.message(),
                  "messages", "template_error");
  }
}

}  // namespace

void handle_chat(Service& service, Exchange& exchange) {
  ChatRequest request = parse_chat(exchange.request().body, service.limits, service.defaults);
  std::vector<AskedPrompt> prompts{{prompt_of(service, request)}};
  answer_request(service, exchange, kChatForm, std::move(prompts), std::move(request.generation), false);
}

}  // namespace bantam::serve
