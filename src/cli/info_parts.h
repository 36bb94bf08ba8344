// What `info` shows beside the head of a model file.
#pragma once

#include <optional>
#include <string>

#include "adapt/adapter_head.h"
#include "base/file.h"
#include "base/json.h"

namespace bantam::cli {

// "  label          text"
void info_line(std::string label, const std::string& text);

// This machine, measured (info --machine).
void show_machine(bool json);

// What a file or folder is that somebody names, in a word (info --kind): "model", "adapter" or "text". Whatever is none
// of these is a model that cannot be opened, or a folder without text: who opens it says why. Throws Error where there
// is nothing, or a folder with several models.
std::string_view kind_of(const Path& path);

// An adapter in place of a model: what it is, and what is done with it.
void show_adapter(const adapt::AdapterHead& head, const std::string& path, bool tensors, bool json);

// Reads all of a model and looks for what is wrong with it: {"tensors", "bytes", "unchecked",
// "sha256": {file: sum}, "golden": [{"of", "prompts", "same"}], "problems": [text],
// "adapter_problems": how many of them, the last ones, are of the adapter that is put onto it}. Throws Error where it cannot even be opened.
Json verify_model(const Path& path, const std::optional<Path>& adapter);

}  // namespace bantam::cli
