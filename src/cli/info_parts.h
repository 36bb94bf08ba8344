// What `info` shows beside the head of a model file.
#pragma once

#include <optional>
#include <string>

#include "base/file.h"
#include "base/json.h"

namespace bantam::cli {

// "  label          text"
void info_line(std::string label, const std::string& text);

// This machine, measured (info --machine).
void show_machine(bool json);

// Reads all of a model and looks for what is wrong with it: {"tensors", "bytes", "unchecked",
// "sha256": {file: sum}, "golden": [{"of", "prompts", "same"}], "problems": [text]}; of an adapter that is put
// onto it too. Throws Error where it cannot even be opened.
Json verify_model(const Path& path, const std::optional<Path>& adapter);

}  // namespace bantam::cli
