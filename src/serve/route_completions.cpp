// POST /v1/completions: a text goes on.
#include <nlohmann/json.hpp>

#include "serve/answering.h"
#include "serve/routes.h"

namespace bantam::serve {

namespace {

constexpr AnswerForm kCompletionForm{"cmpl-",
                                     "text_completion",
                                     "text_completion",
                                     [](const std::string& text) -> Json {
                                       return {{"text", text}};
                                     },
                                     [](const std::string& text) -> Json {
                                       return {{"text", text}};
                                     },
                                     nullptr};

}  // namespace

void handle_completion(Service& service, Exchange& exchange) {
  CompletionRequest request = parse_completion(exchange.request().body, service.limits);
  std::vector<std::int32_t> prompt;
  if (const auto* text = std::get_if<std::string>(&request.prompt)) {
    try {
      prompt = service.tokenizer->encode(*text);
    } catch (const Error& error) {
      throw Refusal(400, error.message(), "prompt", "invalid_value");
    }
  } else {
    prompt = std::move(std::get<std::vector<std::int32_t>>(request.prompt));
  }
  answer_request(service, exchange, kCompletionForm, std::move(prompt), request.generation, true);
}

}  // namespace bantam::serve
