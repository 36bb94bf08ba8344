// Chat templates of our own writing, by name: for models that carry none, and for those trained
// here.
#pragma once

#include <span>
#include <string_view>

#include "base/rooms.h"

namespace bantam::chat {

struct NamedTemplate {
  std::string_view name;
  std::string_view about;   // one line, for a list
  std::string_view source;  // Jinja
};

std::span<const NamedTemplate> named_templates();
// The source; throws Error (usage) that lists the names.
std::string_view named_template(std::string_view name);

}  // namespace bantam::chat
