// A namespace a room, so that equal names of two rooms cannot meet in the linker. Rooms call each
// other without a prefix: their namespaces are seen from bantam, and a room's own names come first.
// The ops, and what stands above the models (judge, serve, ...), are called by their room's name.
#pragma once

namespace bantam {

namespace base {}
namespace blocks {}
namespace kernels {}
namespace tensor {}
namespace files {}
namespace words {}
namespace tokenizer {}
namespace chat {}
namespace nn {}
namespace models {}
namespace infer {}
namespace plan {}
namespace data {}
namespace train {}
namespace shrink {}

using namespace base;
using namespace blocks;
using namespace kernels;
using namespace tensor;
using namespace files;
using namespace words;
using namespace tokenizer;
using namespace chat;
using namespace nn;
using namespace models;
using namespace infer;
using namespace plan;
using namespace data;
using namespace train;
using namespace shrink;

}  // namespace bantam
