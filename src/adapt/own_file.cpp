#include "adapt/own_file.h"

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace bantam::adapt {

Json read_own(const Path& folder) {
  const Path file = folder / kOwn;
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) return Json::object();
  Json own = parse_json(read_file(file, 1 << 20), file.string());
  if (!own.is_object()) throw Error("an object was expected").in(file.string());
  return own;
}

void write_own(const Path& folder, const Json& own) { write_file(folder / kOwn, to_text(own) + "\n"); }

}  // namespace bantam::adapt
