// What the server offers: one model, its engine, and how it talks.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/rooms.h"
#include "chat/chat_template.h"
#include "serve/engine.h"
#include "serve/limits.h"
#include "serve/requests.h"
#include "tokenizer/tokenizer.h"

namespace bantam::serve {

struct Service {
  Engine& engine;
  std::shared_ptr<const Tokenizer> tokenizer;
  std::optional<ChatTemplate> chat_template;  // none: no conversations
  std::string model;                          // its name for clients
  std::int64_t created = 0;                   // seconds since 1970
  Limits limits = {};
  Defaults defaults = {};  // of the sampling, where a client says nothing
};

}  // namespace bantam::serve
