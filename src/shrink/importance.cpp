#include "shrink/importance.h"

namespace bantam {

std::vector<float> Importance::weights(const std::string& tensor, std::int64_t width) const {
  const auto found = of.find(tensor);
  if (found == of.end() || found->second.rows == 0 || std::ssize(found->second.squares) != width)
    return {};
  std::vector<float> out;
  for (const double sum : found->second.squares)
    out.push_back(static_cast<float>(sum / static_cast<double>(found->second.rows)));
  return out;
}

}  // namespace bantam
