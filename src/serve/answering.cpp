#include "serve/answering.h"
#include "base/counting.h"

#include <ctime>
#include <list>
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

// What is the same in everything that is written of one request.
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
  static Json choice(Json choice, std::size_t index, StopReason reason, Json probabilities) {
    choice["index"] = index;
    choice["logprobs"] = std::move(probabilities);
    choice["finish_reason"] = finish_reason(reason);
    return choice;
  }
  // Of a stream, which has one.
  static Json choices(Json json, StopReason reason, Json probabilities = nullptr) {
    return Json::array({choice(std::move(json), 0, reason, std::move(probabilities))});
  }
  Json usage(std::int64_t answer_tokens, std::int64_t reused_tokens) const {
    return {{"prompt_tokens", prompt_tokens},
            {"completion_tokens", answer_tokens},
            {"total_tokens", prompt_tokens + answer_tokens},
            {"prompt_tokens_details", {{"cached_tokens", reused_tokens}}}};
  }
};

Refusal busy(const Engine& engine) {
  std::string message = engine.slots() == 1 ? "the slot is taken" : "all " + std::to_string(engine.slots()) + " slots are taken";
  if (engine.queue() > 0)
    message += " and " + number_of(engine.queue(), "request") + (engine.queue() == 1 ? " waits already" : " wait already");
  return Refusal(429, message + "; try again in a moment", "", "rate_limit_exceeded")
      .header("Retry-After", "1");
}

Refusal failed() { return Refusal(500, "the model could not go on with this answer"); }

// One request: its prompts, each of which becomes an answer.
class Asking {
 public:
  Asking(Service& service, Exchange& exchange, const Generation& generation,
         std::vector<AskedPrompt> prompts, bool continues, std::int32_t adapter)
      : service_(service),
        exchange_(exchange),
        generation_(generation),
        prompts_(std::move(prompts)),
        continues_(continues),
        adapter_(adapter),
        seed_(generation.seeded ? generation.sampling.seed : std::random_device()()) {}

  std::size_t size() const { return prompts_.size(); }

  // Throws Refusal (429) when there is no room for it, nor for waiting.
  Engine::Ticket start(std::size_t index) {
    Engine::Ticket ticket = try_start(index);
    if (!ticket) throw busy(service_.engine);
    return ticket;
  }
  // An empty ticket then.
  Engine::Ticket try_start(std::size_t index) {
    const std::vector<std::int32_t>& ids = prompts_[index].ids;
    AnswerOptions options;
    options.sampling = generation_.sampling;
    options.sampling.seed = seed_;
    options.most_tokens = generation_.most_tokens.value_or(-1);
    options.stops = generation_.stops;
    options.top_probabilities = generation_.top_probabilities;
    if (continues_) options.continues = ids;
    Wanted wanted{ids, std::make_unique<Answer>(service_.tokenizer, std::move(options))};
    wanted.whole = !generation_.stream;
    wanted.adapter = adapter_;
    if (generation_.echo) wanted.prompt_probabilities = generation_.top_probabilities;
    return service_.engine.start(wanted, [bell = exchange_.bell()] { bell->ring(); });
  }

  // The choice of an answer that has ended.
  Json choice(const Writer& writer, std::size_t index, const std::string& text, StopReason reason,
              const Engine::Ticket& ticket) const {
    const AskedPrompt& prompt = prompts_[index];
    Json probabilities;
    if (generation_.top_probabilities >= 0) {
      ScoredTokens scored{{}, {}, ticket.answer().probabilities()};
      if (generation_.echo) {
        scored.prompt = prompt.ids;
        scored.of_prompt = ticket.prompt_probabilities();
      }
      probabilities = writer.form.probabilities(*service_.tokenizer, scored);
    }
    return Writer::choice(writer.form.whole(generation_.echo ? prompt.text + text : text), index,
                          reason, std::move(probabilities));
  }

