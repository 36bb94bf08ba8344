// The weights of a model while it learns: float32 masters, gradients, and what the optimiser keeps.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/rooms.h"
#include "models/model.h"
#include "tensor/context.h"

namespace bantam::train {

struct Parameter {
  std::string name;  // WeightSpec::own_name
  Shape shape;
  bool matrix = false;  // a linear layer: Muon's
  Tensor value;         // f32; the model reads this memory
  std::vector<Tensor>
      gradients;         // one for each use (a tied embedding has two); the first is the sum
  std::vector<Weight*> weights;  // in the model: what was packed of them must follow the value
  Tensor first, second;  // AdamW's moments, or Muon's momentum in `first`

  // After `value` was written.
  void changed() const {
    for (const Weight* w : weights) w->changed();
  }
};

// Weights of a model that is there already, as float32 masters that it reads from now on, for AdamW.
// `rows` gives those of a weight, in any type; without numbers the weight is not trained: it stays
// as it was loaded and costs nothing.
std::vector<Parameter> adopt_parameters(Model& model, Tape& tape,
                                        const std::function<Tensor(const WeightSpec&)>& rows);

// Makes the weights of `model`, their gradients and moments, and registers them on the tape.
// Matrices are drawn with variance 1 / (3 inputs), those that end in the residual stream divided by
// sqrt(2 layers) (Radford et al. 2019, section 2.3), embedding and head with deviation 0.02; gains
// are 1, biases 0. A number depends on (seed, weight, index) alone. With `counting` there is no
// memory behind them: for planning.
std::vector<Parameter> make_parameters(Model& model, Tape& tape, std::uint64_t seed, bool muon,
                                       Arena* counting = nullptr);

}  // namespace bantam::train
