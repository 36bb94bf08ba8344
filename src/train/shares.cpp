#include "train/shares.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/error.h"
#include "kernels/math.h"

namespace bantam::train {

std::string weights_mark(const ModelFile& file) {
  std::string said;
  for (const TensorInfo& t : file.tensors().tensors()) {
    said += t.name;
    const std::size_t bytes = t.data.size();
    said.append(reinterpret_cast<const char*>(&bytes), sizeof bytes);
    // The beginning of each tensor: enough to tell models apart, and quick.
    said.append(reinterpret_cast<const char*>(t.data.data()), std::min<std::size_t>(t.data.size(), 64));
  }
  return said;
}

std::string teacher_mark(const ModelFile& teacher, const Path& path) {
  return weights_mark(teacher) + path.filename().string();
}

SoftLabel soft_label(std::span<const float> logits, std::int32_t label, const TeacherSettings& settings) {
  std::vector<std::int32_t> ids(logits.size());
  std::iota(ids.begin(), ids.end(), 0);
  const auto at = [&](std::int32_t id) { return logits[static_cast<std::size_t>(id)]; };
  const auto kept = std::min(static_cast<std::size_t>(settings.likeliest), ids.size());
  std::partial_sort(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(kept), ids.end(),
                    [&](std::int32_t a, std::int32_t b) { return at(a) != at(b) ? at(a) > at(b) : a < b; });
  ids.resize(kept);
  double total = 0;
  std::vector<double> parts;
  for (const std::int32_t id : ids) {
    parts.push_back(bantam_exp(static_cast<double>(at(id)) - static_cast<double>(at(ids.front()))));
    total += parts.back();
  }
  if (!std::isfinite(total)) throw Error("the teacher's answer is no number");
  SoftLabel out;
  for (std::size_t i = 0; i < kept; ++i) {
    out.ids.push_back(ids[i]);
    const double own = ids[i] == label ? 1 - settings.share : 0;
    out.shares.push_back(static_cast<float>(settings.share * parts[i] / total + own));
  }
  if (std::ranges::find(ids, label) == ids.end()) {
    out.ids.push_back(label);
    out.shares.push_back(static_cast<float>(1 - settings.share));
  }
  return out;
}

}  // namespace bantam::train
