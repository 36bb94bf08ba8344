#include "serve/routes.h"

namespace bantam::serve {

namespace {

constexpr Route kRoutes[] = {
    {"GET", "/health", handle_health, true},
    {"GET", "/v1/models", handle_models},
    {"GET", "/v1/models/{id}", handle_model},
    {"POST", "/v1/chat/completions", handle_chat},
    {"POST", "/v1/completions", handle_completion},
    {"POST", "/tokenize", handle_tokenize},
    {"POST", "/detokenize", handle_detokenize},
    {"GET", "/tokenizer_info", handle_tokenizer_info},
};

}  // namespace

std::span<const Route> routes() { return kRoutes; }

bool leads_to(const Route& route, std::string_view path) {
  constexpr std::string_view kId = "{id}";
  if (!route.path.ends_with(kId)) return route.path == path;
  const std::string_view before = route.path.substr(0, route.path.size() - kId.size());
  return path.starts_with(before) && path.size() > before.size();
}

const Route& find_route(std::string_view method, std::string_view path) {
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  std::string allowed;
  for (const Route& route : kRoutes) {
    if (!leads_to(route, path)) continue;
    if (route.method == wanted) return route;
    allowed += (allowed.empty() ? "" : ", ") + std::string(route.method);
    if (route.method == "GET") allowed += ", HEAD";
  }
  if (!allowed.empty()) throw Refusal(405, "this path takes " + allowed).header("Allow", allowed);
  std::string known;
  for (const Route& route : kRoutes) known += (known.empty() ? "" : ", ") + std::string(route.path);
  throw Refusal(404, "there is no such path; there are " + known);
}

}  // namespace bantam::serve
