// An adapter put onto a model in memory, and taken off it.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/rooms.h"
#include "adapt/adapter.h"
#include "models/loader.h"
#include "train/parameters.h"

namespace bantam::adapt {

// The rows of W + scale b a as f32; with magnitudes each row gets its length. `rows` of any type.
Tensor merged_rows(const Exec& exec, const Tensor& rows, const LowRankUpdate& update);
// The length of each of these rows [N,K], f32.
Tensor row_lengths(const Exec& exec, const Tensor& rows);

// From now on the model computes with the adapter's updates beside its weights, and with its whole
// weights in place of its own. `file`: what the model was loaded from, for the lengths of rows that
// magnitudes need. Throws Error when a weight of the adapter is none of the model's.
void attach(Model& model, const Adapter& adapter, const std::shared_ptr<const ModelFile>& file,
            const Exec& exec);
// The model can compute with the adapter's updates from now on, beside those that were added before:
// each row chooses (nn::Linear::choices), this one by the next number. Throws Error as attach does,
// also for whole weights, of which a model has one each.
void add_choice(Model& model, const Adapter& adapter, const std::shared_ptr<const ModelFile>& file,
                const Exec& exec);
// The model computes without updates (whole weights stay).
void detach(Model& model);

// An adapter that changes nothing yet (Hu et al. 2021, section 4.1): a is drawn evenly from
// +-1/sqrt(inputs) (the variance of huggingface/peft's kaiming_uniform_ with a = sqrt(5)), b is 0;
// with `magnitudes` (Liu et al. 2024, "DoRA") those of the base's rows. A number depends on (seed,
// weight, index) alone.
struct NewAdapter {
  std::vector<std::string> weights;  // adapted_weights()
  std::int64_t rank = 16;
  double alpha = 32;
  bool rank_stabilised = false, magnitudes = false;
  std::uint64_t seed = 1;
};
Adapter make_adapter(Model& model, const std::shared_ptr<const ModelFile>& file,
                     const NewAdapter& settings, const Exec& exec);

// The trained numbers of an adapter that is attached: parameters on the tape that share the
// adapter's memory. Updates of several weights that share `a` share its parameter.
std::vector<Parameter> adapter_parameters(Model& model, Adapter& adapter, Tape& tape);

// The lengths of the rows of W + scale b a, for each update with magnitudes: to be made again when a
// or b has changed. They are numbers to the gradient (Liu et al. 2024, section 4.3).
class RowLengths {
 public:
  // Of the adapter that is attached, or of one that rows choose: `choice` is its number.
  RowLengths(Model& model, const Adapter& adapter, const std::shared_ptr<const ModelFile>& file,
             std::optional<std::size_t> choice = std::nullopt);
  void update(const Exec& exec) const;
  bool empty() const { return parts_.empty(); }

 private:
  struct Part {
    Tensor rows;  // of the base, in its type
    LowRankUpdate update;
    Tensor inverse;
  };
  std::vector<Part> parts_;
};

}  // namespace bantam::adapt
