#include "files/model_path.h"

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "files/gguf_parts.h"

namespace bantam::files {

bool is_gguf_name(const Path& path) {
  std::string ending = path.extension().string();
  for (char& c : ending)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return ending == ".gguf";
}

Path model_path(const Path& named) {
  namespace fs = std::filesystem;
  std::error_code problem;
  if (!fs::is_directory(named, problem)) {
    const std::string name = named.filename().string();
    const bool of_folder = name == "config.json" || name.ends_with(".safetensors") ||
                           name.ends_with(".safetensors.index.json");
    const Path folder = named.has_parent_path() ? named.parent_path() : Path(".");
    return of_folder && fs::exists(named, problem) && fs::exists(folder / "config.json", problem)
               ? folder
               : named;
  }
  if (fs::exists(named / "config.json", problem)) return named;
  std::vector<Path> models;
  for (const fs::directory_entry& entry : fs::directory_iterator(named, problem)) {
    const Path& path = entry.path();
    const auto part = gguf_part_name(path);
    if (is_gguf_name(path) && (!part || part->number == 0)) models.push_back(path);
  }
  if (models.size() < 2) return models.empty() ? named : models.front();
  std::ranges::sort(models);
  throw Error("the folder holds several models; name one of them, such as " +
              printable(models[0].filename().string()) + " or " +
              printable(models[1].filename().string()))
      .in(named.string());
}

}  // namespace bantam::files
