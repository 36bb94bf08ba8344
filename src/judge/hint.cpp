#include "judge/hint.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/error.h"
#include "base/hash.h"
#include "base/random.h"

namespace bantam::judge {

namespace {

constexpr std::size_t kGroup = 6, kMostGroups = 40, kFewestGroups = 8, kOrders = 8;
constexpr std::size_t kMostTexts = 300;

// A question with its answer, as a training text would have it.
std::string question_text(const Item& item) {
  std::string answer = item.target;
  if (item.gold >= 0 && static_cast<std::size_t>(item.gold) < item.choices.size())
    answer = item.choices[static_cast<std::size_t>(item.gold)];
  return item.question + (answer.empty() || answer.front() == ' ' ? "" : " ") + answer;
}

TaskRun texts_run(const std::string& name, std::vector<std::string> texts) {
  TaskSpec spec;
  spec.name = spec.file = name;
  spec.kind = Kind::rolling;
  spec.scorer = "rolling";
  spec.question = "{{ text }}";
  TaskRun run;
  run.name = name;
  Sha256 sum;
  for (std::string& text : texts) {
    Item item;
    item.doc = std::to_string(run.items.size());
    item.record = {{"text", text}};
    item.question = text;
    item.contexts = {std::move(text)};
    const std::string line = digest_line(item);
    sum.add(std::as_bytes(std::span(line)));
    run.items.push_back(std::move(item));
  }
  run.digest = sum.hex();
  run.spec = std::make_shared<const TaskSpec>(std::move(spec));
  return run;
}

double normal_tail(double z) { return std::erfc(z / std::sqrt(2.0)) / 2; }

}  // namespace

std::optional<OrderTest> order_test(const TaskRun& run, std::uint64_t seed) {
  const std::size_t groups = std::min(run.items.size() / kGroup, kMostGroups);
  if (groups < kFewestGroups) return std::nullopt;
  const Random random(seed, 0x6f72646572);
  std::uint64_t index = 0;
  std::vector<std::string> texts;
  for (std::size_t g = 0; g < groups; ++g) {
    std::vector<std::size_t> order(kGroup);
    std::iota(order.begin(), order.end(), g * kGroup);
    for (std::size_t o = 0; o < kOrders; ++o) {
      std::string text;
      for (const std::size_t at : order) text += (text.empty() ? "" : "\n\n") + question_text(run.items[at]);
      texts.push_back(std::move(text));
      for (std::size_t i = kGroup; i > 1; --i) std::swap(order[i - 1], order[random.below(index++, i)]);
    }
  }
  return OrderTest{texts_run(run.name + " in order", std::move(texts)), groups, kOrders};
}

// Where no order is liked better, the published one of a group is one of its orders by chance: the sum
// over groups is held against sums of orders that are drawn.
Json order_hint(const OrderTest& test, const std::vector<double>& sums, std::uint64_t seed) {
  const auto beyond = [&](std::size_t group, std::size_t order) {
    const auto first = sums.begin() + static_cast<std::ptrdiff_t>(group * test.orders);
    return first[static_cast<std::ptrdiff_t>(order)] -
           std::accumulate(first, first + static_cast<std::ptrdiff_t>(test.orders), 0.0) / static_cast<double>(test.orders);
  };
  double published = 0;
  std::size_t liked = 0;
  for (std::size_t g = 0; g < test.groups; ++g) {
    published += beyond(g, 0);
    liked += beyond(g, 0) > 0;
  }
  constexpr int kDraws = 20'000;
  const Random random(seed, 0x6f72646573);
  std::uint64_t index = 0;
  int as_good = 0;
  for (int d = 0; d < kDraws; ++d) {
    double drawn = 0;
    for (std::size_t g = 0; g < test.groups; ++g) drawn += beyond(g, random.below(index++, test.orders));
    as_good += drawn >= published - 1e-9;
  }
  return {{"groups", test.groups}, {"questions_in_a_group", kGroup}, {"orders", test.orders},
          {"nats_for_the_published_order", published / static_cast<double>(test.groups)},
          {"groups_that_like_it", liked}, {"p", (1.0 + as_good) / (1.0 + kDraws)}};
}

std::optional<GapTest> gap_test(const TaskRun& run, DataFolder& data, const Asking& asking) {
  const TaskSpec& spec = *run.spec;
  const auto pool = spec.splits.find(spec.pool);
  if (pool == spec.splits.end() || spec.pool == spec.test || !data.has(pool->second)) return std::nullopt;
  TaskSpec other = spec;
  other.test = spec.pool;
  Asking plain = asking;
  plain.shots = 0;
  plain.limit = 0;
  plain.chat = {};
  const std::vector<Item> others = make_items(other, data, plain);
  const std::size_t most = std::min({run.items.size(), others.size(), kMostTexts});
  if (most < 20) return std::nullopt;
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < most; ++i) texts.push_back(question_text(run.items[i]));
  for (std::size_t i = 0; i < most; ++i) texts.push_back(question_text(others[i]));
  return GapTest{texts_run(run.name + " beside", std::move(texts)), most};
}

Json gap_hint(const GapTest& test, const std::vector<double>& bits) {
  struct Side {
    double mean = 0, error = 0;
  };
  const auto side = [&](std::size_t from, std::size_t to) {
    Side s;
    const auto n = static_cast<double>(to - from);
    for (std::size_t i = from; i < to; ++i) s.mean += bits[i] / n;
    for (std::size_t i = from; i < to; ++i) s.error += (bits[i] - s.mean) * (bits[i] - s.mean);
    s.error = std::sqrt(s.error / std::max(n - 1, 1.0) / n);
    return s;
  };
  const Side tested = side(0, test.of_test), other = side(test.of_test, bits.size());
  const double error = std::hypot(tested.error, other.error), gap = tested.mean - other.mean;
  return {{"questions", test.of_test}, {"bits_per_byte_of_test", tested.mean}, {"bits_per_byte_of_other", other.mean},
          {"gap", gap}, {"stderr", error}, {"p", error > 0 ? normal_tail(-gap / error) : 0.5}};
}

}  // namespace bantam::judge
