#include "explain/attribution.h"

#include <cmath>

#include "kernels/math.h"

namespace bantam::explain {

namespace {

// Asks for the gradient of the embedded tokens, and copies them.
class Embedded : public nn::Observer {
 public:
  Tensor see(Context& ctx, nn::Point point, int, const Tensor& value) override {
    if (point != nn::Point::embedding) return value;
    Tensor watched = value;
    gradient = ctx.tape->keep(watched);
    numbers.assign(value.f32(), value.f32() + value.shape().count());
    return watched;
  }
  Tensor gradient;
  std::vector<float> numbers;
};

// d ln p(answer) / d logits: for each row 1 at its token, less the probabilities.
Tensor gradient_of_answer(const Tensor& logits, std::span<const std::int32_t> answer) {
  Tensor gradient = Tensor::zeros(logits.shape());
  const std::int64_t width = logits.columns();
  for (std::size_t i = 0; i < answer.size(); ++i) {
    const std::int64_t start = static_cast<std::int64_t>(i) * width;
    const float* row = logits.f32() + start;
    double most = static_cast<double>(row[0]), total = 0;
    for (std::int64_t v = 1; v < width; ++v) most = std::max(most, static_cast<double>(row[v]));
    for (std::int64_t v = 0; v < width; ++v)
      total += bantam_exp(static_cast<double>(row[v]) - most);
    for (std::int64_t v = 0; v < width; ++v)
      gradient.f32()[start + v] =
          static_cast<float>(-bantam_exp(static_cast<double>(row[v]) - most) / total);
    gradient.f32()[start + answer[i]] += 1;
  }
  return gradient;
}

}  // namespace

std::vector<double> gradient_times_input(Probe& probe, const Question& question) {
  const Batch batch = probe.batch(question);
  Tape tape;
  Embedded embedded;
  const Tensor logits = probe.forward(batch, &embedded, &tape);
  const Tape::Seed seed{logits, gradient_of_answer(logits, question.answer)};
  tape.backward(probe.context(), {&seed, 1});
  std::vector<double> all;
  const std::int64_t width = probe.config().width;
  for (std::size_t t = 0; t < question.prompt.size(); ++t) {
    double sum = 0;
    for (std::int64_t d = 0; d < width; ++d) {
      const std::int64_t at = static_cast<std::int64_t>(t) * width + d;
      sum += static_cast<double>(embedded.gradient.f32()[at]) *
             static_cast<double>(embedded.numbers[static_cast<std::size_t>(at)]);
    }
    all.push_back(sum);
  }
  return all;
}

std::vector<double> leave_one_out(Probe& probe, const Question& question) {
  const std::size_t count = question.prompt.size();
  if (count < 2) return std::vector<double>(count, 0);
  std::vector<Variant> variants{{question.prompt}};
  for (std::size_t t = 0; t < count; ++t) {
    variants.push_back({question.prompt});
    variants.back().prompt.erase(variants.back().prompt.begin() + static_cast<std::ptrdiff_t>(t));
  }
  std::vector<double> all = probe.answers(variants, question.answer);
  const double whole = all.front();
  all.erase(all.begin());
  for (double& value : all) value -= whole;
  return all;
}

}  // namespace bantam::explain
