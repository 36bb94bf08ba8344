// POST /v1/completions: a text goes on.
#include <algorithm>
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
                                     nullptr,
                                     completion_log_probabilities};

AskedPrompt asked(const Tokenizer& tokenizer, Prompt prompt, bool echo) {
  if (auto* ids = std::get_if<std::vector<std::int32_t>>(&prompt)) {
    AskedPrompt out{std::move(*ids)};
    const bool known =
        std::ranges::all_of(out.ids, [&](std::int32_t id) { return id < tokenizer.size(); });
    if (echo && known) out.text = tokenizer.decode(out.ids);
    return out;
  }
  std::string& text = std::get<std::string>(prompt);
  try {
    AskedPrompt out{tokenizer.encode(text)};
    if (echo) out.text = std::move(text);
    return out;
  } catch (const Error& error) {
    throw Refusal(400, error.message(), "prompt", "invalid_value");
  }
}

}  // namespace

void handle_completion(Service& service, Exchange& exchange) {
  CompletionRequest request =
      parse_completion(exchange.request().body, service.limits, service.defaults);
  std::vector<AskedPrompt> prompts;
  for (Prompt& prompt : request.prompts)
    prompts.push_back(asked(*service.tokenizer, std::move(prompt), request.generation.echo));
  answer_request(service, exchange, kCompletionForm, std::move(prompts), std::move(request.generation), true);
}

}  // namespace bantam::serve
