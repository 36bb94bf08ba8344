#include "adapt/defaults.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/counting.h"
#include "base/error.h"

namespace bantam::adapt {

namespace {

constexpr std::pair<Method, std::string_view> kMethods[] = {{Method::full, "full"},
                                                            {Method::lora, "lora"},
                                                            {Method::rslora, "rslora"},
                                                            {Method::dora, "dora"},
                                                            {Method::qlora, "qlora"}};

// Preferences move a model less than answers do, and a rate that is right for the one breaks it in
// the other. Full fine-tuning changes every number; adapters start from nothing.
double default_rate(Method method, Objective objective) {
  const bool full = method == Method::full;
  if (objective == Objective::supervised) return full ? 5e-5 : 1e-3;
  if (objective == Objective::grpo) return full ? 1e-6 : 1e-4;
  return full ? 5e-6 : 1e-4;
}

// Small sets are seen more often.
double default_epochs(std::int64_t examples) {
  if (examples <= 100) return 5;
  return examples <= 300 ? 2 : 1;
}

}  // namespace

std::string_view method_name(Method method) {
  return std::ranges::find(kMethods, method, &std::pair<Method, std::string_view>::first)->second;
}

Choice choose(const TuneRequest& request, const ModelFile& file, bool quantised,
              std::int64_t examples, bool fast_bf16) {
  Choice c;
  c.method = request.method.value_or(quantised ? Method::qlora : Method::lora);
  if (c.method == Method::qlora && !quantised)
    throw Error("qlora is for a model in blocks (q8_0, q4_k, ...); this one is not: say lora",
                Error::Kind::usage)
        .in(file.tensors().path())
        .field("--method");
  c.rank = request.rank.value_or(16);
  c.alpha = request.alpha.value_or(2 * static_cast<double>(c.rank));
  // Enough held-out examples to see a difference, and the rest to learn from.
  const bool given = request.order == ExampleOrder::given;
  c.validation = request.validation.value_or(
      !given && request.objective != Objective::grpo && examples >= 200 ? std::min(0.05, 100 / static_cast<double>(examples)) : 0);
  TuneSettings& s = c.settings;
  const bool grpo = request.objective == Objective::grpo;
  s.objective = {request.objective, request.beta.value_or(grpo ? 0 : 0.1)};
  if (grpo) {
    s.groups = request.groups;
    s.groups.reward = request.reward.name;
  }
  s.order = request.order;
  s.seed = request.seed;
  s.batch = request.batch.value_or(8);
  s.micro_batch = request.micro_batch.value_or(0);
  s.curve = request.curve.value_or(RateCurve::linear);
  s.warmup = request.warmup.value_or(0);
  s.optimiser.muon = false;
  s.optimiser.beta1 = 0.9;
  s.optimiser.beta2 = 0.999;
  s.optimiser.eps = 1e-8;
  s.optimiser.rate = request.rate.value_or(default_rate(c.method, request.objective));
  s.optimiser.decay = request.decay.value_or(0.01);
  s.optimiser.decay_vectors = true;
  s.optimiser.rounded_betas = true;
  s.optimiser.clip = request.clip.value_or(1.0);
  const bool blocks = quantised && c.method != Method::full;
  // Not int8 as inference: what it rounds away of the activations would be learnt to be mended.
  const bool rounds = blocks && choose_arithmetic(file, std::nullopt) == Arithmetic::int8;
  s.arithmetic = request.arithmetic.value_or(rounds      ? Arithmetic::faithful
                                             : blocks    ? Arithmetic::f32
                                             : fast_bf16 ? Arithmetic::bf16
                                                         : Arithmetic::f32);
  const auto learnt = static_cast<std::int64_t>(
      std::floor(static_cast<double>(examples) * (1 - c.validation)));
  const std::int64_t per_epoch = (std::max<std::int64_t>(learnt, 1) + s.batch - 1) / s.batch;
  const double epochs = request.epochs.value_or(default_epochs(examples));
  s.steps = request.steps.value_or(std::max<std::int64_t>(
      1, static_cast<std::int64_t>(std::llround(epochs * static_cast<double>(per_epoch * s.groups.iterations)))));
  c.early_stop = c.validation > 0 && !request.steps;
  return c;
}

std::vector<std::string> lines_of(const Choice& c, std::int64_t steps_per_epoch) {
  const TuneSettings& s = c.settings;
  constexpr std::string_view kCurves[] = {"constant", "falling to 0", "a falling cosine"};
  std::string what = fmt::format("method: {}", method_name(c.method));
  if (c.method != Method::full) what += fmt::format(", rank {}, alpha {}", c.rank, c.alpha);
  return {what,
          fmt::format("objective: {}, {} of {} ({:.2f} epochs), rate {} ({}), decay {}, clip {}",
                      rule_of(s.objective.objective).name, number_of(s.steps, "step"), number_of(s.batch, "example"),
                      static_cast<double>(s.steps) / static_cast<double>(steps_per_epoch * s.groups.iterations),
                      s.optimiser.rate, kCurves[static_cast<std::size_t>(s.curve)],
                      s.optimiser.decay, s.optimiser.clip)};
}

}  // namespace bantam::adapt
