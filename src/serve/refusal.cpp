#include "serve/refusal.h"

#include <new>
#include <nlohmann/json.hpp>

#include "base/json.h"

namespace bantam::serve {

namespace {

std::string_view type_of(int status) {
  constexpr std::pair<int, std::string_view> kTypes[] = {
      {401, "authentication_error"},
      {403, "permission_error"},
      {429, "rate_limit_error"},
  };
  for (const auto& [known, type] : kTypes)
    if (known == status) return type;
  return status < 500 ? "invalid_request_error" : "server_error";
}

Json text_or_null(std::string_view text) { return text.empty() ? Json() : Json(text); }

}  // namespace

Refusal::Refusal(int status, const std::string& message, std::string param, std::string code)
    : Error(message), status_(status), code_(std::move(code)) {
  if (!param.empty()) field(std::move(param));
}

Refusal& Refusal::header(std::string name, std::string value) {
  headers_.emplace_back(std::move(name), std::move(value));
  return *this;
}

std::string error_json(int status, std::string_view message, std::string_view param,
                       std::string_view code) {
  return to_text({{"error",
                   {{"message", message},
                    {"type", type_of(status)},
                    {"param", text_or_null(param)},
                    {"code", text_or_null(code)}}}});
}

Refusal refusal_for(const std::exception& error) {
  if (const auto* refusal = dynamic_cast<const Refusal*>(&error)) return *refusal;
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr)
    return Refusal(503, "the server has not enough memory for this");
  return Refusal(500, "the server failed at this request");
}

}  // namespace bantam::serve
