// GET /v1/models and /v1/models/{id}: the one that is served, and each adapter on it.
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "serve/routes.h"

namespace bantam::serve {

namespace {

Json model_json(const Service& service, std::int32_t adapter) {
  Json json = {{"id", service.name_of(adapter)},
               {"object", "model"},
               {"created", service.created},
               {"owned_by", "bantam"},
               {"max_model_len", service.engine.room()}};
  if (adapter >= 0) json["parent"] = service.model;  // as vLLM tells adapters from their base
  return json;
}

// kNoAdapter, and the number of each adapter.
std::vector<std::int32_t> served(const Service& service) {
  std::vector<std::int32_t> all{Session::kNoAdapter};
  for (std::size_t i = 0; i < service.adapters.size(); ++i)
    all.push_back(static_cast<std::int32_t>(i));
  return all;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = static_cast<char>(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// "a%20b" -> "a b" (RFC 3986, 2.1); what is no escape stays as it is.
std::string without_escapes(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool whole = text[i] == '%' && i + 2 < text.size();
    const int high = whole ? hex_digit(text[i + 1]) : -1, low = whole ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0) {
      out += text[i];
      continue;
    }
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

}  // namespace

void handle_models(Service& service, Exchange& exchange) {
  Json data = Json::array();
  for (const std::int32_t adapter : served(service)) data.push_back(model_json(service, adapter));
  exchange.respond({200, to_text({{"object", "list"}, {"data", std::move(data)}})});
}

void handle_model(Service& service, Exchange& exchange) {
  const std::string_view path = exchange.request().path;
  const std::string id = without_escapes(path.substr(std::string_view("/v1/models/").size()));
  for (const std::int32_t adapter : served(service))
    if (id == service.name_of(adapter))
      return exchange.respond({200, to_text(model_json(service, adapter))});
  throw service.no_model(id);
}

}  // namespace bantam::serve
