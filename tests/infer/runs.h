// Tokens given to a session in pieces, and their logits.
#pragma once

#include <cstring>
#include <vector>

#include "base/random.h"
#include "infer/session.h"

namespace bantam::test {

using Logits = std::vector<std::vector<float>>;  // by position

inline std::vector<std::int32_t> some_tokens(std::size_t count, std::uint64_t seed) {
  const Random random(seed, 0);
  std::vector<std::int32_t> ids;
  for (std::size_t i = 0; i < count; ++i)
    ids.push_back(static_cast<std::int32_t>(random.below(i, 261)));
  return ids;
}

inline bool same_bytes(const Logits& a, const Logits& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i].size() != b[i].size() ||
        std::memcmp(a[i].data(), b[i].data(), a[i].size() * sizeof(float)) != 0)
      return false;
  return true;
}

// The logits of every token, given to the session in pieces of `piece`.
inline Logits run(Session& session, std::int64_t slot, const std::vector<std::int32_t>& ids,
                  std::size_t piece) {
  Logits logits;
  for (std::size_t at = 0; at < ids.size(); at += piece) {
    const std::size_t count = std::min(piece, ids.size() - at);
    const Session::Part part{slot, std::span(ids).subspan(at, count), Session::Want::all};
    session.evaluate({&part, 1}, [&](std::size_t, std::size_t, std::span<const float> row) {
      logits.emplace_back(row.begin(), row.end());
    });
  }
  return logits;
}

}  // namespace bantam::test
