#include "files/apart.h"

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "files/gguf_parts.h"
#include "files/model_path.h"

namespace bantam::files {

namespace {

namespace fs = std::filesystem;

Path real_path(const Path& path) {
  std::error_code problem;
  const Path real = fs::weakly_canonical(path, problem);
  return problem ? path.lexically_normal() : real;
}

bool lies_in(const Path& path, const Path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first == folder.end();
}

// Whether the folder `out`, removed as a whole, takes the file or folder with it: under its own name,
// or as what a link of this name leads to.
bool goes_with(const Path& path, const Path& out) {
  const Path folder = real_path(out);
  const Path own = path.has_filename() ? real_path(path.parent_path()) / path.filename() : path;
  return lies_in(real_path(path), folder) || (path.has_parent_path() && lies_in(own, folder));
}

std::vector<Path> files_of(const TensorSource& source) {
  std::vector<Path> files{Path(source.path())};
  for (const TensorInfo& t : source.tensors())
    if (files.back() != t.file) files.emplace_back(t.file);
  return files;
}

Error taken(const Path& path, const std::string& what) {
  return Error("is " + what + ", which is read: choose another name").in(path.string());
}

}  // namespace

void require_apart(const Path& out, const TensorSource& source, bool in_parts) {
  const std::vector<Path> files = files_of(source);
  std::error_code ignored;
  if (!is_gguf_name(out)) {
    for (const Path& file : files)
      if (goes_with(file, out)) {
        const bool whole = real_path(file) == real_path(out);
        throw Error((whole ? "is" : "holds " + printable(file.filename().string()) + " of") +
                    std::string(" the model itself, which is read: choose another name"))
            .in(out.string());
      }
    return;
  }
  const std::vector<Path> gone = in_parts ? gguf_parts_named(gguf_part_prefix(out)) : std::vector{out};
  for (const Path& one : gone)
    for (const Path& file : files)
      if (fs::equivalent(one, file, ignored))
        throw taken(one, files.size() > 1 || in_parts ? "a part of the model itself" : "the model itself");
}

void require_apart(const Path& out, const Path& path, const std::string& what) {
  std::error_code ignored;
  if (is_gguf_name(out)) {
    if (fs::equivalent(out, path, ignored)) throw taken(out, what);
    return;
  }
  if (!goes_with(path, out)) return;
  if (real_path(path) == real_path(out)) throw taken(out, what);
  throw Error("holds " + what + " (" + printable(path.string(), 200) +
              "), which is read: choose another name")
      .in(out.string());
}

void require_replaceable(const Path& out, bool adapters) {
  std::error_code ignored;
  if (!fs::exists(fs::symlink_status(out, ignored))) return;
  const bool folder = fs::is_directory(out, ignored);
  if (is_gguf_name(out)) {
    if (folder) throw Error("is a folder; a file name was expected").in(out.string());
    return;
  }
  if (!folder)
    throw Error("is a file; a folder was expected (the name of a GGUF file ends in .gguf)")
        .in(out.string());
  // Replacing a folder removes what it holds: a model, and nothing else that lies there by mistake.
  if (fs::exists(out / "config.json", ignored)) return;
  if (adapters && fs::exists(out / "adapter_config.json", ignored)) return;
  throw Error("is a folder that holds no model (no config.json); it is not replaced").in(out.string());
}

}  // namespace bantam::files
