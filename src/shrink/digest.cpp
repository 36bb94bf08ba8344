#include "shrink/digest.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "infer/divergence.h"

namespace bantam::shrink {

namespace {

Digest::Position digest_row(std::span<const float> logits) {
  Digest::Position out;
  const LogSum sum = log_sum(logits);
  out.ids.resize(logits.size());
  for (std::size_t i = 0; i < out.ids.size(); ++i) out.ids[i] = static_cast<std::int32_t>(i);
  const std::size_t kept = std::min(Digest::kKept, logits.size());
  std::partial_sort(out.ids.begin(), out.ids.begin() + static_cast<std::ptrdiff_t>(kept),
                    out.ids.end(), [&](std::int32_t a, std::int32_t b) {
                      const float x = logits[static_cast<std::size_t>(a)];
                      const float y = logits[static_cast<std::size_t>(b)];
                      return x != y ? x > y : a < b;
                    });
  out.ids.resize(kept);
  out.ids.shrink_to_fit();
  double known = 0;
  for (const std::int32_t id : out.ids) {
    out.log_p.push_back(static_cast<double>(logits[static_cast<std::size_t>(id)]) - sum.value);
    known += std::exp(out.log_p.back());
  }
  out.rest = kept == logits.size() ? 0 : std::max(0.0, 1 - known);
  return out;
}

double divergence_row(const Digest::Position& before, std::span<const float> logits) {
  const LogSum sum = log_sum(logits);
  double kl = 0, known = 0;
  for (std::size_t i = 0; i < before.ids.size(); ++i) {
    const double log_q =
        static_cast<double>(logits[static_cast<std::size_t>(before.ids[i])]) - sum.value;
    kl += std::exp(before.log_p[i]) * (before.log_p[i] - log_q);
    known += std::exp(log_q);
  }
  if (before.rest > 0) kl += before.rest * std::log(before.rest / std::max(1e-12, 1 - known));
  return std::max(0.0, kl);
}

// Rows of logits that are kept at a time: 64 MiB.
constexpr std::int64_t kRows = 16 << 20;

// Calls row(number, logits) for every position of the passages, over the pool.
template <class Row>
void each_row(Session& model, const Passages& passages, ThreadPool& pool, Row row) {
  const auto width = static_cast<std::size_t>(model.config().vocabulary);
  const auto most =
      static_cast<std::size_t>(std::clamp<std::int64_t>(kRows / model.config().vocabulary, 1, 512));
  std::vector<float> logits;
  std::size_t number = 0;
  for (std::int64_t i = 0; i < passages.count(); ++i) {
    const std::vector<std::int32_t> ids = passages.passage(i);
    model.trim(0, 0);
    for (std::size_t from = 0; from < ids.size(); from += most) {
      const std::span<const std::int32_t> part =
          std::span(ids).subspan(from, std::min(most, ids.size() - from));
      logits.resize(part.size() * width);
      const Session::Part all{0, part, Session::Want::all};
      model.evaluate({&all, 1}, [&](std::size_t, std::size_t at, std::span<const float> one) {
        std::memcpy(logits.data() + at * width, one.data(), width * sizeof(float));
      });
      pool.parallel_for(std::ssize(part), [&](std::int64_t r, unsigned) {
        const auto at = static_cast<std::size_t>(r);
        row(number + at, std::span<const float>(logits).subspan(at * width, width));
      });
      number += part.size();
    }
  }
  model.trim(0, 0);
}

std::size_t positions_of(const Passages& passages) {
  return passages.tokens.size() + (passages.begin ? static_cast<std::size_t>(passages.count()) : 0);
}

}  // namespace

Digest digest_of(Session& model, const Passages& passages, ThreadPool& pool) {
  Digest out;
  out.positions.resize(positions_of(passages));
  each_row(model, passages, pool, [&](std::size_t number, std::span<const float> logits) {
    out.positions[number] = digest_row(logits);
  });
  return out;
}

double divergence_from(const Digest& before, Session& model, const Passages& passages,
                       ThreadPool& pool) {
  std::vector<double> rows(before.positions.size());
  each_row(model, passages, pool, [&](std::size_t number, std::span<const float> logits) {
    rows[number] = divergence_row(before.positions[number], logits);
  });
  double sum = 0;
  for (const double row : rows) sum += row;
  return rows.empty() ? 0 : sum / static_cast<double>(rows.size());
}

}  // namespace bantam::shrink
