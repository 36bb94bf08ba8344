#include "adapt/sequences.h"

#include <algorithm>

namespace bantam::adapt {

std::size_t Sequence::used() const {
  std::size_t end = size();
  while (end > 0 && !answer(end - 1)) --end;
  return end;
}

std::vector<Sequence> sequences_of(std::span<const LabelledExample* const> examples,
                                   Objective objective) {
  std::vector<Sequence> out;
  const auto whole = [](const LabelledIds& ids, std::size_t prompt) {
    return Sequence{ids.ids, {}, {}, prompt};
  };
  for (std::size_t i = 0; i < examples.size(); ++i) {
    const LabelledExample& e = *examples[i];
    switch (objective) {
      case Objective::supervised:
        out.push_back({e.first.ids, {}, e.first.mask, 0, e.first.soft});
        break;
      case Objective::grpo:  // the prompt: answers to it are sampled
        out.push_back(whole(e.first, e.prompt));
        break;
      case Objective::dpo:
      case Objective::orpo:
        out.push_back(whole(e.first, e.prompt));
        out.push_back(whole(e.second, e.prompt));
        break;
      case Objective::kto: {
        out.push_back(whole(e.first, e.prompt));
        const LabelledExample& before = *examples[(i + examples.size() - 1) % examples.size()];
        out.push_back({std::span(e.first.ids).first(e.prompt),
                       std::span(before.first.ids).subspan(before.prompt), {}, e.prompt});
        break;
      }
    }
  }
  return out;
}

std::int64_t rows_of(const Sequence& sequence, std::int64_t step) {
  const auto inputs = static_cast<std::int64_t>(sequence.used()) - 1;
  return (std::max<std::int64_t>(inputs, 1) + step - 1) / step * step;
}

Batch batch_of(std::span<const Sequence> sequences, std::span<const SequenceWeight> weights,
               std::int64_t step, bool labels_only) {
  Batch batch;
  std::int32_t number = 0;
  const bool taught = std::ranges::any_of(sequences, [](const Sequence& s) { return !s.soft.empty(); });
  const auto put = [&](std::int32_t token, std::size_t position, std::int32_t target, double weight, const SoftLabel* soft) {
    batch.add(token, static_cast<std::int32_t>(position), number, labels_only && weight != 0);
    if (labels_only && weight == 0) return;
    batch.targets.push_back(target);
    batch.weights.push_back(static_cast<float>(weight));
    if (taught) batch.soft.push_back(soft ? ops::SoftTarget{soft->ids, soft->shares} : ops::SoftTarget{});
  };
  for (std::size_t s = 0; s < sequences.size(); ++s) {
    const Sequence& sequence = sequences[s];
    const auto rows = static_cast<std::size_t>(rows_of(sequence, step));
    const std::size_t inputs = std::max<std::size_t>(sequence.used(), 1) - 1;
    std::size_t label = 0, place = 0;
    for (std::size_t i = 0; i < inputs; ++i) {
      const bool answer = sequence.answer(i + 1);
      put(sequence.token(i), i, sequence.token(i + 1),
          answer ? (sequence.each.empty() ? weights[s].answer : static_cast<double>(sequence.each[place++]))
          : sequence.mask.empty() ? weights[s].prompt : 0,
          answer && !sequence.soft.empty() ? &sequence.soft[label++] : nullptr);
    }
    // What fills the step is a sequence of its own, without targets.
    ++number;
    for (std::size_t i = inputs; i < rows; ++i) put(0, i - inputs, -1, 0, nullptr);
    ++number;
  }
  return batch;
}

}  // namespace bantam::adapt
