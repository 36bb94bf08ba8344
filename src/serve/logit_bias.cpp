#include "serve/logit_bias.h"

#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "serve/refusal.h"

namespace bantam::serve {

namespace {

constexpr std::size_t kMostBiases = 1024;
constexpr double kLeastBias = -100, kMostBias = 100;

double parse_bias(const Json& value, const std::string& path) {
  if (value == Json(false)) return -std::numeric_limits<double>::infinity();
  const double bias = value.is_number() ? value.get<double>() : kMostBias + 1;
  if (!(bias >= kLeastBias && bias <= kMostBias))
    throw Refusal(400, "a number from -100 to 100, or false for never, was expected", path,
                  value.is_number() ? "invalid_value" : "invalid_type");
  return bias;
}

// A name of an object: an id where it is a number.
std::variant<std::int32_t, std::string> parse_name(const std::string& name,
                                                   const std::string& path) {
  std::int64_t id = -1;
  const auto [end, fault] = std::from_chars(name.data(), name.data() + name.size(), id);
  if (name.empty() || fault == std::errc::result_out_of_range ||
      (end == name.data() + name.size() && (id < 0 || id > INT32_MAX)))
    throw Refusal(400, "a token id or a text was expected as the name", path, "invalid_value");
  if (end == name.data() + name.size()) return static_cast<std::int32_t>(id);
  return name;
}

AskedBias parse_pair(const Json& pair, const std::string& path) {
  const bool two = pair.is_array() && pair.size() == 2;
  if (two && pair[0].is_string() && !pair[0].get_ref<const std::string&>().empty())
    return {pair[0].get<std::string>(), parse_bias(pair[1], path + "[1]"), path};
  if (two && pair[0].is_number_integer()) {
    const auto id = pair[0].get<std::int64_t>();
    if (id >= 0 && id <= INT32_MAX)
      return {static_cast<std::int32_t>(id), parse_bias(pair[1], path + "[1]"), path};
  }
  throw Refusal(400, "a pair of a token id or a text and its bias was expected", path,
                "invalid_value");
}

}  // namespace

std::vector<AskedBias> parse_biases(const Fields& body) {
  const Json* value = body.find("logit_bias");
  if (value == nullptr) return {};
  const std::string path = body.path("logit_bias");
  if (!value->is_structured())
    throw Refusal(400, "an object or an array of pairs was expected", path, "invalid_type");
  if (value->size() > kMostBiases)
    throw Refusal(400, "at most " + std::to_string(kMostBiases) + " tokens were expected", path,
                  "invalid_value");
  std::vector<AskedBias> out;
  if (value->is_array())
    for (std::size_t i = 0; i < value->size(); ++i)
      out.push_back(parse_pair((*value)[i], path + "[" + std::to_string(i) + "]"));
  else
    for (const auto& [name, bias] : value->items()) {
      const std::string own = path + "." + printable(name, 60);
      if (!bias.is_null()) out.push_back({parse_name(name, own), parse_bias(bias, own), own});
    }
  return out;
}

std::vector<LogitBias> resolve_biases(const std::vector<AskedBias>& asked,
                                      const Tokenizer& tokenizer, std::int64_t vocabulary) {
  std::vector<LogitBias> out;
  for (const AskedBias& one : asked) {
    if (const auto* id = std::get_if<std::int32_t>(&one.of)) {
      if (*id >= vocabulary)
        throw Refusal(400,
                      "there is no token " + std::to_string(*id) + "; the vocabulary has 0 to " +
                          std::to_string(vocabulary - 1),
                      one.field, "invalid_value");
      out.push_back({*id, one.bias});
      continue;
    }
    try {
      for (const std::int32_t id : tokenizer.encode(std::get<std::string>(one.of), {false, false}))
        out.push_back({id, one.bias});
    } catch (const Error& error) {
      throw Refusal(400, error.message(), one.field, "invalid_value");
    }
  }
  return out;
}

}  // namespace bantam::serve
