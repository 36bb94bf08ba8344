#include "serve/answering.h"

#include <ctime>
#include <nlohmann/json.hpp>
#include <random>

namespace bantam::serve {

namespace {

// Names need not be secret, only different.
std::string new_id(std::string_view prefix) {
  static constexpr char kDigits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
  std::random_device random;
  std::string id(prefix);
  for (int i = 0; i < 24; ++i) id += kDigits[random() % 36];
  return id;
}

Json finish_reason(StopReason reason) {
  switch (reason) {
    case StopReason::none:
      return nullptr;
    case StopReason::end:
    case StopReason::stop_string:
      return "stop";
    case StopReason::length:
    case StopReason::context:
    case StopReason::interrupted:
      return "length";
  }
  return nullptr;
}

// What is the same in everything that is written of one answer.
struct Writer {
  const AnswerForm& form;
  std::string id, model;
  std::int64_t created, prompt_tokens;

  Json frame(std::string_view object, Json choices) const {
    return {{"id", id},
            {"object", object},
            {"created", created},
            {"model", model},
            {"choices", std::move(choices)}};
  }
  static Json choices(Json choice, StopReason reason) {
    choice["index"] = 0;
    choice["logprobs"] = nullptr;
    choice["finish_reason"] = finish_reason(reason);
    return Json::array({std::move(choice)});
  }
  Json usage(const AnswerNews& news) const {
    return {{"prompt_tokens", prompt_tokens},
            {"completion_tokens", news.answer_tokens},
            {"total_tokens", prompt_tokens + news.answer_tokens},
            {"prompt_tokens_details", {{"cached_tokens", news.reused_tokens}}}};
  }
};

Refusal failed() { return Refusal(500, "the model could not go on with this answer"); }

void write_whole(Exchange& exchange, const Writer& writer, Engine::Ticket& ticket) {
  std::string text;
  for (;;) {
    if (!exchange.wait()) return;
    const AnswerNews news = ticket.news();
    text += news.text;
    exchange.answer_tokens = news.answer_tokens;
    if (news.failed) throw failed();
    if (!news.ended) continue;
    Json json = writer.frame(writer.form.whole_object,
                             Writer::choices(writer.form.whole(text), news.reason));
    json["usage"] = writer.usage(news);
    return exchange.respond({200, to_text(json)});
  }
}

void write_stream(Exchange& exchange, const Writer& writer, Engine::Ticket& ticket,
                  bool include_usage) {
  const auto part = [&](Json choices) {
    Json json = writer.frame(writer.form.part_object, std::move(choices));
    if (include_usage) json["usage"] = nullptr;
    return exchange.event(to_text(json));
  };
  exchange.begin_events();
  if (writer.form.first != nullptr) part(Writer::choices(writer.form.first(), StopReason::none));
  for (;;) {
    if (!exchange.wait()) return;
    const AnswerNews news = ticket.news();
    exchange.answer_tokens = news.answer_tokens;
    if (!news.text.empty()) part(Writer::choices(writer.form.part(news.text), StopReason::none));
    if (news.failed) throw failed();
    if (!news.ended) continue;
    part(Writer::choices(writer.form.part(""), news.reason));
    if (include_usage) {
      Json json = writer.frame(writer.form.part_object, Json::array());
      json["usage"] = writer.usage(news);
      exchange.event(to_text(json));
    }
    exchange.event("[DONE]");
    exchange.end_events();
    return;
  }
}

void check_prompt(const Service& service, std::span<const std::int32_t> prompt,
                  const Generation& generation) {
  if (prompt.empty())
    throw Refusal(400, "the prompt has no tokens; a model needs at least one to continue from");
  const auto length = static_cast<std::int64_t>(prompt.size());
  if (length > service.engine.room())
    throw Refusal(400,
                  "the prompt is " + std::to_string(length) +
                      " tokens long, the context has room for " +
                      std::to_string(service.engine.room()) + "; shorten the prompt",
                  "", "context_length_exceeded");
  const std::int64_t known = service.engine.vocabulary();
  const auto require_known = [&](std::int32_t id, const char* field) {
    if (id < 0 || id >= known)
      throw Refusal(400,
                    "there is no token " + std::to_string(id) + "; the vocabulary has 0 to " +
                        std::to_string(known - 1),
                    field, "invalid_value");
  };
  for (const std::int32_t id : prompt) require_known(id, "prompt");
  for (const LogitBias& bias : generation.sampling.logit_bias) require_known(bias.id, "logit_bias");
}

}  // namespace

void answer_request(Service& service, Exchange& exchange, const AnswerForm& form,
                    std::vector<std::int32_t> prompt, const Generation& generation,
                    bool continues) {
  check_prompt(service, prompt, generation);
  AnswerOptions options;
  options.sampling = generation.sampling;
  if (!generation.seeded) options.sampling.seed = std::random_device()();
  options.most_tokens = generation.most_tokens.value_or(-1);
  options.stops = generation.stops;
  if (continues) options.continues = prompt;
  const Writer writer{form, new_id(form.id_prefix), service.model, std::time(nullptr),
                      static_cast<std::int64_t>(prompt.size())};
  exchange.prompt_tokens = writer.prompt_tokens;
  Engine::Ticket ticket = service.engine.start(
      std::move(prompt), std::make_unique<Answer>(service.tokenizer, std::move(options)),
      [bell = exchange.bell()] { bell->ring(); });
  if (!ticket)
    throw Refusal(
        429,
        "all " + std::to_string(service.engine.slots()) + " slots are taken; try again in a moment",
        "", "rate_limit_exceeded")
        .header("Retry-After", "1");
  if (generation.stream)
    write_stream(exchange, writer, ticket, generation.include_usage);
  else
    write_whole(exchange, writer, ticket);
}

}  // namespace bantam::serve
