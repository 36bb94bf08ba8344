#include "explain/lens.h"

#include <algorithm>
#include <cstring>

namespace bantam::explain {

namespace {

// Keeps the residual stream of one row, as each layer finds it and as the last leaves it.
class Residuals : public nn::Observer {
 public:
  Residuals(const Config& config, std::int64_t row)
      : rows_(Tensor::zeros({config.layers + 1, config.width})), row_(row) {}

  Tensor see(Context&, nn::Point point, int layer, const Tensor& value) override {
    const bool leaves = point == nn::Point::residual && layer + 2 == rows_.rows();
    if (leaves || point == nn::Point::layer_input)
      std::memcpy(rows_.f32() + (leaves ? layer + 1 : layer) * value.columns(),
                  value.f32() + row_ * value.columns(),
                  static_cast<std::size_t>(value.columns()) * sizeof(float));
    return value;
  }
  const Tensor& rows() const { return rows_; }

 private:
  Tensor rows_;
  std::int64_t row_;
};

std::int64_t rank_of(std::span<const float> logits, std::int32_t id) {
  const float of = logits[static_cast<std::size_t>(id)];
  return 1 + std::ranges::count_if(logits, [of](float other) { return other > of; });
}

}  // namespace

std::vector<LensRow> logit_lens(Probe& probe, const Question& question, std::int64_t top) {
  const Batch batch = probe.batch(question);
  Residuals residuals(probe.config(), static_cast<std::int64_t>(question.prompt.size()) - 1);
  probe.forward(batch, &residuals);
  const Tensor logits = probe.model().read_out(probe.context(), residuals.rows(), {});
  std::vector<LensRow> lens;
  const auto width = static_cast<std::size_t>(logits.columns());
  for (std::int64_t r = 0; r < logits.rows(); ++r) {
    const std::span<const float> row(logits.f32() + r * logits.columns(), width);
    const TokenProbabilities p = log_probabilities(row, question.answer.front(), top);
    lens.push_back({static_cast<int>(r), p.top, p.chosen.log_probability,
                    rank_of(row, question.answer.front())});
  }
  return lens;
}

}  // namespace bantam::explain
