// The places of a forward pass that can be looked at: each is reached once in a pass (that of a
// layer once for each layer), in this order.
#pragma once

#include <cstdint>

#include "base/rooms.h"

namespace bantam::nn {

// T tokens, D width, H heads of the layer, E their width, G stored heads, F hidden width, V
// vocabulary.
enum class Point : std::uint8_t {
  embedding,            // [T,D] rows of the table, scaled as the family does; without positions
  layer_input,          // [T,D] the residual stream as a layer finds it
  attention_input,      // [T,D] normalised (itself, where a family does not)
  query,                // [T,H*E] as they meet the keys: normalised and turned
  key,                  // [T,G*E] likewise
  value,                // [T,G*E]
  attention_weights,    // [T,H*T] row t: for each head how much it takes of each row; only without
                        // a cache, and only for an observer that asks for it
  heads,                // [T,H*E] what the heads give
  attention_out,        // [T,D] of the output projection, before it is normalised or scaled
  middle,               // [T,D] the residual stream between attention and feed-forward block
  feed_forward_input,   // [T,D] normalised (itself, where a family does not)
  feed_forward_hidden,  // [T,F] activated, and gated where a family does
  feed_forward_out,     // [T,D] before it is normalised or scaled
  residual,             // [T,D] the residual stream as a layer leaves it
  final_norm,           // [wanted,D] normalised rows, before logits are scaled
  logits,               // [wanted,V] not in training, whose loss never holds them all
};
inline constexpr int kPoints = static_cast<int>(Point::logits) + 1;

}  // namespace bantam::nn
