// Adapters side by side: what it costs to switch among 16 of them, request by request, beside as many
// requests of one adapter and of the base alone. At once: 16 answers in one pass, as a server has them;
// one after the other: a slot whose adapter changes with every request. Adapters of random numbers on
// every linear layer, of the rank and on the layers that are asked for. Usage: adapters MODEL [threads]
// [tokens an answer] [rank] [module ...], as in `adapters m.gguf 2 64 8 q_proj v_proj`.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include "adapt/attach.h"
#include "base/random.h"
#include "infer/session.h"

namespace bantam {

namespace {

constexpr std::int32_t kAdapters = 16;
constexpr std::size_t kPrompt = 16;
constexpr int kRounds = 7;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

SessionOptions::Prepare random_adapter(std::int64_t rank, const std::vector<std::string>& modules,
                                       std::uint64_t seed) {
  return [=](Model& model, const std::shared_ptr<const ModelFile>& file, const Exec& exec) {
    adapt::NewAdapter settings;
    settings.weights = adapt::adapted_weights(model, modules);
    settings.rank = rank;
    settings.seed = seed;
    adapt::Adapter adapter = adapt::make_adapter(model, file, settings, exec);
    std::uint64_t stream = 0;
    for (auto& [name, update] : adapter.updates) {
      const Random random(seed, (std::uint64_t{9} << 32) + stream++);
      for (std::int64_t i = 0; i < update.b.shape().count(); ++i)
        update.b.f32()[i] = static_cast<float>(random.uniform(static_cast<std::uint64_t>(i)) - 0.5) / 64;
    }
    adapt::add_choice(model, adapter, file, exec);
    return adapt::digest(adapter);
  };
}

// Which adapter request n has.
using Choice = std::int32_t (*)(std::int32_t n);
struct Mode {
  const char* name;
  Choice choice;
  std::vector<double> at_once, one_by_one;  // seconds of a token of one answer, a number a round
};

// A token of request n at some place: the arithmetic does not depend on which.
std::int32_t token(const Session& session, std::int32_t n, std::size_t place) {
  const auto most = static_cast<std::uint64_t>(session.config().vocabulary);
  return static_cast<std::int32_t>(Random(static_cast<std::uint64_t>(n), 1).below(place, most));
}

// Decodes the answers of requests [begin, end) together, each in its slot; the seconds of the passes
// behind the prompts.
double decode(Session& session, std::int32_t begin, std::int32_t end, Choice choice,
              std::int64_t tokens) {
  std::vector<std::vector<std::int32_t>> ids;
  for (std::int32_t n = begin; n < end; ++n) {
    session.choose(n - begin, choice(n));
    session.trim(n - begin, 0);
    auto& prompt = ids.emplace_back();
    for (std::size_t i = 0; i < kPrompt; ++i) prompt.push_back(token(session, n, i));
  }
  float seen = 0;
  double start = 0;
  for (std::int64_t step = 0; step <= tokens; ++step) {
    std::vector<Session::Part> parts;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (step > 0)
        ids[i] = {token(session, begin + static_cast<std::int32_t>(i),
                        kPrompt + static_cast<std::size_t>(step))};
      parts.push_back({static_cast<std::int64_t>(i), ids[i], Session::Want::last});
    }
    session.evaluate(parts, [&](std::size_t, std::size_t, std::span<const float> logits) {
      seen += logits[0];
    });
    if (step == 0) start = now();
  }
  if (!(seen == seen)) throw Error("the model gave no number");
  return now() - start;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void run(const Path& path, unsigned threads, std::int64_t tokens, std::int64_t rank,
         const std::vector<std::string>& modules) {
  const auto file = std::make_shared<const ModelFile>(path);
  SessionOptions options;
  options.threads = threads;
  options.slots = kAdapters;
  options.positions = static_cast<std::int64_t>(kPrompt) + tokens;
  for (std::int32_t i = 0; i < kAdapters; ++i)
    options.choices.push_back(random_adapter(rank, modules, static_cast<std::uint64_t>(i + 1)));
  Session session(file, options);
  Mode modes[] = {{"one adapter", [](std::int32_t) { return 0; }, {}, {}},
                  {"16 adapters", [](std::int32_t n) { return n % kAdapters; }, {}, {}},
                  {"no adapter", [](std::int32_t) { return Session::kNoAdapter; }, {}, {}}};
  for (int round = -1; round < kRounds; ++round)  // the first finds its memory and is not counted
    for (Mode& mode : modes) {
      const double together = decode(session, 0, kAdapters, mode.choice, tokens);
      double apart = 0;
      for (std::int32_t n = 0; n < kAdapters; ++n)
        apart += decode(session, n, n + 1, mode.choice, tokens / 4);
      if (round < 0) continue;
      mode.at_once.push_back(together / static_cast<double>(tokens * kAdapters));
      mode.one_by_one.push_back(apart / static_cast<double>(tokens / 4 * kAdapters));
    }
  fmt::print("{} threads, rank {}, medians of {} rounds\n", session.threads(), rank, kRounds);
  for (const auto& [what, times] : {std::pair{"16 at once", &Mode::at_once},
                                    std::pair{"one after the other", &Mode::one_by_one}}) {
    for (const Mode& mode : modes) {
      std::vector<double> ratios;  // within a round: what disturbs one mode disturbs the others
      for (std::size_t r = 0; r < kRounds; ++r)
        ratios.push_back((modes[0].*times)[r] / (mode.*times)[r]);
      fmt::print("{:19}, {}: {:7.1f} tokens/s, {:.3f} of one adapter's\n", what, mode.name,
                 1 / median(mode.*times), median(ratios));
    }
  }
}

}  // namespace

}  // namespace bantam

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "adapters: adapters MODEL [threads] [tokens] [rank] [module ...]\n");
    return 2;
  }
  try {
    bantam::run(argv[1], argc > 2 ? static_cast<unsigned>(std::atoi(argv[2])) : 0,
                argc > 3 ? std::max(std::atoll(argv[3]), 4LL) : 64, argc > 4 ? std::atoll(argv[4]) : 16,
                std::vector<std::string>(argv + std::min(argc, 5), argv + argc));
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "adapters: {}\n", error.what());
    return 1;
  }
}
