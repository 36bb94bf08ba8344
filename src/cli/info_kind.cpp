// `bantam info --kind`: what scripts ask before they do something with a path.
#include <algorithm>

#include "base/error.h"
#include "cli/info_parts.h"
#include "data/text_files.h"
#include "files/model_path.h"

namespace bantam::cli {

namespace {

// With config.json it is a model; with weights alone it is meant to be one.
bool is_model_folder(const Path& folder) {
  std::error_code ignored;
  return std::ranges::any_of(std::filesystem::directory_iterator(folder, ignored), [](const auto& entry) {
    return entry.path().filename() == "config.json" || entry.path().extension() == ".safetensors";
  });
}

}  // namespace

std::string_view kind_of(const Path& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) throw Error("there is no such file or folder").in(path.string());
  if (adapt::is_adapter(path)) return "adapter";
  const Path model = files::model_path(path);
  if (adapt::is_adapter(model)) return "adapter";
  const bool text = std::filesystem::is_directory(model, ignored) ? !is_model_folder(model) : !kind_of_text(model).empty();
  return text ? "text" : "model";
}

}  // namespace bantam::cli
