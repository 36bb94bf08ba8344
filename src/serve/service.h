// What the server offers: one model and the adapters on it, its engine, and how they talk.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/rooms.h"
#include "chat/chat_template.h"
#include "serve/engine.h"
#include "serve/limits.h"
#include "serve/refusal.h"
#include "serve/requests.h"
#include "tokenizer/tokenizer.h"

namespace bantam::serve {

// One of the session's adapters, by its order there.
struct ServedAdapter {
  std::string name;                                          // for clients: a model of its own
  std::optional<ChatTemplate> chat_template = std::nullopt;  // none: as the model itself talks
};

struct Service {
  Engine& engine;
  std::shared_ptr<const Tokenizer> tokenizer;
  std::optional<ChatTemplate> chat_template;  // none: no conversations
  std::string model;                          // its name for clients
  std::int64_t created = 0;                   // seconds since 1970
  Limits limits = {};
  Defaults defaults = {};  // of the sampling, where a client says nothing
  std::vector<ServedAdapter> adapters = {};

  // The adapter that a request asks for, by the model's name (vLLM's way) or by its number (llama.cpp's
  // "lora"). Without adapters any name is the model itself. Throws Refusal (400, or 404 for a name that
  // nothing has) that names the field.
  std::int32_t adapter_of(const Generation& asked) const;
  // What clients call the model with this adapter or none, and how it talks.
  const std::string& name_of(std::int32_t adapter) const;
  // 404: nothing that is served has this name.
  Refusal no_model(const std::string& name) const;
  const std::optional<ChatTemplate>& template_of(std::int32_t adapter) const;
};

}  // namespace bantam::serve
