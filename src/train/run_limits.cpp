#include "train/run_limits.h"

#include <fmt/format.h>
#include <sys/statvfs.h>

#include <cmath>

#include "base/error.h"
#include "base/machine.h"
#include "base/progress.h"

namespace bantam::train {

namespace {

bool fits(const Family& family, const TrainSettings& settings, std::int64_t available) {
  return plan_training(family, settings).memory() <= available;
}

std::string advice(const Family& family, const TrainSettings& settings, bool shaped,
                   std::int64_t available) {
  TrainSettings less = settings;
  while (less.rows_at_a_time() > 1) {
    less.micro_rows = less.rows_at_a_time() / 2;
    if (fits(family, less, available))
      return fmt::format("micro_rows = {} fits, with the same result", less.micro_rows);
  }
  less.recompute = true;
  if (fits(family, less, available))
    return fmt::format("micro_rows = {} and recompute = true fit, with the same result",
                       less.micro_rows);
  if (shaped) return "take a smaller model or a shorter context";
  // Sizes by steps of a tenth: the plan of each is a run with empty kernels.
  const auto now = static_cast<double>(plan_training(family, settings).parameters);
  for (double size = 0.9 * now; size > 1e4; size *= 0.9) {
    try {
      less.model = shape_for_size(static_cast<std::int64_t>(size), settings.model.vocabulary,
                                  settings.model.context);
    } catch (const Error&) {
      break;  // too small for the vocabulary
    }
    if (fits(family, less, available))
      return fmt::format("size = \"{:.0f}k\" fits, with micro_rows = {} and recompute = true",
                         std::floor(size / 1000), less.micro_rows);
  }
  return "no model with this vocabulary and context fits";
}

}  // namespace

void check_memory(const Family& family, const TrainSettings& settings, const TrainPlan& plan,
                  bool shaped, std::int64_t available) {
  if (plan.memory() <= available) return;
  throw Error("training needs " + byte_text(static_cast<double>(plan.memory())) + " of memory; " +
              byte_text(static_cast<double>(available)) +
              " are free: " + advice(family, settings, shaped, available))
      .field("train.micro_rows");
}

TrainPlan check_run(const Recipe& recipe, const TrainSettings& settings, std::int64_t text_tokens) {
  if (text_tokens <= settings.context)
    throw Error("there are " + std::to_string(text_tokens) + " tokens of text, less than one context of " +
                std::to_string(settings.context) + ": give more text, or say a smaller context")
        .in(recipe.text.string());
  const Family& family = raised_family(recipe.family);
  TrainPlan plan = plan_training(family, settings);
  check_memory(family, settings, plan, recipe.shaped() || recipe.layers || recipe.family != "llama", available_memory());
  return plan;
}

void check_disk(const Path& out, const TrainPlan& plan) {
  struct statvfs status {};
  const Path folder = out.has_parent_path() ? out.parent_path() : Path(".");
  if (statvfs(folder.c_str(), &status) != 0)
    throw Error("there is no such folder to write to").in(folder.string());
  const double left = static_cast<double>(status.f_bavail) * static_cast<double>(status.f_frsize);
  const auto needed = static_cast<double>(2 * plan.checkpoint_bytes + plan.model_bytes);
  if (needed > left)
    throw Error("the run needs " + byte_text(needed) + " on the disk; " + byte_text(left) +
                " are free")
        .in(folder.string());
}

}  // namespace bantam::train
