// A model with the shape of a well-known one and random weights, as a GGUF: what benches of speed
// run where the model itself is not at hand. Usage: shape NAME TYPE OUT.gguf [LAYERS]
#include "plan/shapes.h"

#include <fmt/format.h>

#include <cstdlib>

#include "base/error.h"
#include "blocks/format.h"

int main(int argc, char** argv) {
  using namespace bantam;
  const NamedShape* shape = argc > 1 ? find_shape(argv[1]) : nullptr;
  const Format* type = argc > 2 ? find_format(argv[2]) : nullptr;
  if (shape == nullptr || type == nullptr || (argc != 4 && argc != 5)) {
    fmt::print(stderr, "usage: shape NAME TYPE OUT.gguf [LAYERS]\n");
    for (const NamedShape& s : named_shapes())
      fmt::print(stderr, "  {:<5} {}, {:.1f} M parameters\n", s.name, s.like,
                 static_cast<double>(parameters_of(config_of(s))) / 1e6);
    return 2;
  }
  try {
    Config config = config_of(*shape);
    if (argc == 5) config.layers = std::atoll(argv[4]);
    config.check(argv[3]);
    write_random_model(config, all_of(type->type), argv[3]);
    return 0;
  } catch (const Error& error) {
    fmt::print(stderr, "shape: {}\n", error.what());
    return 1;
  }
}
