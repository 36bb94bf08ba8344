// What the server offers: one model, its engine, and how it talks.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "serve/engine.h"
#include "serve/limits.h"
#include "chat/chat_template.h"
#include "tokenizer/tokenizer.h"

namespace bantam::serve {

struct Service {
  Engine& engine;
  std::shared_ptr<const Tokenizer> tokenizer;
  std::optional<ChatTemplate> chat_template;  // none: no conversations
  std::string model;                          // its name for clients
  std::int64_t created = 0;                   // seconds since 1970
  Limits limits = {};
};

}  // namespace bantam::serve
