#include "serve/asked_adapters.h"

#include <nlohmann/json.hpp>

#include "serve/refusal.h"

namespace bantam::serve {

namespace {

constexpr std::size_t kMostAdapters = 1024;
constexpr double kMostScale = 1e6;

}  // namespace

std::vector<AskedAdapter> parse_adapters(const Fields& body) {
  const Json* value = body.find("lora");
  if (value == nullptr || says_nothing(*value)) return {};
  const std::string path = body.path("lora");
  if (!value->is_array() || value->size() > kMostAdapters)
    throw Refusal(400, "an array of adapters such as {\"id\": 0, \"scale\": 1} was expected", path,
                  "invalid_type");
  std::vector<AskedAdapter> out;
  for (std::size_t i = 0; i < value->size(); ++i) {
    const std::string own = path + "[" + std::to_string(i) + "]";
    const Fields one((*value)[i], own);
    one.allow({"id", "scale"});
    one.need("id");
    out.push_back({*one.whole("id", 0, INT32_MAX),
                   one.number("scale", -kMostScale, kMostScale).value_or(1), own});
  }
  return out;
}

}  // namespace bantam::serve
