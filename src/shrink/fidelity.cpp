#include "shrink/fidelity.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "infer/divergence.h"

namespace bantam::shrink {

std::vector<std::int32_t> Passages::passage(std::int64_t index) const {
  std::vector<std::int32_t> ids;
  if (begin) ids.push_back(*begin);
  const auto from = tokens.begin() + index * length;
  ids.insert(ids.end(), from, from + std::min(length, std::ssize(tokens) - index * length));
  return ids;
}

namespace {

// Rows of logits that both models keep at a time: 64 MiB each.
constexpr std::int64_t kLogits = 16 << 20;

// The logits of tokens that follow what the session holds, one row after another.
void evaluate(Session& session, std::span<const std::int32_t> ids, std::vector<float>& rows) {
  const auto width = static_cast<std::size_t>(session.config().vocabulary);
  rows.resize(ids.size() * width);
  const Session::Part part{0, ids, Session::Want::all};
  session.evaluate({&part, 1}, [&](std::size_t, std::size_t index, std::span<const float> logits) {
    std::memcpy(rows.data() + index * width, logits.data(), width * sizeof(float));
  });
}

Fidelity summary(std::vector<Fidelity::Position> positions, double loss, double parent_loss,
                 std::int64_t followed) {
  Fidelity out;
  out.positions = std::ssize(positions);
  if (positions.empty()) return out;
  for (const Fidelity::Position& p : positions) {
    out.kl_mean += p.kl;
    out.same_top += p.parent_top == p.top ? 1 : 0;
  }
  const auto count = static_cast<double>(positions.size());
  out.kl_mean /= count;
  out.same_top /= count;
  out.perplexity = std::exp(loss / static_cast<double>(std::max<std::int64_t>(1, followed)));
  out.parent_perplexity =
      std::exp(parent_loss / static_cast<double>(std::max<std::int64_t>(1, followed)));
  std::ranges::stable_sort(positions, std::greater(), &Fidelity::Position::kl);
  out.kl_99 = positions[positions.size() / 100].kl;
  positions.resize(std::min<std::size_t>(positions.size(), 10));
  out.worst = std::move(positions);
  return out;
}

}  // namespace

Fidelity compare_models(Session& parent, Session& child, const Passages& passages, ThreadPool& pool,
                        const Tick& tick) {
  const std::int64_t width = parent.config().vocabulary;
  if (child.config().vocabulary != width)
    throw Error("two models of one vocabulary were expected, not of " + std::to_string(width) +
                " and " + std::to_string(child.config().vocabulary) + " tokens");
  const auto run = static_cast<std::size_t>(std::clamp<std::int64_t>(kLogits / width, 1, 256));
  const auto columns = static_cast<std::size_t>(width);
  std::vector<Fidelity::Position> positions;
  double loss = 0, parent_loss = 0;
  std::int64_t followed = 0;
  std::vector<float> p, q;
  for (std::int64_t i = 0; i < passages.count(); ++i) {
    if (tick) tick(i, passages.count());
    const std::vector<std::int32_t> ids = passages.passage(i);
    const std::size_t skipped = passages.begin ? 1 : 0;  // the first row stands before the text
    parent.trim(0, 0);
    child.trim(0, 0);
    for (std::size_t from = 0; from < ids.size(); from += run) {
      const std::span<const std::int32_t> part =
          std::span(ids).subspan(from, std::min(run, ids.size() - from));
      evaluate(parent, part, p);
      evaluate(child, part, q);
      std::vector<Divergence> rows(part.size());
      pool.parallel_for(std::ssize(part), [&](std::int64_t row, unsigned) {
        const auto r = static_cast<std::size_t>(row);
        const std::size_t next = from + r + 1;
        rows[r] = divergence(std::span(p).subspan(r * columns, columns),
                             std::span(q).subspan(r * columns, columns),
                             next < ids.size() ? ids[next] : -1);
      });
      for (std::size_t r = 0; r < rows.size(); ++r) {
        const Divergence& d = rows[r];
        positions.push_back({i * passages.length + static_cast<std::int64_t>(from + r) -
                                 static_cast<std::int64_t>(skipped),
                             d.kl, d.top_p, d.top_q});
        if (from + r + 1 >= ids.size()) continue;
        loss += d.loss_q;
        parent_loss += d.loss_p;
        ++followed;
      }
    }
  }
  parent.trim(0, 0);
  child.trim(0, 0);
  return summary(std::move(positions), loss, parent_loss, followed);
}

}  // namespace bantam::shrink
