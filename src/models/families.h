// The families: one function each, in a file of its own, that gives its row of the registry's
// table.
#pragma once

#include "models/model.h"

namespace bantam {

Family bitnet_25_family();
Family bitnet_b158_family();
Family bitnet_family();
Family gemma2_family();
Family gemma3_family();
Family gemma_family();
Family gpt2_family();
Family granite_family();
Family llama_family();
Family nemotron_family();
Family olmo2_family();
Family openelm_family();
Family phi2_family();
Family phi3_family();
Family qwen2_family();
Family qwen3_family();
Family smollm3_family();
Family stablelm_family();

}  // namespace bantam
