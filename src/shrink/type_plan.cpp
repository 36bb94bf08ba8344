#include "shrink/type_plan.h"

#include <algorithm>
#include <array>

#include "blocks/format.h"

namespace bantam::shrink {

namespace {

struct Substitute {
  Type wanted, given;
};
constexpr std::array kSubstitutes{
    Substitute{Type::q2_k, Type::q4_0},  Substitute{Type::q3_k, Type::q4_0},
    Substitute{Type::tq1_0, Type::q4_0}, Substitute{Type::tq2_0, Type::q4_0},
    Substitute{Type::q4_k, Type::q5_0},  Substitute{Type::q5_k, Type::q5_1},
    Substitute{Type::q6_k, Type::q8_0},  Substitute{Type::iq4_xs, Type::iq4_nl},
};

bool is_matrix(const WeightSpec& w) { return w.shape.rank() > 1 && w.role != Role::positions; }

}  // namespace

Type fitting_type(Type wanted, std::int64_t width) {
  if (width % format(wanted).block == 0) return wanted;
  for (const Substitute& s : kSubstitutes)
    if (s.wanted == wanted && width % format(s.given).block == 0) return s.given;
  return Type::f16;
}

TypePlan TypePlan::uniform(Type type) {
  TypePlan plan;
  plan.uniform_ = type;
  plan.file_type_ = format(type).file_type;
  return plan;
}

TypePlan TypePlan::mixed(const Mix& mix, bool importance) {
  TypePlan plan;
  plan.mix_ = &mix;
  plan.importance_ = importance;
  plan.file_type_ = mix.file_type;
  return plan;
}

TypePlan TypePlan::chosen(std::map<std::string, Type> types, std::uint32_t file_type) {
  TypePlan plan;
  plan.types_ = std::move(types);
  plan.file_type_ = file_type;
  return plan;
}

void TypePlan::give(const std::string& name, Type wanted, std::int64_t width) {
  const Type given = fitting_type(wanted, width);
  if (!types_.try_emplace(name, given).second) return;
  if (given != wanted) fallbacks_.push_back({name, wanted, given});
}

void TypePlan::apply(const Config& config, const std::vector<WeightSpec>& weights) {
  const auto place_in = [&](const WeightSpec& w) { return place_of(w.gguf, config.tied); };
  // In the order of the layers, which need not be that of the file.
  std::map<Place, std::vector<std::string>> names;
  for (const WeightSpec& w : weights) {
    if (!is_matrix(w)) continue;
    std::vector<std::string>& of_place = names[place_in(w)];
    if (std::ranges::find(of_place, w.gguf) == of_place.end()) of_place.push_back(w.gguf);
  }
  for (const WeightSpec& w : weights) {
    if (!is_matrix(w)) continue;
    if (uniform_) give(w.gguf, *uniform_, w.shape.back());
    if (mix_ == nullptr) continue;
    const Place place = place_in(w);
    const std::vector<std::string>& of_place = names[place];
    const Spot spot{std::ranges::find(of_place, w.gguf) - of_place.begin(), std::ssize(of_place),
                    config.heads / std::max<std::int64_t>(1, config.kv_heads), importance_};
    give(w.gguf, mix_type(*mix_, place, spot), w.shape.back());
  }
}

std::optional<Type> TypePlan::type_of(const std::string& name) const {
  const auto found = types_.find(name);
  if (found == types_.end()) return std::nullopt;
  return found->second;
}

bool TypePlan::quantises() const {
  return std::ranges::any_of(types_, [](const auto& row) { return format(row.second).quantised; });
}

}  // namespace bantam::shrink
