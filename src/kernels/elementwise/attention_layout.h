// Where attention keeps things in a worker's scratch memory, all of it float32.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/rooms.h"

namespace bantam::kernels {

// Query vectors worked on together. Keys that the panel does not hold are turned around once for all of them: then
// more pay, up to kAttentionMost, as long as their scores stay in L2.
inline constexpr std::int64_t kAttentionTile = 16, kAttentionMost = 48;
inline constexpr std::int64_t kAttentionScores = 262144;          // numbers: 1 MiB
// Keys that a tile may span beyond its longest row: as many rows of a prompt, each with a key more than the one before.
inline constexpr std::int64_t kAttentionSlack = kAttentionMost;
inline constexpr std::int64_t kAttentionValues = 64;  // values widened at a time

// Rows of keys or values narrower than float32 that are asked for ahead of their use: they come from memory
// in strides that a processor does not foresee when several threads share a head.
inline constexpr std::int64_t kRowsAhead = 24;

// Offsets in floats for rows that attend to at most `keys` keys.
struct AttentionLayout {
  std::int64_t width;       // head_dim rounded up to 16: the stride of every row below
  std::int64_t panel_keys;  // keys that the panel holds: about half a MiB, or all there are
  std::int64_t score_stride;
  std::int64_t tile;  // query vectors
  std::int64_t queries, sums, values, block, scores, panel, total;

  AttentionLayout(std::int64_t keys, std::int64_t head_dim) {
    width = (head_dim + 15) / 16 * 16;
    const std::int64_t span = (keys + kAttentionSlack + 15) / 16 * 16;
    const std::int64_t room = std::max<std::int64_t>(131072 / width / 16 * 16, 16);
    panel_keys = std::min(std::max<std::int64_t>(span, 1024), room);
    score_stride = span + 32;  // the first key's place in its block, and the last block's rest
    // (More keys never need less room: callers make it for the longest of all rows.)
    std::int64_t room_for_scores = kAttentionTile * score_stride;
    if (span > panel_keys)
      room_for_scores =
          std::max(room_for_scores, std::min(kAttentionMost * score_stride, kAttentionScores));
    tile = room_for_scores / score_stride / 4 * 4;
    queries = 0;
    sums = queries + kAttentionMost * width;
    values = sums + kAttentionMost * width;
    block = values + kAttentionValues * width;
    scores = block + 16 * width;
    panel = scores + room_for_scores;
    total = panel + panel_keys * width;
  }
};

// The same for the gradient over a document of `rows` rows, 16 of which are worked on together.
struct AttentionBackLayout {
  std::int64_t width, padded;                                 // head_dim, rows: rounded up to 16
  std::int64_t keys, dkeys, dvalues, key_panel, value_panel;  // [padded, width]
  std::int64_t block, queries, douts, dqueries;               // [16, width]
  std::int64_t weights, dscores;                              // [16, padded]
  std::int64_t total;

  AttentionBackLayout(std::int64_t rows, std::int64_t head_dim) {
    width = (head_dim + 15) / 16 * 16;
    padded = (rows + 15) / 16 * 16;
    const std::int64_t all = padded * width, some = 16 * width;
    keys = 0;
    dkeys = keys + all;
    dvalues = dkeys + all;
    key_panel = dvalues + all;
    value_panel = key_panel + all;
    block = value_panel + all;
    queries = block + some;
    douts = queries + some;
    dqueries = douts + some;
    weights = dqueries + some;
    dscores = weights + 16 * padded;
    total = dscores + 16 * padded;
  }
};

}  // namespace bantam::kernels