 private:
  Service& service_;
  Exchange& exchange_;
  const Generation& generation_;
  std::vector<AskedPrompt> prompts_;
  bool continues_;
  std::int32_t adapter_;
  std::uint64_t seed_;
};

// As many at once as the server takes, in order.
void write_whole(Exchange& exchange, const Writer& writer, Asking& asking) {
  struct Open {
    std::size_t index;
    Engine::Ticket ticket;
    std::string text = "";
  };
  std::list<Open> open;
  Json choices = Json::array();
  choices.get_ref<Json::array_t&>().resize(asking.size());
  std::size_t next = 0;
  std::int64_t answer_tokens = 0, reused_tokens = 0;
  while (next < asking.size() || !open.empty()) {
    while (next < asking.size()) {
      Engine::Ticket ticket = open.empty() ? asking.start(next) : asking.try_start(next);
      if (!ticket) break;
      open.push_back({next++, std::move(ticket)});
    }
    if (!exchange.wait()) return;
    for (auto one = open.begin(); one != open.end();) {
      const AnswerNews news = one->ticket.news();
      one->text += news.text;
      if (news.failed) throw failed();
      if (!news.ended) {
        ++one;
        continue;
      }
      answer_tokens += news.answer_tokens;
      reused_tokens += news.reused_tokens;
      exchange.answer_tokens = answer_tokens;
      choices[one->index] = asking.choice(writer, one->index, one->text, news.reason, one->ticket);
      one = open.erase(one);
    }
  }
  Json json = writer.frame(writer.form.whole_object, std::move(choices));
  json["usage"] = writer.usage(answer_tokens, reused_tokens);
  exchange.respond({200, to_text(json)});
}

void write_stream(Exchange& exchange, const Writer& writer, const Tokenizer& tokenizer,
                  Engine::Ticket ticket, bool include_usage) {
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
    Json probabilities;
    if (!news.tokens.empty())
      probabilities = writer.form.probabilities(tokenizer, {{}, {}, news.tokens});
    if (!news.text.empty() || !news.tokens.empty())
      part(Writer::choices(writer.form.part(news.text), StopReason::none,
                           std::move(probabilities)));
    if (news.failed) throw failed();
    if (!news.ended) continue;
    part(Writer::choices(writer.form.part(""), news.reason));
    if (include_usage) {
      Json json = writer.frame(writer.form.part_object, Json::array());
      json["usage"] = writer.usage(news.answer_tokens, news.reused_tokens);
      exchange.event(to_text(json));
    }
    exchange.event("[DONE]");
    exchange.end_events();
    return;
  }
}

void check_prompt(const Service& service, std::span<const std::int32_t> prompt) {
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
  for (const std::int32_t id : prompt)
    if (id < 0 || id >= known)
      throw Refusal(400,
                    "there is no token " + std::to_string(id) + "; the vocabulary has 0 to " +
                        std::to_string(known - 1),
                    "prompt", "invalid_value");
}

}  // namespace

void answer_request(Service& service, Exchange& exchange, const AnswerForm& form,
                    std::vector<AskedPrompt> prompts, Generation generation, bool continues) {
  std::int64_t prompt_tokens = 0;
  for (const AskedPrompt& prompt : prompts) {
    check_prompt(service, prompt.ids);
    prompt_tokens += static_cast<std::int64_t>(prompt.ids.size());
  }
  for (const LogitBias& bias :
       resolve_biases(generation.biases, *service.tokenizer, service.engine.vocabulary()))
    generation.sampling.logit_bias.push_back(bias);
  const std::int32_t adapter = service.adapter_of(generation);
  const Writer writer{form, new_id(form.id_prefix), service.name_of(adapter), std::time(nullptr),
                      prompt_tokens};
  exchange.prompt_tokens = prompt_tokens;
  Asking asking(service, exchange, generation, std::move(prompts), continues, adapter);
  if (generation.stream)
    write_stream(exchange, writer, *service.tokenizer, asking.start(0), generation.include_usage);
  else
    write_whole(exchange, writer, asking);
}

}  // namespace bantam::serve
