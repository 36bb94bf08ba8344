#include "train/settings.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace bantam::train {

double Schedule::at(std::int64_t step, std::int64_t steps) const {
  const double n = static_cast<double>(steps), s = static_cast<double>(step);
  const double rising = warmup * n, falling = n - decay * n;
  if (s < rising) return (s + 1) / (rising + 1);
  if (s < falling || decay <= 0) return 1;
  return floor + (1 - floor) * (n - s) / (n - falling + 1);
}

namespace {

void require(bool good, const char* field, const std::string& expected) {
  if (!good) throw Error(expected).field(field);
}

}  // namespace

void TrainSettings::check() const {
  model.check("the recipe");
  require(context >= 32 && context % 32 == 0, "context",
          "a multiple of 32 was expected, not " + std::to_string(context));
  require(rows >= 1, "rows", "at least one row a step was expected");
  require(groups >= 1 && rows % groups == 0, "groups",
          "a number that divides the rows of a step was expected, not " + std::to_string(groups));
  require(steps >= 0, "steps", "a number of steps from 0 was expected");
  require(validation >= 0 && validation < 1, "validation",
          "a share from 0 to under 1 was expected");
  require(optimiser.rate >= 0 && optimiser.rate < 10, "rate",
          "a learning rate from 0 to 10 was expected");
  require(optimiser.muon_rate >= 0 && optimiser.muon_rate < 10, "muon_rate",
          "a learning rate from 0 to 10 was expected");
  require(schedule.warmup >= 0 && schedule.decay >= 0 && schedule.warmup + schedule.decay <= 1,
          "decay", "shares of the run that add up to at most 1 were expected for warmup and decay");
  require(arithmetic == Arithmetic::f32 || arithmetic == Arithmetic::bf16, "arithmetic",
          "f32 or bf16 was expected for training");
}

std::string TrainSettings::text() const {
  const Config& m = model;
  const OptimiserSettings& o = optimiser;
  // A setting that came later is named only where it says something, so that older runs go on.
  const std::string more = groups > 1 ? fmt::format("groups={}\n", groups) : "";
  return fmt::format(
      "family={}\nlayers={}\nwidth={}\nheads={}\nkv_heads={}\nhead_dim={}\nfeed_forward={}\n"
      "vocabulary={}\ntied={}\nrope_base={}\neps={}\nsteps={}\ncontext={}\nrows={}\nseed={}\n"
      "arithmetic={}\nvalidation={}\nmuon={}\nmuon_rate={}\nmuon_momentum={}\nrate={}\nbeta1={}\n"
      "beta2={}\noptimiser_eps={}\nweight_decay={}\nclip={}\nwarmup={}\ndecay={}\nfloor={}\n{}",
      m.family, m.layers, m.width, m.heads, m.kv_heads, m.head_dim, m.feed_forward, m.vocabulary,
      m.tied, m.rope_base, m.eps, steps, context, rows, seed,
      arithmetic == Arithmetic::bf16 ? "bf16" : "f32", validation, o.muon, o.muon_rate,
      o.muon_momentum, o.rate, o.beta1, o.beta2, o.eps, o.decay, o.clip, schedule.warmup,
      schedule.decay, schedule.floor, more);
}

}  // namespace bantam::train
