#include "tensor/runtime.h"

#include "base/machine.h"

namespace bantam::tensor {

OwnRuntime::OwnRuntime(unsigned threads, std::optional<Isa> isa)
    : kernels_(kernels_for(isa ? *isa : best_isa())),
      pool_(threads > 0 ? threads : default_threads()),
      scratch_(pool_.size() + 1) {}

}  // namespace bantam::tensor
