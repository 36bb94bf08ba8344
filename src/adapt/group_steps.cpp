#include "adapt/group_steps.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/counting.h"
#include "base/error.h"
#include "base/progress.h"

namespace bantam::adapt {

namespace {

std::int64_t longest_prompt(std::span<const LabelledExample> examples, const GroupSettings& settings,
                            const Config& config) {
  std::int64_t longest = 0;
  for (const LabelledExample& e : examples) {
    const auto tokens = static_cast<std::int64_t>(e.first.ids.size());
    if (tokens + settings.answer_tokens > config.context)
      throw Error(fmt::format("the prompt has {} tokens, and its answer may have {} (--answer-tokens); the context "
                              "of the model has room for {} in all: shorten one of them",
                              tokens, settings.answer_tokens, config.context))
          .line(static_cast<std::uint64_t>(e.line));
    longest = std::max(longest, tokens);
  }
  return longest;
}

}  // namespace

GroupSteps::GroupSteps(Tuner& tuner, const Model& model, const std::vector<Parameter>& parameters,
                       std::span<const LabelledExample> examples, std::span<const Json> records,
                       const Reward& reward, std::shared_ptr<const Tokenizer> tokenizer, Runtime runtime)
    : tuner_(tuner),
      parameters_(parameters),
      examples_(examples),
      records_(records),
      reward_(reward),
      runtime_(runtime),
      roll_outs_(model, runtime, tuner.settings().arithmetic, std::move(tokenizer), tuner.settings().groups,
                 longest_prompt(examples, tuner.settings().groups, model.config()), tuner.settings().seed) {
  if (tuner.settings().objective.beta > 0)
    for (const Parameter& p : parameters)
      start_.emplace_back(p.value.f32(), p.value.f32() + p.shape.count());
  tuner.own_loss = [this] { return loss(); };
}

bool GroupSteps::ready(const std::function<bool()>& go_on) {
  const GroupSettings& s = tuner_.settings().groups;
  const std::int64_t round = tuner_.state().step / s.iterations;
  if (made_ == round * s.iterations) return true;
  tuner_.before_step();
  const std::vector<std::size_t> asked = tuner_.stream().at(round);
  std::vector<std::span<const std::int32_t>> prompts;
  for (const std::size_t i : asked) prompts.emplace_back(examples_[i].first.ids);
  std::vector<RollOut> answers = roll_outs_.sample(prompts, static_cast<std::uint64_t>(round), go_on);
  if (answers.empty()) return false;
  answers_ = std::move(answers);
  const auto group = static_cast<std::size_t>(s.group);
  std::vector<double> rewards(answers_.size());
  // Programs of a model may run for seconds each.
  runtime_.pool.parallel_for(static_cast<std::int64_t>(answers_.size()), [&](std::int64_t task, unsigned) {
    const auto i = static_cast<std::size_t>(task);
    rewards[i] = reward_.of(records_[asked[i / group]], answers_[i].text);
    if (!std::isfinite(rewards[i]))
      throw Error("the reward " + reward_.name + " gave what is no number")
          .line(static_cast<std::uint64_t>(examples_[asked[i / group]].line));
  });
  advantages_ = advantages(rewards, s.group);
  groups_ = static_cast<std::int64_t>(asked.size());
  silent_ = 0;
  for (std::size_t g = 0; g < asked.size(); ++g)
    silent_ += std::ranges::count(std::span(rewards).subspan(g * group, group), rewards[g * group]) == s.group;
  cut_ = std::ranges::count(answers_, true, &RollOut::cut);
  double sum = 0;
  for (const double r : rewards) sum += r;
  reward_mean_ = sum / static_cast<double>(rewards.size());
  sequences_.clear();
  for (std::size_t i = 0; i < answers_.size(); ++i) {
    const std::span<const std::int32_t> prompt = prompts[i / group];
    sequences_.push_back({prompt, answers_[i].ids, {}, prompt.size()});
  }
  sampled_.clear();
  by_start_ = start_scores();
  made_ = round * s.iterations;
  return true;
}

void GroupSteps::exchange_with_start() {
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    float* now = parameters_[i].value.f32();
    std::swap_ranges(start_[i].begin(), start_[i].end(), now);
    parameters_[i].changed();
  }
  tuner_.before_step();
}

// The start model is this one with the numbers that it began with.
std::vector<SequenceScore> GroupSteps::start_scores() {
  if (start_.empty()) return {};
  exchange_with_start();
  std::vector<SequenceScore> scores = tuner_.score(sequences_, false);
  exchange_with_start();
  return scores;
}

double GroupSteps::loss() {
  if (made_ < 0) throw Error("no answers were sampled for this step");
  const TuneSettings& s = tuner_.settings();
  // With one step for each set of answers all ratios are 1, and no score is asked for.
  const bool scored = s.groups.iterations > 1 || !start_.empty();
  std::vector<SequenceScore> now;
  if (scored) {
    now = tuner_.score(sequences_, false);
  } else {
    for (const RollOut& a : answers_) now.emplace_back().each.assign(a.ids.size(), 0.0);
  }
  if (tuner_.state().step == made_) sampled_ = now;
  std::vector<AnswerOdds> odds;
  for (std::size_t i = 0; i < now.size(); ++i)
    odds.push_back({now[i].each, sampled_[i].each,
                    by_start_.empty() ? std::span<const double>() : by_start_[i].each});
  std::vector<std::vector<float>> weights;
  const double loss = group_loss(odds, advantages_, s.objective.beta, s.groups.epsilon, weights);
  // Answers that tell nothing have no gradient.
  std::vector<Sequence> learned;
  for (std::size_t i = 0; i < sequences_.size(); ++i) {
    if (std::ranges::all_of(weights[i], [](float w) { return w == 0; })) continue;
    learned.push_back(sequences_[i]);
    learned.back().each = weights[i];
  }
  if (!learned.empty()) tuner_.learn(learned);
  RunState& state = tuner_.state();
  state.rewards.push_back(static_cast<float>(reward_mean_));
  state.silent.push_back(silent_);
  state.groups.push_back(groups_);
  state.cut.push_back(cut_);
  return loss;
}

std::int64_t GroupSteps::bytes() const {
  std::int64_t out = roll_outs_.cache_bytes();
  for (const std::vector<float>& numbers : start_) out += static_cast<std::int64_t>(numbers.size() * sizeof(float));
  return out;
}

std::string GroupSteps::note() const {
  return fmt::format("reward {:.4f}, {} of {} told nothing, {} of {} cut off", reward_mean_, silent_,
                     number_of(groups_, "group"), cut_, number_of(answers_.size(), "answer"));
}

std::string GroupSteps::plan() const {
  const GroupSettings& s = tuner_.settings().groups;
  return fmt::format("answers: {} to each record, of at most {}, at temperature {}; rewarded: {}; {} at a time, "
                     "with a cache of {}",
                     s.group, number_of(s.answer_tokens, "token"), s.temperature, s.reward, roll_outs_.slots(),
                     byte_text(static_cast<double>(roll_outs_.cache_bytes())));
}

}  // namespace bantam::adapt
