// PEFT's folder (huggingface/peft, src/peft/tuners/lora/config.py, src/peft/utils/save_and_load.py).
#pragma once

#include "base/rooms.h"
#include "adapt/adapter.h"

namespace bantam::adapt {

Adapter read_peft(const Path& folder, Model& model);
// Its chat_template.jinja, or nothing.
std::string folder_template(const Path& folder);
void write_peft(const Adapter& adapter, Model& model, const Path& folder, bool replace);

}  // namespace bantam::adapt
