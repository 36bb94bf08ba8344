// The files of tasks/, inside the program (cmake/bantam_tasks.cmake writes the table).
#pragma once

#include <span>
#include <string_view>

#include "base/rooms.h"

namespace bantam::judge {

struct EmbeddedTask {
  std::string_view name, text;  // "arc_easy.toml"
};
std::span<const EmbeddedTask> embedded_tasks();

}  // namespace bantam::judge
