// The body, and the fields that all generating endpoints share.
#include "serve/requests.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "serve/refusal.h"

namespace bantam::serve {

namespace {

constexpr std::size_t kMostStops = 16, kMostBiases = 256;

// What would change the answer, so that leaving it out in silence would be wrong.
void refuse_unsupported(const Fields& fields) {
  const auto refuse = [&](std::string_view name, const std::string& message) {
    throw Refusal(400, message, fields.path(name), "unsupported_parameter");
  };
  for (const std::string_view name : {"n", "best_of"})
    if (fields.whole(name, INT64_MIN, INT64_MAX).value_or(1) != 1)
      refuse(name, "one answer a request is given; 1 was expected");
  for (const std::string_view name : {"tools", "functions"})
    if (const Json* value = fields.find(name); value != nullptr && !value->empty())
      refuse(name, "is not supported by this server");
  for (const std::string_view name : {"logprobs", "echo"})
    if (const Json* value = fields.find(name); value != nullptr && *value != Json(false))
      refuse(name, "is not supported by this server");
  if (!fields.text("suffix").value_or("").empty())
    refuse("suffix", "is not supported by this server");
  if (const Json* format = fields.find("response_format"))
    if (Fields(*format, fields.path("response_format")).need_text("type") != "text")
      refuse("response_format", "\"text\" alone is supported by this server");
}

std::vector<std::string> parse_stops(const Fields& fields) {
  const Json* value = fields.find("stop");
  if (value == nullptr) return {};
  if (value->is_string()) return {value->get<std::string>()};
  const Refusal wrong(
      400, "a string or at most " + std::to_string(kMostStops) + " strings were expected",
      fields.path("stop"), "invalid_type");
  if (!value->is_array() || value->size() > kMostStops) throw wrong;
  std::vector<std::string> stops;
  for (const Json& stop : *value) {
    if (!stop.is_string()) throw wrong;
    stops.push_back(stop.get<std::string>());
  }
  return stops;
}

// {"15": -100, ...}
std::vector<LogitBias> parse_biases(const Fields& fields) {
  const Json* value = fields.find("logit_bias");
  if (value == nullptr) return {};
  const Fields biases(*value, fields.path("logit_bias"));
  if (value->size() > kMostBiases)
    throw Refusal(400, "at most " + std::to_string(kMostBiases) + " tokens were expected",
                  fields.path("logit_bias"), "invalid_value");
  std::vector<LogitBias> out;
  for (const auto& [name, unused] : value->items()) {
    std::int32_t id = -1;
    const auto [end, fault] = std::from_chars(name.data(), name.data() + name.size(), id);
    if (fault != std::errc() || end != name.data() + name.size() || id < 0)
      throw Refusal(400, "a token id was expected as the name", biases.path(name), "invalid_value");
    if (const auto bias = biases.number(name, -100, 100)) out.push_back({id, *bias});
  }
  return out;
}

void parse_sampling(const Fields& fields, SamplingOptions& sampling) {
  struct Number {
    std::string_view name;
    double least, most;
    double SamplingOptions::*to;
  };
  constexpr Number kNumbers[] = {
      {"temperature", 0, 2, &SamplingOptions::temperature},
      {"top_p", 0, 1, &SamplingOptions::top_p},
      {"min_p", 0, 1, &SamplingOptions::min_p},
      {"frequency_penalty", -2, 2, &SamplingOptions::frequency_penalty},
      {"presence_penalty", -2, 2, &SamplingOptions::presence_penalty},
      {"repeat_penalty", 1e-3, 1000, &SamplingOptions::repeat_penalty},
  };
  for (const Number& n : kNumbers)
    if (const auto value = fields.number(n.name, n.least, n.most)) sampling.*n.to = *value;
  sampling.top_p = std::max(sampling.top_p, 1e-9);  // 0: the likeliest token alone
  if (const auto top_k = fields.whole("top_k", 0, INT64_MAX)) sampling.top_k = *top_k;
  sampling.logit_bias = parse_biases(fields);
}

}  // namespace

Json parse_body(std::string_view body, const Limits& limits) {
  try {
    return parse_json(body, "the body", limits.json());
  } catch (const Error& error) {
    throw Refusal(400, error.what(), "", "invalid_json");
  }
}

Generation parse_generation(const Fields& fields) {
  refuse_unsupported(fields);
  Generation g;
  parse_sampling(fields, g.sampling);
  if (const auto seed = fields.whole("seed", INT64_MIN, INT64_MAX)) {
    g.sampling.seed = static_cast<std::uint64_t>(*seed);
    g.seeded = true;
  }
  // The newer name wins.
  g.most_tokens = fields.whole("max_tokens", 0, INT32_MAX);
  if (const auto most = fields.whole("max_completion_tokens", 0, INT32_MAX)) g.most_tokens = most;
  g.stops = parse_stops(fields);
  g.stream = fields.flag("stream").value_or(false);
  if (const Json* options = fields.find("stream_options"))
    g.include_usage =
        Fields(*options, fields.path("stream_options")).flag("include_usage").value_or(false);
  return g;
}

}  // namespace bantam::serve
