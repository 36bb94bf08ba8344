#include "explain/ablation.h"

namespace bantam::explain {

Ablation ablate(Probe& probe, const Question& question, Fill fill) {
  const Config& config = probe.config();
  std::vector<Variant> variants{{question.prompt}};
  const auto without = [&](std::vector<Removal> removals) {
    variants.push_back({question.prompt, std::move(removals)});
  };
  for (int l = 0; l < config.layers; ++l) {
    const Removal attention{nn::Point::attention_out, l, 0, config.width};
    const Removal feed_forward{nn::Point::feed_forward_out, l, 0, config.width};
    without({attention, feed_forward});
    without({attention});
    without({feed_forward});
    for (std::int64_t h = 0; h < config.layer(l).heads; ++h)
      without({{nn::Point::heads, l, h * config.head_dim, config.head_dim}});
  }
  const std::vector<double> found = probe.answers(variants, question.answer, fill);
  Ablation ablation;
  std::size_t at = 1;
  const auto next = [&] { return found[at++] - found.front(); };
  for (int l = 0; l < config.layers; ++l) {
    ablation.layers.push_back(next());
    ablation.attention.push_back(next());
    ablation.feed_forward.push_back(next());
    std::vector<double>& heads = ablation.heads.emplace_back();
    for (std::int64_t h = 0; h < config.layer(l).heads; ++h) heads.push_back(next());
  }
  return ablation;
}

}  // namespace bantam::explain
