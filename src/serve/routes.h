// The endpoints: each is one file and one row of the table in routes.cpp.
#pragma once

#include <span>
#include <string_view>

#include "base/rooms.h"
#include "serve/exchange.h"
#include "serve/service.h"

namespace bantam::serve {

struct Route {
  std::string_view method, path;  // "{id}" at the end: anything that is not empty
  // Answers, or throws: Refusal to say what is wrong with the request.
  void (*handle)(Service& service, Exchange& exchange);
  bool open = false;  // without a key, too
};

std::span<const Route> routes();
bool leads_to(const Route& route, std::string_view path);

// Throws Refusal: 404, or 405 with what the path takes. HEAD is GET.
const Route& find_route(std::string_view method, std::string_view path);

void handle_health(Service& service, Exchange& exchange);
void handle_models(Service& service, Exchange& exchange);
void handle_model(Service& service, Exchange& exchange);
void handle_tokenize(Service& service, Exchange& exchange);
void handle_detokenize(Service& service, Exchange& exchange);
void handle_tokenizer_info(Service& service, Exchange& exchange);
void handle_chat(Service& service, Exchange& exchange);
void handle_completion(Service& service, Exchange& exchange);

}  // namespace bantam::serve
