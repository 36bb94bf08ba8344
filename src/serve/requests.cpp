// The body, and the fields that all generating endpoints share.
#include "serve/requests.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "infer/sampler_options.h"
#include "serve/other_fields.h"
#include "serve/refusal.h"

namespace bantam::serve {

namespace {

constexpr std::size_t kMostStops = 16;

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

// true and false, or the numbers that stand for them.
std::optional<double> switch_value(const Fields& fields, const std::string& name,
                                   const SamplerOption& option) {
  const Json* value = fields.find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_number()) {
    if (*value == Json(option.field_least)) return 0;
    if (*value == Json(option.field_most)) return 1;
    throw Refusal(400,
                  fmt::format("{} or {} was expected; no other kind is served",
                              value_text(option.field_least), value_text(option.field_most)),
                  fields.path(name), "invalid_value");
  }
  return *fields.flag(name) ? 1 : 0;
}

// What a request says of one option, under its own name or the other one.
void parse_option(const Fields& fields, const SamplerOption& option, SamplingOptions& sampling) {
  std::string own(option.main_name());
  std::ranges::replace(own, '-', '_');
  std::optional<double> said;
  for (const std::string& name : {own, std::string(option.field)}) {
    if (name.empty()) continue;
    std::optional<double> value;
    if (option.is_whole()) {
      const auto whole = fields.whole(name, static_cast<std::int64_t>(option.field_least),
                                      static_cast<std::int64_t>(option.field_most));
      if (whole) value = static_cast<double>(*whole);
    } else if (option.is_switch()) {
      value = switch_value(fields, name, option);
    } else {
      value = fields.number(name, option.field_least, option.field_most);
    }
    if (value && said && *value != *said)
      throw Refusal(400, "says another number than " + own, fields.path(name), "invalid_value");
    if (value) said = value;
    // OpenAI's top_p of 0 is the likeliest token alone.
    if (value) set_value(option, sampling, std::max(*value, option.least));
  }
}

void parse_sampling(const Fields& fields, SamplingOptions& sampling) {
  for (const SamplerOption& option : sampler_options()) parse_option(fields, option, sampling);
}

}  // namespace

Json parse_body(std::string_view body, const Limits& limits) {
  try {
    return parse_json(body, "the body", limits.json());
  } catch (const Error& error) {
    throw Refusal(400, error.what(), "", "invalid_json");
  }
}

namespace {

void require_plain_text(const Fields& body) {
  const Json* value = body.find("response_format");
  if (value == nullptr) return;
  const Fields format(*value, body.path("response_format"));
  if (format.need_text("type") != "text")
    throw Refusal(400, "\"text\" alone is supported by this server", "response_format",
                  "unsupported_parameter");
  format.allow({"type"});
}

bool parse_stream_options(const Fields& body) {
  const Json* value = body.find("stream_options");
  if (value == nullptr) return false;
  const Fields options(*value, body.path("stream_options"));
  // Padding against listeners (OpenAI's include_obfuscation) changes no text.
  options.allow({"include_usage", "include_obfuscation"}, {"continuous_usage_stats"});
  return options.flag("include_usage").value_or(false);
}

}  // namespace

Generation parse_generation(const Fields& fields, const Defaults& defaults, Endpoint endpoint) {
  refuse_others(fields.object(), endpoint);
  require_plain_text(fields);
  Generation g;
  g.model = fields.text("model").value_or("");
  g.adapters = parse_adapters(fields);
  g.sampling = defaults.sampling;
  g.seeded = defaults.seeded;
  parse_sampling(fields, g.sampling);
  g.biases = parse_biases(fields);
  // -1: drawn anew, as on the command line.
  if (const auto seed = fields.whole("seed", -1, INT64_MAX)) {
    g.sampling.seed = static_cast<std::uint64_t>(*seed);
    g.seeded = *seed != -1;
  }
  // -1: no limit. OpenAI's two names and llama.cpp's must not say different things.
  const char* said = nullptr;
  for (const char* name : {"max_tokens", "max_completion_tokens", "n_predict"})
    if (const auto most = fields.whole(name, -1, INT32_MAX)) {
      if (g.most_tokens && *g.most_tokens != *most)
        throw Refusal(400, std::string("says another number of tokens than ") + said, fields.path(name),
                      "invalid_value");
      g.most_tokens = most;
      said = name;
    }
  g.stops = parse_stops(fields);
  g.stream = fields.flag("stream").value_or(false);
  g.include_usage = parse_stream_options(fields);
  return g;
}

void refuse_with_stream(const Generation& g, std::string_view name) {
  if (g.stream)
    throw Refusal(400, "goes with a whole answer; leave stream out", std::string(name),
                  "unsupported_parameter");
}

}  // namespace bantam::serve
