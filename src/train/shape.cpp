// How a size becomes a shape.
#include <cmath>

#include "base/error.h"
#include "train/trainer.h"

namespace bantam::train {

namespace {

std::int64_t round_to(double value, std::int64_t unit) {
  return std::max<std::int64_t>(unit, std::llround(value / static_cast<double>(unit)) * unit);
}

// Heads of 32, or 64 in wide models; where that does not divide the width, of what does and comes nearest, of even
// width (rotation turns pairs). The nearest, not the next wider: two layers of width 112 end at a loss of 0.0551 with four
// heads of 28 and at 0.0597 with two of 56 (the default corpus, 4M tokens, means of three seeds), behind a model of 96 with three.
std::int64_t heads_for(std::int64_t width) {
  const double wanted = width % 64 == 0 && width >= 256 ? 64 : 32;
  std::int64_t best = 1;
  double least = 1e300;
  for (std::int64_t heads = 1; 2 * heads <= width; ++heads) {
    if (width % (2 * heads) != 0) continue;
    const double off = std::fabs(std::log(static_cast<double>(width / heads) / wanted));
    if (off < least) {
      least = off;
      best = heads;
    }
  }
  return best;
}

Config shape(std::int64_t layers, std::int64_t width, std::int64_t vocabulary,
             std::int64_t context) {
  Config c;
  c.family = "llama";
  c.layers = layers;
  c.width = width;
  c.heads = c.kv_heads = heads_for(width);
  c.head_dim = width / c.heads;
  c.feed_forward = round_to(static_cast<double>(width) * 8 / 3, 32);
  c.vocabulary = vocabulary;
  c.context = context;
  c.tied = true;
  c.eps = 1e-5;
  return c;
}

double parameters(const Config& c) {
  const auto d = static_cast<double>(c.width), f = static_cast<double>(c.feed_forward);
  return static_cast<double>(c.vocabulary) * d +
         static_cast<double>(c.layers) * (4 * d * d + 3 * d * f + 2 * d) + d;
}

void require_near(const Config& best, std::int64_t wanted) {
  const double got = parameters(best), size = static_cast<double>(wanted);
  if (got > 1.25 * size || got < 0.8 * size)
    throw Error("no model of about " + std::to_string(wanted) + " parameters has a vocabulary of " +
                std::to_string(best.vocabulary) + "; the nearest has " +
                std::to_string(static_cast<std::int64_t>(got)))
        .field("size");
}

}  // namespace

// Small models want to be deep for their width: about 40 of width a layer, up to 64 for large ones
// (Liu et al. 2024, "MobileLLM", section 2.2).
Config shape_for_size(std::int64_t wanted, std::int64_t vocabulary, std::int64_t context) {
  const auto size = static_cast<double>(wanted);
  Config best;
  double least = 1e300;
  for (std::int64_t width = 64; width <= 8192; width += width < 512 ? 32 : 64)
    for (std::int64_t layers = 2; layers <= 80; ++layers) {
      const Config c = shape(layers, width, vocabulary, context);
      const double aspect = static_cast<double>(width) / static_cast<double>(layers);
      const double badness =
          8 * std::fabs(std::log(parameters(c) / size)) + std::fabs(std::log(aspect / 40));
      if (badness < least) {
        least = badness;
        best = c;
      }
    }
  require_near(best, wanted);
  return best;
}

Config shape_for_layers(std::int64_t wanted, std::int64_t layers, std::int64_t vocabulary,
                        std::int64_t context) {
  const auto off = [&](const Config& c) {
    return std::fabs(std::log(parameters(c) / static_cast<double>(wanted)));
  };
  Config best = shape(layers, 32, vocabulary, context);
  for (std::int64_t width = 48; width <= 8192; width += width < 256 ? 16 : 64) {
    const Config c = shape(layers, width, vocabulary, context);
    if (off(c) < off(best)) best = c;
  }
  require_near(best, wanted);
  return best;
}

}  // namespace bantam::train
