// The families: a namespace each, in a file of its own, whose family() gives its row of the
// registry's table.
#pragma once

#include "base/rooms.h"
#include "models/model.h"

namespace bantam::models {

namespace bitnet {
Family family();  // of GGUF's "bitnet", "bitnet-b1.58" and "bitnet-25"
Family family_b158();
Family family_25();
}  // namespace bitnet
namespace gemma {
Family family();
}
namespace gemma2 {
Family family();
}
namespace gemma3 {
Family family();
}
namespace gpt2 {
Family family();
}
namespace granite {
Family family();
}
namespace llama {
Family family();
}
namespace nemotron {
Family family();
}
namespace olmo2 {
Family family();
}
namespace openelm {
Family family();
}
namespace phi2 {
Family family();
}
namespace phi3 {
Family family();
}
namespace qwen2 {
Family family();
}
namespace qwen3 {
Family family();
}
namespace smollm3 {
Family family();
}
namespace stablelm {
Family family();
}

}  // namespace bantam::models
