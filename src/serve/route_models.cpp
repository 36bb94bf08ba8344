// GET /v1/models and /v1/models/{id}: the one that is served.
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "serve/routes.h"

namespace bantam::serve {

namespace {

Json model_json(const Service& service) {
  return {{"id", service.model},
          {"object", "model"},
          {"created", service.created},
          {"owned_by", "bantam"},
          {"max_model_len", service.engine.room()}};
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
  exchange.respond(
      {200, to_text({{"object", "list"}, {"data", Json::array({model_json(service)})}})});
}

void handle_model(Service& service, Exchange& exchange) {
  const std::string_view path = exchange.request().path;
  const std::string id = without_escapes(path.substr(std::string_view("/v1/models/").size()));
  if (id != service.model)
    throw Refusal(404,
                  "there is no model " + printable(id, 100) + "; " + service.model + " is served",
                  "model", "model_not_found");
  exchange.respond({200, to_text(model_json(service))});
}

}  // namespace bantam::serve
