// Several models of one shape made into one, weight by weight: what was learnt apart is put together without
// training. A weight is a list of numbers here, x_i that of model i.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "adapt/model_writer.h"
#include "base/rooms.h"
#include "base/thread_pool.h"

namespace bantam::adapt {

enum class Blend : std::uint8_t {
  linear,  // sum of w_i x_i / sum of w_i ("model soups", Wortsman et al. 2022)
  slerp,   // two models, along the great circle between x_1 and x_2 (Shoemake 1985), the share w_2 of the way
  task,    // base + scale * sum of w_i (x_i - base) (task arithmetic, Ilharco et al. 2022)
  ties,    // the same of what is left when the smallest changes are dropped and, place by place, those
           // against the sign of their sum, as a mean over those left (Yadav et al. 2023)
  dare,    // as task, of changes of which a share is dropped by lot and the rest made larger (Yu et al. 2023)
};
inline constexpr std::string_view kBlendNames[] = {"linear", "slerp", "task", "ties", "dare"};

struct BlendOptions {
  Blend how = Blend::linear;
  std::vector<double> weights;  // w_i; empty: 1/n each (ties, task, dare: 1 each)
  double density = 0.5;         // ties, dare: the share of changes that is kept
  double scale = 1;             // task, ties, dare
  std::uint64_t seed = 1;       // dare
};

struct BlendReport {
  struct Line {
    std::string model;
    double distance = 0;  // of the result from this model, root mean square of a number
    double likeness = 0;  // cosine of the two, all weights together
  };
  std::vector<Line> lines;  // the base, if any, and the models in order
  std::int64_t numbers = 0;
  double against = 0;   // ties: share of the changes left after trimming that the sign drops
  double rounding = 0;  // what the types take from the result, root mean square of a number
};

// Numbers of one weight made into one list. `base` is empty for linear and slerp. `lot`: numbers the draws
// of dare, another for each weight. `against`: how many changes ties dropped for their sign, and of how many.
// Throws Error when the lists do not fit the method.
struct Against {
  std::int64_t dropped = 0, of = 0;
};
std::vector<float> blended(std::span<const float> base, std::span<const std::span<const float>> models,
                           const BlendOptions& options, std::uint64_t lot, Against* against = nullptr);

// Writes the blend of the models as the first of them is written: its keys, tokenizer and template, float32
// (a model in blocks keeps its types) or `type`. Throws Error when one has another shape, another list of
// weights or another tokenizer than the first, and for what write_model refuses.
BlendReport blend_models(std::span<const Path> models, const std::optional<Path>& base, const Path& out,
                         const BlendOptions& options, std::optional<Type> type, bool replace,
                         const std::function<void()>& check = [] {});

}  // namespace bantam::adapt
