// An adapter as GGUF, as llama.cpp reads it (ggml-org/llama.cpp, convert_lora_to_gguf.py,
// src/llama-adapter.cpp): NAME.lora_a [r, inputs] and NAME.lora_b [outputs, r] for a tensor NAME of
// the model, added alpha / r times. Rotary rows of b are interleaved where the model's are.
#pragma once

#include "base/rooms.h"
#include "adapt/adapter.h"

namespace bantam::adapt {

Adapter read_adapter_gguf(const Path& file, Model& model);
// Whether such a file keeps what the adapter does to the last bit: it has one alpha for all layers.
bool gguf_keeps(const Adapter& adapter);
void write_adapter_gguf(const Adapter& adapter, Model& model, const Path& file, bool replace);

}  // namespace bantam::adapt
